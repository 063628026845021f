//! What is wrong with declarations that could be read.
//!
//! Each check knows the whole contract, and says of one declaration which field is wrong and why.

mod attribute;
mod exposed;
mod metric;
mod signal;

use std::collections::BTreeMap;

use etalon_conf::nearest;
use semver::Version;

use crate::contract::{AttributeRef, Contract, Deprecated, Stability};

pub(super) use attribute::{attribute, entity};
pub(super) use exposed::Samples;
pub(crate) use metric::metric;
pub(super) use metric::own;
pub(super) use signal::{event, span};

/// What is wrong with a declaration.
#[derive(Debug, Default)]
pub(crate) struct Wrong {
    /// The field, as a path in the declaration, and what is wrong with it.
    pub(crate) fields: Vec<(String, String)>,
}

/// From when until when something is there.
struct Life<'a> {
    since: &'a Version,
    deprecated: Option<&'a Deprecated>,
    deprecated_since: Option<&'a Version>,
    removed_in: Option<&'a Version>,
}

impl Wrong {
    /// Something of ours, which is below `annotations.contract`.
    fn note(&mut self, field: &str, message: impl Into<String>) {
        self.fields.push((format!("annotations::contract::{field}"), message.into()));
    }

    fn field(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.fields.push((field.into(), message.into()));
    }

    /// What everybody may rely on has its evidence, and says what it is for.
    fn evidence(&mut self, stability: Stability, what: &str, tests: &[String], how_to_use: Option<&str>) {
        for (index, test) in tests.iter().enumerate() {
            if test.split("::").filter(|part| !part.is_empty()).count() < 2 {
                self.note(&format!("tests::{index}"), format!("{test:?} is no test: write program::test"));
            }
        }
        if stability != Stability::Stable {
            return;
        }
        if tests.is_empty() {
            self.note("tests", format!("a stable {what} names a test of its meaning"));
        }
        if how_to_use.is_none() {
            self.note("how_to_use", format!("a stable {what} says how to use it"));
        }
    }

    /// `P` is what the declaration is one of.
    fn life<P>(&mut self, life: &Life<'_>, contract: &Contract, known: &BTreeMap<String, P>) {
        let &Life { since, deprecated, deprecated_since, removed_in } = life;
        if *since > contract.version {
            let version = &contract.version;
            self.note("since", format!("{since} is after {version}, which is the version of this contract"));
        }
        if let Some(Deprecated::Renamed { renamed_to }) = deprecated
            && !known.contains_key(renamed_to)
        {
            let near = near(renamed_to, known.keys());
            self.field("deprecated", format!("its new name {renamed_to:?} is not declared{near}"));
        }
        if deprecated.is_some() != deprecated_since.is_some() {
            self.field("deprecated", "deprecated and deprecated_since go together");
        }
        match (deprecated_since, removed_in) {
            (None, Some(_)) => {
                self.note("removed_in", "only what is deprecated is removed, after deprecated_since");
            }
            (Some(from), Some(until)) if until <= from => {
                self.note("removed_in", format!("{until} is not after deprecated_since, {from}"));
            }
            (_, Some(until)) if *until <= contract.version => {
                self.note("removed_in", format!("{until} has come: remove it, or say a later version"));
            }
            _ => {}
        }
        if deprecated_since.is_some_and(|from| from < since) {
            self.note("deprecated_since", format!("is before {since}, since when it is there"));
        }
    }

    /// What a declaration refers to below `field`.
    fn references(&mut self, field: &str, refs: &[AttributeRef], contract: &Contract) {
        for (index, AttributeRef { key, .. }) in refs.iter().enumerate() {
            if !contract.attributes.contains_key(key) {
                let near = near(key, contract.attributes.keys());
                self.field(format!("{field}::{index}"), format!("no attribute is called {key:?}{near}"));
            }
            if refs.iter().take(index).any(|before| before.key == *key) {
                self.field(format!("{field}::{index}"), format!("has {key:?} already"));
            }
        }
    }
}

/// What may have been meant.
fn near<'a>(written: &str, known: impl IntoIterator<Item = &'a String>) -> String {
    let nearest = nearest(written, known.into_iter().map(String::as_str));
    nearest.map(|word| format!("; did you mean {word:?}?")).unwrap_or_default()
}
