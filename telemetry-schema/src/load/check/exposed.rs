//! Names that only collide where a reader sees them.

use std::collections::{BTreeMap, BTreeSet};

use super::Wrong;
use crate::contract::{Contract, Metric};
use crate::exposition::{Exposition, FamilyKind};

/// Names that a scrape has whatever the contract declares.
const TAKEN: [&str; 2] = ["target_info", "otel_scope_info"];

/// What readers of each exposition call the samples of a contract's metrics.
pub(in crate::load) struct Samples<'a> {
    contract: &'a Contract,
    /// For each exposition, the metrics by the name of a sample.
    by_name: Vec<(&'a Exposition, BTreeMap<String, Vec<&'a str>>)>,
}

impl<'a> Samples<'a> {
    pub(in crate::load) fn of(contract: &'a Contract) -> Self {
        let by_name = contract.expositions.iter().map(|exposition| {
            let mut names: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for metric in contract.metrics.values() {
                for name in samples(metric, exposition) {
                    names.entry(name).or_default().push(&metric.name);
                }
            }
            (exposition, names)
        });
        Self { contract, by_name: by_name.collect() }
    }

    /// What is wrong with how `metric` looks to readers: each clash in the first exposition that has it.
    pub(in crate::load) fn check(&self, metric: &Metric) -> Wrong {
        let mut wrong = Wrong::default();
        let mut told = BTreeSet::new();
        for (exposition, names) in &self.by_name {
            let id = &exposition.id;
            for name in samples(metric, exposition) {
                let others = names.get(&name).into_iter().flatten().filter(|other| **other != metric.name);
                for other in others.filter(|other| told.insert(other.to_string())) {
                    wrong.field("name", format!("{other} has samples called {name} in {id}, too"));
                }
                if TAKEN.contains(&name.as_str()) && told.insert(name.clone()) {
                    wrong.field("name", format!("{name} is in every scrape in {id} already"));
                }
            }
            let family = self.contract.family(metric, exposition);
            for (index, label) in family.labels.iter().enumerate() {
                let name = &label.name;
                let is_twice = family.labels.iter().take(index).any(|before| before.name == *name);
                if is_twice && told.insert(format!("{name}=")) {
                    wrong.field("attributes", format!("two labels are called {name} in {id}"));
                }
                let is_bound = family.kind == FamilyKind::Histogram && name == "le";
                if (is_bound || name.starts_with("__")) && told.insert(format!("{name}=")) {
                    wrong.field("attributes", format!("Prometheus uses the label {name} for itself"));
                }
            }
        }
        wrong
    }
}

/// The names of the samples of a metric, in all formats of an exposition.
fn samples(metric: &Metric, exposition: &Exposition) -> Vec<String> {
    let name = exposition.name_of(metric);
    let suffixes: &[&str] = match metric.instrument.family_kind() {
        FamilyKind::Gauge => &[""],
        // OpenMetrics appends it even where the exposition does not.
        FamilyKind::Counter if !name.ends_with("_total") => &["", "_total"],
        FamilyKind::Counter => &[""],
        FamilyKind::Histogram => &["", "_bucket", "_sum", "_count"],
    };
    suffixes.iter().map(|suffix| format!("{name}{suffix}")).collect()
}
