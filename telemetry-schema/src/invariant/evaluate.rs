//! Whether an equation holds in a scrape.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Invariant, Relation, SIGNAL, metrics, signal};
use crate::check::Scrape;
use crate::contract::{Contract, Instrument};
use crate::exposition::Exposition;

/// An equation that does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// The values of the labels that it was broken for, with their names.
    pub labels: Vec<(String, String)>,
    /// The sum on the left.
    pub left: f64,
    /// The sum on the right.
    pub right: f64,
}

impl Invariant {
    /// For what it does not hold in a scrape, which is of an exposition of the contract. What is not there counts as 0.
    pub fn broken(&self, contract: &Contract, exposition: &Exposition, scrape: &Scrape) -> Vec<Broken> {
        let (left, right) = (
            self.sums(contract, exposition, scrape, &self.left),
            self.sums(contract, exposition, scrape, &self.right),
        );
        let all: BTreeSet<&Vec<String>> = left.keys().chain(right.keys()).collect();
        let sides = all.into_iter().map(|values| {
            let of = |side: &BTreeMap<Vec<String>, f64>| side.get(values).copied().unwrap_or(0.0);
            let labels = self.each.iter().cloned().zip(values.iter().cloned()).collect();
            Broken { labels, left: of(&left), right: of(&right) }
        });
        sides.filter(|Broken { left, right, .. }| !self.relation.holds(*left, *right)).collect()
    }

    /// By the values of the labels of `each`.
    fn sums(
        &self,
        contract: &Contract,
        exposition: &Exposition,
        scrape: &Scrape,
        terms: &[String],
    ) -> BTreeMap<Vec<String>, f64> {
        let mut sums = BTreeMap::new();
        for metric in terms.iter().flat_map(|term| metrics(contract, term)) {
            let name = exposition.name_of(metric);
            let sample = match metric.instrument {
                Instrument::Histogram => format!("{name}_count"),
                Instrument::Counter | Instrument::UpDownCounter | Instrument::Gauge => name.clone(),
            };
            let families = scrape.families().iter().filter(|family| family.name == name);
            let all = families.flat_map(|family| &family.series);
            for series in all.filter(|series| series.name == sample) {
                let value_of = |label: &String| {
                    let told = series.label(&exposition.label(label));
                    told.or_else(|| signal(metric).filter(|_| label == SIGNAL)).unwrap_or_default().to_owned()
                };
                *sums.entry(self.each.iter().map(value_of).collect()).or_default() += series.value;
            }
        }
        sums
    }
}

impl Relation {
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            // Both are whole numbers that were added up.
            #[expect(clippy::float_cmp, reason = "sums of counts are exact")]
            Self::Equal => left == right,
            Self::AtMost => left <= right,
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and {}", self.left, self.right)?;
        let labels: Vec<String> = self.labels.iter().map(|(key, value)| format!("{key} {value:?}")).collect();
        if labels.is_empty() { Ok(()) } else { write!(f, " for {}", labels.join(", ")) }
    }
}
