//! Events, spans, entities, invariants, and the attributes of all signals.

use std::collections::BTreeMap;

use semver::Version;

use super::Rule;
use super::site::{Part, Site};
use crate::contract::{
    Annotated, AttributeRef, Contract, Deprecated, Entity, Event, EventNote, Requirement, Span, SpanName,
    SpanNote, Stability,
};

pub(super) fn event(
    site: &mut Site<'_>,
    (old, old_contract): (&Event, &Contract),
    (new, new_contract): (&Event, &Contract),
) {
    let Event { name: _, brief, note, stability, attributes, deprecated, annotations } = old;
    let Annotated { contract: old_note } = annotations;
    let EventNote {
        since,
        deprecated_since,
        removed_in,
        severity,
        message,
        sampled,
        recorded,
        tests,
        how_to_use,
    } = old_note;
    let new_note = &new.annotations.contract;
    site.field("brief", brief, &new.brief, Rule::TextChanged);
    site.field("note", note, &new.note, Rule::TextChanged);
    site.level_of_promise(*stability, new.stability);
    labels(&mut site.at("attributes"), attributes, &new.attributes);
    site.deprecation(
        (deprecated.as_ref(), |name: &str| old_contract.events.contains_key(name)),
        (new.deprecated.as_ref(), |name: &str| new_contract.events.contains_key(name)),
    );
    site.field("since", since, &new_note.since, Rule::TextChanged);
    window(site, (deprecated_since, removed_in), (&new_note.deprecated_since, &new_note.removed_in));
    site.field("severity", severity, &new_note.severity, Rule::SeverityChanged);
    site.field("message", message, &new_note.message, Rule::TextChanged);
    site.field("sampled", sampled, &new_note.sampled, Rule::SampledChanged);
    site.field("recorded", recorded, &new_note.recorded, Rule::MeaningChanged);
    site.names("tests", tests, &new_note.tests, (Rule::EvidenceAdded, Rule::EvidenceRemoved));
    site.field("how_to_use", how_to_use, &new_note.how_to_use, Rule::TextChanged);
}

pub(super) fn span(
    site: &mut Site<'_>,
    (old, old_contract): (&Span, &Contract),
    (new, new_contract): (&Span, &Contract),
) {
    let Span { id: _, kind, name, brief, note, stability, attributes, deprecated, annotations } = old;
    let SpanName { note: template } = name;
    let Annotated { contract: old_note } = annotations;
    let SpanNote {
        since,
        deprecated_since,
        removed_in,
        name_pattern,
        status,
        recorded,
        events,
        tests,
        how_to_use,
    } = old_note;
    let new_note = &new.annotations.contract;
    site.field("kind", kind, &new.kind, Rule::SpanKindChanged);
    // What its names are is said by the pattern.
    site.field("name", template, &new.name.note, Rule::TextChanged);
    site.field("brief", brief, &new.brief, Rule::TextChanged);
    site.field("note", note, &new.note, Rule::TextChanged);
    site.level_of_promise(*stability, new.stability);
    labels(&mut site.at("attributes"), attributes, &new.attributes);
    site.deprecation(
        (deprecated.as_ref(), |name: &str| old_contract.spans.contains_key(name)),
        (new.deprecated.as_ref(), |name: &str| new_contract.spans.contains_key(name)),
    );
    site.field("since", since, &new_note.since, Rule::TextChanged);
    window(site, (deprecated_since, removed_in), (&new_note.deprecated_since, &new_note.removed_in));
    site.field("name_pattern", name_pattern, &new_note.name_pattern, Rule::SpanNameChanged);
    site.field("status", status, &new_note.status, Rule::SpanStatusChanged);
    site.field("recorded", recorded, &new_note.recorded, Rule::MeaningChanged);
    site.names("events", events, &new_note.events, (Rule::Added, Rule::SpanEventRemoved));
    site.names("tests", tests, &new_note.tests, (Rule::EvidenceAdded, Rule::EvidenceRemoved));
    site.field("how_to_use", how_to_use, &new_note.how_to_use, Rule::TextChanged);
}

pub(super) fn entity(site: &mut Site<'_>, (old, _): (&Entity, &Contract), (new, _): (&Entity, &Contract)) {
    let Entity { id: _, brief, stability, identity, description } = old;
    site.field("brief", brief, &new.brief, Rule::TextChanged);
    site.level_of_promise(*stability, new.stability);
    let keys =
        |refs: &[AttributeRef]| refs.iter().map(|AttributeRef { key, .. }| key.clone()).collect::<Vec<_>>();
    let rules = (Rule::IdentityChanged, Rule::IdentityChanged);
    site.names("identity", &keys(identity), &keys(&new.identity), rules);
    for AttributeRef { key, requirement_level } in identity {
        if let Some(new) = new.identity.iter().find(|attribute| attribute.key == *key) {
            let site = &mut site.at("identity");
            site.field(key, requirement_level, &new.requirement_level, Rule::IdentityChanged);
        }
    }
    let rules = (Rule::Added, Rule::LabelRemoved);
    site.names("description", &keys(description), &keys(&new.description), rules);
    for AttributeRef { key, requirement_level } in description {
        if let Some(new) = new.description.iter().find(|attribute| attribute.key == *key) {
            requirement(&mut site.at("description").at(key), *requirement_level, new.requirement_level);
        }
    }
}

pub(super) fn invariant(site: &mut Site<'_>, (old, _): (&String, &Contract), (new, _): (&String, &Contract)) {
    if old != new {
        site.tell(Rule::MeaningChanged, Some(old.clone()), Some(new.clone()));
    }
}

/// The attributes of a metric, an event or a span. Their order says nothing.
pub(super) fn labels(site: &mut Site<'_>, old: &[AttributeRef], new: &[AttributeRef]) {
    for AttributeRef { key, requirement_level } in old {
        let mut site = site.at(key);
        match new.iter().find(|attribute| attribute.key == *key) {
            Some(new) => requirement(&mut site, *requirement_level, new.requirement_level),
            None => site.tell(Rule::LabelRemoved, Some(level(*requirement_level).to_owned()), None),
        }
    }
    for AttributeRef { key, requirement_level } in new {
        if !old.iter().any(|attribute| attribute.key == *key) {
            let rule = match requirement_level {
                Requirement::Required | Requirement::Recommended => Rule::LabelAdded,
                Requirement::OptIn => Rule::OptInLabelAdded,
            };
            site.at(key).tell(rule, None, Some(level(*requirement_level).to_owned()));
        }
    }
}

fn requirement(site: &mut Site<'_>, old: Requirement, new: Requirement) {
    let rule = match (old, new) {
        (Requirement::OptIn, Requirement::Required | Requirement::Recommended) => Rule::LabelAdded,
        (Requirement::Recommended, Requirement::Required) => Rule::LabelAlways,
        (Requirement::Required, Requirement::Recommended)
        | (Requirement::Required | Requirement::Recommended, Requirement::OptIn) => Rule::LabelNotAlways,
        (Requirement::Required, Requirement::Required)
        | (Requirement::Recommended, Requirement::Recommended)
        | (Requirement::OptIn, Requirement::OptIn) => return,
    };
    site.tell(rule, Some(level(old).to_owned()), Some(level(new).to_owned()));
}

fn level(requirement: Requirement) -> &'static str {
    match requirement {
        Requirement::Required => "required",
        Requirement::Recommended => "recommended",
        Requirement::OptIn => "opt_in",
    }
}

/// From when until when something is deprecated: the versions, old and new.
type Window<'a> = (&'a Option<Version>, &'a Option<Version>);

/// A changed window. The announcement itself is told of the field `deprecated`.
pub(super) fn window(
    site: &mut Site<'_>,
    (since, removed_in): Window<'_>,
    (new_since, new_removed_in): Window<'_>,
) {
    let (Some(since), Some(new_since)) = (since, new_since) else { return };
    let rules = (Rule::DeprecationShortened, Rule::DeprecationExtended);
    site.moved("deprecated_since", (since, new_since), new_since < since, rules);
    let sides = (removed_in, new_removed_in);
    match sides {
        // Now it is known until when. It was known that there is an end.
        (None, Some(_)) => site.field("removed_in", removed_in, new_removed_in, Rule::Deprecated),
        (Some(old), Some(new)) => site.moved("removed_in", sides, new < old, rules),
        (_, None) => site.field("removed_in", removed_in, new_removed_in, Rule::DeprecationExtended),
    }
}

/// Whether something may be gone in `version`: it was deprecated, until a version that has come.
pub(super) fn is_due((since, removed_in): Window<'_>, version: &Version) -> bool {
    matches!((since, removed_in), (Some(since), Some(due)) if since < due && due <= version)
}

/// The rule by which a part is missing: what was deprecated may go, when its new name was and is there.
pub(super) fn removal<P>(deprecated: Option<&Deprecated>, parts: [&BTreeMap<String, P>; 2]) -> Rule {
    let is_announced = match deprecated {
        None => false,
        Some(Deprecated::Renamed { renamed_to }) => parts.iter().all(|parts| parts.contains_key(renamed_to)),
        Some(Deprecated::Obsoleted { .. } | Deprecated::Uncategorized { .. }) => true,
    };
    if is_announced { Rule::RemovedAfterDeprecation } else { Rule::Removed }
}

impl Part for Event {
    fn stability(&self) -> Stability {
        self.stability
    }

    fn brief(&self) -> String {
        self.brief.clone()
    }

    fn removal(&self, old: &Contract, new: &Contract) -> Rule {
        let EventNote { deprecated_since, removed_in, .. } = &self.annotations.contract;
        let parts = [&old.events, &new.events];
        if is_due((deprecated_since, removed_in), &new.version) {
            removal(self.deprecated.as_ref(), parts)
        } else {
            Rule::Removed
        }
    }
}

impl Part for Span {
    fn stability(&self) -> Stability {
        self.stability
    }

    fn brief(&self) -> String {
        self.brief.clone()
    }

    fn removal(&self, old: &Contract, new: &Contract) -> Rule {
        let SpanNote { deprecated_since, removed_in, .. } = &self.annotations.contract;
        let parts = [&old.spans, &new.spans];
        if is_due((deprecated_since, removed_in), &new.version) {
            removal(self.deprecated.as_ref(), parts)
        } else {
            Rule::Removed
        }
    }
}

impl Part for Entity {
    fn stability(&self) -> Stability {
        self.stability
    }

    fn brief(&self) -> String {
        self.brief.clone()
    }

    fn removal(&self, _old: &Contract, _new: &Contract) -> Rule {
        Rule::Removed
    }
}

/// An invariant.
impl Part for String {
    fn stability(&self) -> Stability {
        Stability::Stable
    }

    fn brief(&self) -> String {
        self.clone()
    }

    fn removal(&self, _old: &Contract, _new: &Contract) -> Rule {
        Rule::EvidenceRemoved
    }
}
