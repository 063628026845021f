//! Metrics.

use super::signal::{is_due, labels, removal, window};
use super::site::{Part, Site};
use super::{Rule, exposed};
use crate::contract::{Annotated, Contract, Metric, MetricNote, Presence, Stability};

pub(super) fn metric(
    site: &mut Site<'_>,
    (old, old_contract): (&Metric, &Contract),
    (new, new_contract): (&Metric, &Contract),
) {
    let Metric { name: _, brief, note, instrument, unit, stability, attributes, deprecated, annotations } =
        old;
    let Annotated { contract: old_note } = annotations;
    site.field("brief", brief, &new.brief, Rule::TextChanged);
    site.field("note", note, &new.note, Rule::TextChanged);
    site.field("instrument", instrument, &new.instrument, Rule::InstrumentChanged);
    site.field("unit", unit, &new.unit, Rule::UnitChanged);
    site.level_of_promise(*stability, new.stability);
    labels(&mut site.at("attributes"), attributes, &new.attributes);
    let has_successor = |metric: &Metric, contract: &Contract, name: &str| {
        contract.metrics.get(name).is_some_and(|successor| metric.differs_only_in_name(successor))
    };
    site.deprecation(
        (deprecated.as_ref(), |name: &str| has_successor(old, old_contract, name)),
        (new.deprecated.as_ref(), |name: &str| has_successor(new, new_contract, name)),
    );
    annotation(site, old_note, &new.annotations.contract);
    exposed::families(&mut site.at("exposed"), (old, old_contract), (new, new_contract));
}

fn annotation(site: &mut Site<'_>, old: &MetricNote, new: &MetricNote) {
    let MetricNote {
        since,
        deprecated_since,
        removed_in,
        level,
        value_type,
        asynchronous,
        buckets,
        binding,
        presence,
        recorded,
        invariants,
        tests,
        how_to_use,
        alert,
        upstream,
    } = old;
    site.field("since", since, &new.since, Rule::TextChanged);
    window(site, (deprecated_since, removed_in), (&new.deprecated_since, &new.removed_in));
    let levels = (Rule::LevelRaised, Rule::LevelLowered);
    site.moved("level", (level, &new.level), new.level > *level, levels);
    site.field("value_type", value_type, &new.value_type, Rule::ValueTypeChanged);
    site.field("asynchronous", asynchronous, &new.asynchronous, Rule::CollectionChanged);
    site.field("buckets", buckets, &new.buckets, Rule::BucketsChanged);
    site.field("binding", binding, &new.binding, Rule::TextChanged);
    // Another condition is no better than none: it may not hold where the old one did.
    let is_weaker = new.presence != Presence::AtStart;
    let presences = (Rule::PresenceWeakened, Rule::PresenceStrengthened);
    site.moved("presence", (presence, &new.presence), is_weaker, presences);
    site.field("recorded", recorded, &new.recorded, Rule::MeaningChanged);
    let evidence = (Rule::EvidenceAdded, Rule::EvidenceRemoved);
    site.names("invariants", invariants, &new.invariants, evidence);
    site.names("tests", tests, &new.tests, evidence);
    site.field("how_to_use", how_to_use, &new.how_to_use, Rule::TextChanged);
    site.field("alert", alert, &new.alert, Rule::TextChanged);
    site.field("upstream", upstream, &new.upstream, Rule::TextChanged);
}

impl Part for Metric {
    fn stability(&self) -> Stability {
        self.stability
    }

    fn brief(&self) -> String {
        self.brief.clone()
    }

    /// It was deprecated in the old contract, to be removed by now, and its new name has been beside it since then.
    fn removal(&self, old: &Contract, new: &Contract) -> Rule {
        let MetricNote { deprecated_since, removed_in, .. } = &self.annotations.contract;
        let parts = [&old.metrics, &new.metrics];
        let is_due = is_due((deprecated_since, removed_in), &new.version);
        if is_due { removal(self.deprecated.as_ref(), parts) } else { Rule::Removed }
    }
}
