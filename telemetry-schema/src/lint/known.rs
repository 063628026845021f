//! The names that contracts know.

use std::collections::{BTreeMap, HashMap};

use super::Target;
use crate::contract::Deprecated;
use crate::exposition::{Family, FamilyKind};

/// A part of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The only series of a family that is no histogram.
    Whole,
    Bucket,
    Sum,
    Count,
}

impl Part {
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Whole => "",
            Self::Bucket => "_bucket",
            Self::Sum => "_sum",
            Self::Count => "_count",
        }
    }
}

/// The parts that a family has.
fn parts(kind: FamilyKind) -> &'static [Part] {
    match kind {
        FamilyKind::Histogram => &[Part::Bucket, Part::Sum, Part::Count],
        FamilyKind::Counter | FamilyKind::Gauge => &[Part::Whole],
    }
}

/// What a contract knows.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) families: Vec<Family<'a>>,
    /// By the name of the series.
    pub(super) series: BTreeMap<String, (usize, Part)>,
}

impl<'a> Known<'a> {
    pub(super) fn of(target: &Target<'a>) -> Self {
        let families = target.contract.families(target.exposition);
        let mut series = BTreeMap::new();
        for (index, family) in families.iter().enumerate() {
            for part in parts(family.kind) {
                series.insert(format!("{}{}", family.name, part.suffix()), (index, *part));
            }
        }
        Self { families, series }
    }

    pub(super) fn family_of_metric(&self, metric: &str) -> Option<&Family<'a>> {
        self.families.iter().find(|family| family.metric.name == metric)
    }

    /// The family whose metric is called `metric` in this contract: by its name, by the name that it gets, or by the one that it
    /// had.
    pub(super) fn successor(&self, metric: &str, others: &Others) -> Option<&Family<'a>> {
        let renamed = |deprecated: &Option<Deprecated>| match deprecated {
            Some(Deprecated::Renamed { renamed_to }) => Some(renamed_to.clone()),
            _ => None,
        };
        let later = || others.renamed.get(metric).and_then(|name| self.family_of_metric(name));
        let earlier = || {
            self.families.iter().find(|family| renamed(&family.metric.deprecated).as_deref() == Some(metric))
        };
        self.family_of_metric(metric).or_else(later).or_else(earlier)
    }
}

/// Where else a name is known.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The contracts, in a few words.
    pub(super) contracts: String,
    pub(super) metric: String,
    pub(super) part: Part,
}

/// What other contracts know: asked when a contract does not have a name.
#[derive(Debug, Default)]
pub struct Others {
    names: Vec<String>,
    series: HashMap<String, Vec<(usize, String, Part)>>,
    /// Metrics that were renamed, and to what.
    renamed: HashMap<String, String>,
    /// Labels of metrics: by metric and label, the contracts that have it.
    labels: HashMap<(String, String), Vec<usize>>,
}

impl Others {
    /// Of these contracts, in this order: each exposition from the oldest version to the newest.
    pub fn of(targets: &[Target<'_>]) -> Self {
        let mut others = Self::default();
        for target in targets {
            let index = others.names.len();
            others.names.push(target.name.clone());
            let known = Known::of(target);
            for (name, (family, part)) in known.series {
                let metric = known.families[family].metric.name.clone();
                others.series.entry(name).or_default().push((index, metric, part));
            }
            for family in &known.families {
                let metric = &family.metric.name;
                if let Some(Deprecated::Renamed { renamed_to }) = &family.metric.deprecated {
                    others.renamed.insert(metric.clone(), renamed_to.clone());
                }
                for label in &family.labels {
                    others.labels.entry((metric.clone(), label.name.clone())).or_default().push(index);
                }
            }
        }
        others
    }

    /// Where a name of a series is known.
    pub(super) fn seen(&self, series: &str) -> Option<Seen> {
        let all = self.series.get(series)?;
        let (_, metric, part) = all.last()?;
        let contracts = self.listed(&all.iter().map(|(index, ..)| *index).collect::<Vec<_>>());
        Some(Seen { contracts, metric: metric.clone(), part: *part })
    }

    /// The contracts in which a metric has a label, in a few words; nothing when there are none.
    pub(super) fn with_label(&self, metric: &str, label: &str) -> Option<String> {
        let all = self.labels.get(&(metric.to_owned(), label.to_owned()))?;
        Some(self.listed(all))
    }

    /// Whether any contract knows a name that fits.
    pub(super) fn any(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.series.keys().any(|name| fits(name))
    }

    /// The names that fit, of all contracts.
    pub(super) fn matching(&self, fits: impl Fn(&str) -> bool) -> Vec<&str> {
        self.series.keys().map(String::as_str).filter(|name| fits(name)).collect()
    }

    /// `otelcol@0.119/explicit until 0.130, since otelcol@0.152/explicit`: contracts in one line.
    pub(super) fn listed(&self, contracts: &[usize]) -> String {
        let same = |a: usize, b: usize| Lineage::of(&self.names[a]) == Lineage::of(&self.names[b]);
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for index in contracts.iter().copied() {
            let previous = (0..index).rev().find(|other| same(*other, index));
            match runs.iter_mut().find(|(_, last)| Some(*last) == previous) {
                Some((_, last)) => *last = index,
                None => runs.push((index, index)),
            }
        }
        let told = runs.iter().map(|(first, last)| {
            let name = &self.names[*first];
            // A contract holds until the next one.
            match (last + 1..self.names.len()).find(|next| same(*next, *last)) {
                Some(next) => format!("{name} until {}", Lineage::version(&self.names[next])),
                None if name.contains('@') => format!("{name} and later"),
                None => name.clone(),
            }
        });
        told.collect::<Vec<_>>().join(", ")
    }
}

/// Owner and exposition of a contract, as its name has them.
#[derive(PartialEq, Eq)]
struct Lineage<'a> {
    owner: &'a str,
    exposition: &'a str,
}

impl<'a> Lineage<'a> {
    fn of(name: &'a str) -> Self {
        let (owner, rest) = name.split_once('@').unwrap_or((name, ""));
        Self { owner, exposition: rest.split_once('/').map_or("", |(_, exposition)| exposition) }
    }

    fn version(name: &str) -> &str {
        let rest = name.split_once('@').map_or("", |(_, rest)| rest);
        rest.split_once('/').map_or(rest, |(version, _)| version)
    }
}
