//! Metrics.

use super::{Life, Wrong, near};
use crate::contract::{Binding, Contract, Domain, Instrument, Metric, Relation, Requirement, Stability};
use crate::promql;

/// What the names of the Go collector's own metrics begin with.
const UPSTREAM_PREFIX: &str = "otelcol_";

/// What is wrong with a metric, for itself and in `contract`.
pub(crate) fn metric(metric: &Metric, contract: &Contract) -> Wrong {
    let mut wrong = Wrong::default();
    let note = &metric.annotations.contract;
    wrong.references("attributes", &metric.attributes, contract);
    wrong.evidence(metric.stability, "metric", &note.tests, note.how_to_use.as_deref());
    if let Some(successor) = contract.successor(metric)
        && !metric.differs_only_in_name(successor)
    {
        let message = format!("{} is not the same but for its name: say uncategorized", successor.name);
        wrong.field("deprecated", message);
    }
    buckets(&mut wrong, metric);
    for (index, id) in note.invariants.iter().enumerate() {
        if !contract.invariants.contains_key(id) {
            let near = near(id, contract.invariants.keys());
            wrong.note(&format!("invariants::{index}"), format!("no invariant is called {id:?}{near}"));
        }
    }
    if let Some(binding) = &note.binding {
        bound(&mut wrong, metric, binding, contract);
    }
    labels(&mut wrong, metric, contract);
    if let Some(alert) = &note.alert
        && let Err(error) = promql::parse(alert)
    {
        wrong.note("alert", format!("is no PromQL: {error}"));
    }
    if let Some(upstream) = &note.upstream
        && (upstream.relation == Relation::None) != upstream.name.is_none()
    {
        wrong.note("upstream", "names a metric, or says that its relation to any is none");
    }
    wrong
}

/// What is wrong with a metric of ours, which other collectors need not care about.
pub(in crate::load) fn own(metric: &Metric, contract: &Contract) -> Wrong {
    let mut wrong = Wrong::default();
    let note = &metric.annotations.contract;
    let life = Life {
        since: &note.since,
        deprecated: metric.deprecated.as_ref(),
        deprecated_since: note.deprecated_since.as_ref(),
        removed_in: note.removed_in.as_ref(),
    };
    wrong.life(&life, contract, &contract.metrics);
    if let Some(successor) = contract.successor(metric).filter(|_| note.binding.is_some()) {
        let message = format!("what is renamed is not recorded: its values are those of {}", successor.name);
        wrong.note("binding", message);
    }
    let upstream = note.upstream.as_ref().and_then(|upstream| upstream.name.as_ref());
    let own = format!("{}_", contract.name);
    let is_upstreams = metric.name.starts_with(UPSTREAM_PREFIX);
    if is_upstreams && upstream != Some(&metric.name) {
        let message = format!(
            "begins with {UPSTREAM_PREFIX}, but upstream names no metric of this name: call it {own}…"
        );
        wrong.field("name", message);
    } else if !is_upstreams && !metric.name.starts_with(&own) {
        wrong
            .field("name", format!("must begin with {own}, or with {UPSTREAM_PREFIX} where upstream has it"));
    }
    wrong
}

fn buckets(wrong: &mut Wrong, metric: &Metric) {
    let note = &metric.annotations.contract;
    let is_histogram = metric.instrument == Instrument::Histogram;
    if is_histogram == note.buckets.is_empty() {
        wrong.note("buckets", "a histogram has buckets, and nothing else has");
    }
    if !note.buckets.is_sorted_by(|a, b| a < b) {
        wrong.note("buckets", "buckets must grow");
    }
    if is_histogram && note.asynchronous {
        wrong.note("asynchronous", "a histogram cannot be asynchronous");
    }
}

fn bound(wrong: &mut Wrong, metric: &Metric, binding: &Binding, contract: &Contract) {
    if !contract.groups.contains_key(&binding.group) {
        let near = near(&binding.group, contract.groups.keys());
        wrong.note("binding::group", format!("no group is called {:?}{near}", binding.group));
    }
    let is_own = |key: &str| metric.attributes.iter().any(|attribute| attribute.key == key);
    let is_enum =
        |key: &str| contract.attributes.get(key).is_some_and(|attribute| attribute.values().is_some());
    for key in binding.given.iter().filter(|key| !is_own(key) || !is_enum(key)) {
        let message = format!("{key:?} is given, and therefore an attribute of it and an enumeration");
        wrong.note("binding::given", message);
    }
}

fn labels(wrong: &mut Wrong, metric: &Metric, contract: &Contract) {
    for (index, attribute) in metric.attributes.iter().enumerate() {
        let Some(declared) = contract.attributes.get(&attribute.key) else { continue };
        let (key, domain) = (&attribute.key, declared.annotations.contract.domain);
        if declared.values().is_none() && matches!(domain, None | Some(Domain::Unbounded)) {
            wrong.field(format!("attributes::{index}"), format!("nothing bounds the values of {key:?}"));
        }
        if metric.stability == Stability::Stable && attribute.requirement_level == Requirement::Recommended {
            let message = format!("{key:?} of a stable metric is required or opt_in");
            wrong.field(format!("attributes::{index}::requirement_level"), message);
        }
    }
}
