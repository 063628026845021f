//! Attributes, and the resource that has some of them.

use super::{Wrong, near};
use crate::contract::{Attribute, AttributeKind, AttributeRef, Contract, Deprecated, Domain, Entity};

/// What is wrong with an attribute, for itself and in `contract`.
pub(in crate::load) fn attribute(attribute: &Attribute, contract: &Contract) -> Wrong {
    let mut wrong = Wrong::default();
    let note = &attribute.annotations.contract;
    if !is_used(&attribute.key, contract) {
        wrong.field("key", "nothing has it: no metric, event, span or entity");
    }
    if let Some(since) = note.since.as_ref().filter(|since| **since > contract.version) {
        let version = &contract.version;
        wrong.note("since", format!("{since} is after {version}, which is the version of this contract"));
    }
    if let Some(Deprecated::Renamed { renamed_to }) = &attribute.deprecated
        && !contract.attributes.contains_key(renamed_to)
    {
        let near = near(renamed_to, contract.attributes.keys());
        wrong.field("deprecated", format!("its new name {renamed_to:?} is not declared{near}"));
    }
    let AttributeKind::Enum { members } = &attribute.kind else { return wrong };
    if note.domain.is_some_and(|domain| domain != Domain::Unbounded) {
        wrong.note("domain", "an enumeration is bounded by its members");
    }
    if members.is_empty() {
        wrong.field("type::members", "an enumeration has a member");
    }
    for (index, member) in members.iter().enumerate() {
        let mut before = members.iter().take(index);
        if before.any(|before| before.value == member.value || before.id == member.id) {
            wrong.field(format!("type::members::{index}"), format!("has {:?} already", member.value));
        }
    }
    wrong
}

/// What is wrong with an entity in `contract`.
pub(in crate::load) fn entity(entity: &Entity, contract: &Contract) -> Wrong {
    let mut wrong = Wrong::default();
    wrong.references("identity", &entity.identity, contract);
    wrong.references("description", &entity.description, contract);
    if entity.identity.is_empty() {
        wrong.field("identity", "something must tell one from another");
    }
    wrong
}

fn is_used(key: &str, contract: &Contract) -> bool {
    let has = |refs: &[AttributeRef]| refs.iter().any(|attribute| attribute.key == key);
    let Contract { metrics, events, spans, entities, .. } = contract;
    metrics.values().any(|metric| has(&metric.attributes))
        || events.values().any(|event| has(&event.attributes))
        || spans.values().any(|span| has(&span.attributes))
        || entities.values().any(|entity| has(&entity.identity) || has(&entity.description))
}
