//! The extensions of one configuration, in the order in which they start.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use etalon_component::{
    BoxError, BuildInfo, ComponentId, ComponentStatus, Extension, ExtensionFactory, Host, Place,
};
use etalon_conf::Value;
use etalon_telemetry::{Telemetry, tell};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::config::CollectorConfig;
use crate::factories::Factories;
use crate::graph::{Part, Role, StartError, distinct, entry_of};
use crate::life::Life;

/// All extensions that the service names: each after those that it depends on, else as written.
#[derive(Clone)]
pub(crate) struct Extensions(Vec<Created>);

#[derive(Clone)]
struct Created {
    id: ComponentId,
    life: Life,
    /// Its configuration.
    written: Value,
    extension: Extension,
}

/// The extensions of a valid configuration could not be created, or not be ordered.
#[derive(Debug, thiserror::Error)]
pub enum ExtensionError {
    /// The extension's own code refused.
    #[error("failed to create extension \"{id}\"")]
    Create {
        /// The extension.
        id: ComponentId,
        /// Its reason.
        source: BoxError,
    },
    /// An extension depends on one that is not in service.
    #[error("unable to find extension {missing} on which extension {of} depends")]
    Missing {
        /// The one that is not there.
        missing: ComponentId,
        /// The one that needs it.
        of: ComponentId,
    },
    /// Extensions depend on one another in a circle.
    #[error("unable to order extensions by dependencies, cycle found [{}]", arrows(.0))]
    Cycle(Vec<ComponentId>),
}

impl Extensions {
    /// Creates every extension that the service names, but for those of `previous` that have not
    /// changed, nor what they depend on. Nothing is started.
    pub(crate) fn build(
        config: &CollectorConfig,
        factories: &Factories,
        build: &BuildInfo,
        telemetry: &Telemetry,
        previous: Option<&Self>,
    ) -> Result<Self, ExtensionError> {
        let create = |id: &ComponentId, factory: &ExtensionFactory| {
            let settings = Part::new(Role::Extension, id, factory.kind()).settings(build, telemetry);
            let place = Place { role: Role::Extension, id: id.clone(), signal: None, pipeline: None };
            let life = Life::new(place, settings.span.clone());
            let config = &entry_of(&config.extensions, id).config;
            let extension = factory.create(settings, config);
            let extension = extension.map_err(|source| ExtensionError::Create { id: id.clone(), source })?;
            Ok(Created { id: id.clone(), life, written: config.to_value(), extension })
        };
        let mut created = Vec::new();
        for id in distinct(&config.started_extensions) {
            let Some(factory) = factories.extension(id.kind()) else { continue };
            let known = previous.and_then(|previous| previous.0.iter().find(|known| known.id == *id));
            let written = entry_of(&config.extensions, id).config.to_value();
            created.push(match known.filter(|known| known.written == written) {
                Some(known) => known.clone(),
                None => create(id, factory)?,
            });
        }
        let mut all = ordered(created).map(Self)?;
        // In this order, what is created anew is seen before what depends on it.
        for index in 0..all.0.len() {
            let changed = previous.map(|previous| all.changed_since(previous)).unwrap_or_default();
            let Created { id, extension, .. } = &all.0[index];
            if !changed.contains(id)
                && extension.dependencies().iter().any(|needed| changed.contains(needed))
                && let Some(factory) = factories.extension(id.kind())
            {
                all.0[index] = create(&id.clone(), factory)?;
            }
        }
        Ok(all)
    }

    /// The ids of those that are in one of the two only, or not the same in both.
    pub(crate) fn changed_since(&self, previous: &Self) -> BTreeSet<ComponentId> {
        let ids = |created: Vec<Created>| created.into_iter().map(|created| created.id);
        ids(self.without(previous).0).chain(ids(previous.without(self).0)).collect()
    }

    /// Those that are not in `other`, in the same order.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let is_in_other = |created: &Created| {
            other
                .0
                .iter()
                .any(|known| Arc::ptr_eq(known.extension.component(), created.extension.component()))
        };
        Self(self.0.iter().filter(|created| !is_in_other(created)).cloned().collect())
    }

    /// Whether it has one of this id that is the same as in `other`.
    pub(crate) fn shares(&self, other: &Self, id: &ComponentId) -> bool {
        let find = |all: &Self| all.0.iter().find(|created| created.id == *id).cloned();
        let both = find(self).zip(find(other));
        both.is_some_and(|(a, b)| Arc::ptr_eq(a.extension.component(), b.extension.component()))
    }

    /// Where they are, in the order of their start.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = ComponentStatus> {
        self.0.iter().map(|created| created.life.status.clone())
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For the host.
    pub(crate) fn by_id(&self) -> BTreeMap<ComponentId, Extension> {
        self.0.iter().map(|created| (created.id.clone(), created.extension.clone())).collect()
    }

    /// Starts them in order. Stops at the first failure; shut them down then.
    pub(crate) async fn start(&self, host: &Host) -> Result<(), StartError> {
        tell!(ExtensionsStarting);
        for Created { id, life, extension, .. } in &self.0 {
            life.span.in_scope(|| tell!(ExtensionStarting));
            let started = extension.component().start(host).instrument(life.span.clone()).await;
            let started = life.started(started);
            started.map_err(|source| StartError { id: id.clone(), role: Role::Extension, source })?;
        }
        Ok(())
    }

    /// Shuts down in the reverse order. Every extension is shut down, whatever the others answer; the
    /// failures are returned.
    pub(crate) async fn shutdown(&self, deadline: Instant) -> Vec<(Role, ComponentId, BoxError)> {
        tell!(ExtensionsStopping);
        let mut failures = Vec::new();
        for Created { id, life, extension, .. } in self.0.iter().rev() {
            let stopped = extension.component().shutdown(deadline).instrument(life.span.clone()).await;
            if let Err(error) = life.stopped(stopped) {
                failures.push((Role::Extension, id.clone(), error));
            }
        }
        failures
    }
}

/// Each extension after those that it depends on; the order as written decides among the rest.
fn ordered(mut waiting: Vec<Created>) -> Result<Vec<Created>, ExtensionError> {
    let known: BTreeSet<ComponentId> = waiting.iter().map(|created| created.id.clone()).collect();
    for created in &waiting {
        if let Some(missing) = created.extension.dependencies().iter().find(|id| !known.contains(id)) {
            return Err(ExtensionError::Missing { missing: missing.clone(), of: created.id.clone() });
        }
    }
    let mut placed: Vec<Created> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_waiting = |id: &ComponentId| waiting.iter().any(|created| created.id == *id);
        let ready = |created: &Created| !created.extension.dependencies().iter().any(is_waiting);
        match waiting.iter().position(ready) {
            Some(next) => placed.push(waiting.remove(next)),
            None => return Err(ExtensionError::Cycle(cycle(&waiting))),
        }
    }
    Ok(placed)
}

/// A circle among extensions of which each waits for another one of them; the first id is also the last.
fn cycle(waiting: &[Created]) -> Vec<ComponentId> {
    let mut path: Vec<&Created> = Vec::new();
    let mut next = waiting.first();
    while let Some(created) = next {
        if let Some(start) = path.iter().position(|passed| passed.id == created.id) {
            path.push(created);
            // A dependency comes before what depends on it.
            return path[start..].iter().rev().map(|passed| passed.id.clone()).collect();
        }
        path.push(created);
        let dependencies = created.extension.dependencies();
        next = waiting.iter().find(|other| dependencies.contains(&other.id));
    }
    Vec::new()
}

fn arrows(ids: &[ComponentId]) -> String {
    ids.iter().map(ComponentId::as_str).collect::<Vec<_>>().join(" -> ")
}
