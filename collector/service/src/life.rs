//! What the log tells about the life of a component.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use etalon_component::{BoxError, ComponentId};
use etalon_telemetry::attributes::{OtelcolComponentKind, Phase};
use etalon_telemetry::event::Causes;
use etalon_telemetry::tell;
use tracing::Span;

use crate::graph::Role;

/// The life of one component. Clones are of the same.
#[derive(Clone)]
pub(crate) struct Life {
    role: Role,
    id: ComponentId,
    /// Identifies it in the log.
    pub(crate) span: Span,
    /// Whether it has been told that it has started, and not yet that it has stopped.
    is_told: Arc<AtomicBool>,
}

impl Life {
    pub(crate) fn new(role: Role, id: &ComponentId, span: Span) -> Self {
        Self { role, id: id.clone(), span, is_told: Arc::default() }
    }

    /// Tells how its start ended.
    pub(crate) fn started(&self, result: Result<(), BoxError>) -> Result<(), BoxError> {
        match &result {
            Ok(()) => {
                self.is_told.store(true, Ordering::Relaxed);
                self.span.in_scope(|| {
                    tell!(ComponentStarted {
                        what: &capitalized(self.role),
                        otelcol_component_id: &self.id,
                        otelcol_component_kind: self.role.into(),
                    });
                });
            }
            Err(error) => self.failed(Phase::Start, &format_args!("Failed to start {}", self.role), error),
        }
        result
    }

    /// Tells how its shutdown ended. That of one that never started is nothing to tell of.
    pub(crate) fn stopped(&self, result: Result<(), BoxError>) -> Result<(), BoxError> {
        let was_told = self.is_told.swap(false, Ordering::Relaxed);
        match &result {
            Ok(()) if was_told => self.span.in_scope(|| {
                tell!(ComponentStopped {
                    what: &capitalized(self.role),
                    otelcol_component_id: &self.id,
                    otelcol_component_kind: self.role.into(),
                });
            }),
            Ok(()) => {}
            Err(error) => {
                self.failed(Phase::Shutdown, &format_args!("Failed to shut down {}", self.role), error);
            }
        }
        result
    }

    fn failed(&self, phase: Phase, what: &dyn std::fmt::Display, error: &BoxError) {
        self.span.in_scope(|| {
            tell!(ComponentFailed {
                what,
                otelcol_component_id: &self.id,
                otelcol_component_kind: Some(self.role.into()),
                phase,
                error: &Causes(&**error),
            });
        });
    }
}

impl From<Role> for OtelcolComponentKind {
    fn from(role: Role) -> Self {
        match role {
            Role::Receiver => Self::Receiver,
            Role::Processor => Self::Processor,
            Role::Exporter => Self::Exporter,
            Role::Connector => Self::Connector,
            Role::Extension => Self::Extension,
        }
    }
}

fn capitalized(role: Role) -> &'static str {
    match role {
        Role::Receiver => "Receiver",
        Role::Processor => "Processor",
        Role::Exporter => "Exporter",
        Role::Connector => "Connector",
        Role::Extension => "Extension",
    }
}
