//! A contract in the form in which OpenTelemetry Weaver publishes a registry.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::contract::{AttributeRef, Contract};

/// The form of what [`resolved`] makes, of which Weaver says that it may still change.
pub const RESOLVED_FORMAT: &str = "resolved/2.0";

/// The contract as a resolved registry. What is ours alone stands below `annotations.contract`; the expositions, the
/// invariants and the groups are left out, for which Weaver has no place.
pub fn resolved(contract: &Contract) -> Value {
    let catalog = Catalog { places: contract.attributes.keys().zip(0..).collect() };
    let metrics = catalog.signals(contract.metrics.values(), |metric| {
        (&*metric.name, vec![("attributes", &metric.attributes)])
    });
    let events = catalog
        .signals(contract.events.values(), |event| (&*event.name, vec![("attributes", &event.attributes)]));
    let spans =
        catalog.signals(contract.spans.values(), |span| (&*span.id, vec![("attributes", &span.attributes)]));
    let entities = catalog.signals(contract.entities.values(), |entity| {
        (&*entity.id, vec![("identity", &entity.identity), ("description", &entity.description)])
    });
    json!({
        "file_format": RESOLVED_FORMAT,
        "schema_url": contract.schema_url,
        "attribute_catalog": contract.attributes.values().map(value).collect::<Vec<_>>(),
        "registry": {
            "attributes": catalog.places.values().collect::<Vec<_>>(),
            "attribute_groups": [],
            "metrics": metrics.of_registry,
            "events": events.of_registry,
            "spans": spans.of_registry,
            "entities": entities.of_registry,
        },
        "refinements": {
            "metrics": metrics.refinements,
            "events": events.refinements,
            "spans": spans.refinements,
            "entities": entities.refinements,
        },
    })
}

/// The attributes, which signals refer to by their places.
struct Catalog<'a> {
    places: BTreeMap<&'a String, u32>,
}

/// The signals of a kind.
#[derive(Default)]
struct Signals {
    of_registry: Vec<Value>,
    /// The same, with an id: Weaver refines each signal by itself, so that generators need read nothing else.
    refinements: Vec<Value>,
}

impl Catalog<'_> {
    /// `parts` tells the id of a signal, and its lists of attributes by their keys.
    fn signals<'s, T: Serialize + 's>(
        &self,
        all: impl Iterator<Item = &'s T>,
        parts: impl Fn(&'s T) -> (&'s str, Vec<(&'static str, &'s Vec<AttributeRef>)>),
    ) -> Signals {
        let mut signals = Signals::default();
        for each in all {
            let (id, lists) = parts(each);
            let mut signal = value(each);
            for (key, refs) in lists.into_iter().filter(|(_, refs)| !refs.is_empty()) {
                signal[key] = self.references(refs);
            }
            signals.of_registry.push(signal.clone());
            signal["id"] = id.into();
            signals.refinements.push(signal);
        }
        signals
    }

    fn references(&self, refs: &[AttributeRef]) -> Value {
        let of = |AttributeRef { key, requirement_level }: &AttributeRef| json!({"base": self.places.get(key), "requirement_level": requirement_level});
        refs.iter().map(of).collect()
    }
}

fn value(part: &impl Serialize) -> Value {
    serde_json::to_value(part).expect("a contract has only string keys")
}

#[cfg(test)]
mod tests;
