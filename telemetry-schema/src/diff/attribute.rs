//! Attributes, and the values that they may have.

use super::Rule;
use super::site::{Part, Site};
use crate::contract::{
    Annotated, Attribute, AttributeKind, AttributeNote, AttributeRef, Contract, Domain, Member, Stability,
};

pub(super) fn attribute(
    site: &mut Site<'_>,
    (old, old_contract): (&Attribute, &Contract),
    (new, new_contract): (&Attribute, &Contract),
) {
    let Attribute { key: _, kind, brief, note, stability, examples, deprecated, annotations } = old;
    let Annotated { contract: AttributeNote { since, domain } } = annotations;
    let new_note = &new.annotations.contract;
    site.field("brief", brief, &new.brief, Rule::TextChanged);
    site.field("note", note, &new.note, Rule::TextChanged);
    site.level_of_promise(*stability, new.stability);
    site.field("examples", examples, &new.examples, Rule::TextChanged);
    site.deprecation(
        (deprecated.as_ref(), |name: &str| old_contract.attributes.contains_key(name)),
        (new.deprecated.as_ref(), |name: &str| new_contract.attributes.contains_key(name)),
    );
    site.field("since", since, &new_note.since, Rule::TextChanged);
    // Whatever uses it relies on its values.
    let site = &mut site.promised(promise(old, old_contract));
    let is_wider = match (domain, new_note.domain) {
        (Some(old), Some(new)) => breadth(new) >= breadth(*old),
        // An enumeration bounds itself; what became of it is told of its type.
        (None, _) | (_, None) => false,
    };
    let rules = (Rule::DomainWidened, Rule::DomainNarrowed);
    site.moved("domain", (domain, &new_note.domain), is_wider, rules);
    match (kind, &new.kind) {
        (AttributeKind::Enum { members: old }, AttributeKind::Enum { members: new }) => {
            members(&mut site.at("members"), old, new);
        }
        (AttributeKind::Primitive(_), _) | (_, AttributeKind::Primitive(_)) => {
            site.field("type", kind, &new.kind, Rule::ValueTypeOfLabelChanged);
        }
    }
}

/// Members are told apart by what is on the wire.
fn members(site: &mut Site<'_>, old: &[Member], new: &[Member]) {
    for Member { id, value, brief, stability, deprecated } in old {
        let mut site = site.at(value);
        let Some(new) = new.iter().find(|member| member.value == *value) else {
            site.tell(Rule::ValueRemoved, Some(brief.clone()), None);
            continue;
        };
        site.field("id", id, &new.id, Rule::TextChanged);
        site.field("brief", brief, &new.brief, Rule::TextChanged);
        site.level_of_promise(*stability, new.stability);
        let is_there = |_: &str| true;
        site.deprecation((deprecated.as_ref(), is_there), (new.deprecated.as_ref(), is_there));
    }
    for member in new.iter().filter(|member| !old.iter().any(|old| old.value == member.value)) {
        site.at(&member.value).tell(Rule::ValueAdded, None, Some(member.brief.clone()));
    }
}

/// How much is promised of an attribute's values: as much as of the attribute, or of anything that has it.
fn promise(attribute: &Attribute, contract: &Contract) -> Stability {
    let has_it = |refs: &[AttributeRef]| refs.iter().any(|reference| reference.key == attribute.key);
    let metrics = contract.metrics.values().filter(|metric| has_it(&metric.attributes));
    let events = contract.events.values().filter(|event| has_it(&event.attributes));
    let spans = contract.spans.values().filter(|span| has_it(&span.attributes));
    let entities =
        contract.entities.values().filter(|entity| has_it(&entity.identity) || has_it(&entity.description));
    metrics
        .map(|metric| metric.stability)
        .chain(events.map(|event| event.stability))
        .chain(spans.map(|span| span.stability))
        .chain(entities.map(|entity| entity.stability))
        .fold(attribute.stability, Stability::max)
}

/// How many values a domain may have, in order. Those of the same breadth are not the same.
fn breadth(domain: Domain) -> u8 {
    match domain {
        Domain::Process => 0,
        Domain::ComponentId | Domain::PipelineId | Domain::Destination => 1,
        Domain::Configuration => 2,
        Domain::Unbounded => 3,
    }
}

impl Part for Attribute {
    fn stability(&self) -> Stability {
        self.stability
    }

    fn brief(&self) -> String {
        self.brief.clone()
    }

    /// What still had it is told by itself.
    fn removal(&self, _old: &Contract, _new: &Contract) -> Rule {
        Rule::LabelRemoved
    }
}
