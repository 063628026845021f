//! A scrape against a contract.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::scrape::{Scrape, ScrapedFamily, ScrapedKind, Series};
use super::{Finding, Report, Rule};
use crate::contract::{Contract, Level, Presence};
use crate::exposition::{Escaping, Exposition, Family, FamilyKind};

/// The family that tells of the resource, which each reader may have.
const TARGET_INFO: &str = "target_info";

/// The label with the upper bound of a bucket.
const BOUND: &str = "le";

/// Compares with the exposition of the contract that fits best: the one with the fewest findings and, of several, the
/// first. `default` is looked at before the others.
pub fn closest(scrape: &Scrape, contract: &Contract, default: &Exposition, level: Level) -> Report {
    let mut best = check(scrape, contract, default, level);
    for exposition in contract.expositions.iter().filter(|exposition| exposition.id != default.id) {
        let other = check(scrape, contract, exposition, level);
        if other.findings.len() < best.findings.len() {
            best = other;
        }
    }
    best
}

/// Compares with one exposition. Families above `level` may be there and need not. Where the scrape has names that
/// classic Prometheus does not know, those of the contract are taken as OTLP has them: each client of a reader picks that.
pub fn check(scrape: &Scrape, contract: &Contract, exposition: &Exposition, level: Level) -> Report {
    let escaping = if scrape.has_modern_names() { Escaping::Utf8 } else { exposition.escaping };
    let families = contract.families(&Exposition { escaping, ..exposition.clone() });
    let declared = Declared(families.iter().map(|family| (family.name.as_str(), family)).collect());
    let mut findings: Vec<Finding> = scrape.malformed().iter().map(malformed).collect();
    findings.extend(scrape.families().iter().flat_map(duplicates));
    let mut seen = BTreeSet::new();
    for scraped in scrape.families() {
        match declared.family_of(scraped) {
            Some(declared) => {
                if !scraped.series.is_empty() {
                    seen.insert(declared.name.as_str());
                }
                Pair { declared, scraped, open_metrics: scrape.is_open_metrics() }.compare(&mut findings);
            }
            None if scraped.name == TARGET_INFO => {}
            None => findings.push(undeclared(scraped)),
        }
    }
    let needed = |family: &&Family<'_>| *family.presence() == Presence::AtStart && family.level() <= level;
    let missing = families.iter().filter(needed).filter(|family| !seen.contains(family.name.as_str()));
    findings.extend(missing.map(|family| Finding {
        name: family.name.clone(),
        rule: Rule::MissingMetric,
        instance: String::new(),
        line: None,
        message: "it is not there".to_owned(),
        expected: format!("a {} that is there from the start", family.kind.word()),
        times: 1,
    }));
    findings.sort();
    let counts = vec![("families", scrape.families().len()), ("series", scrape.series().count())];
    Report { exposition: exposition.id.clone(), counts, findings, left_out: 0, foreign: 0 }
}

fn malformed(line: &super::Malformed) -> Finding {
    Finding {
        name: String::new(),
        rule: Rule::Malformed,
        instance: String::new(),
        line: Some(line.line),
        message: "the line is not of the format".to_owned(),
        expected: line.expected.to_owned(),
        times: 1,
    }
}

fn duplicates(family: &ScrapedFamily) -> Vec<Finding> {
    let mut first = HashMap::new();
    let again = family.series.iter().filter_map(|series| {
        let mut labels: Vec<&(String, String)> = series.labels.iter().collect();
        labels.sort_unstable();
        let line = *first.entry((&series.name, labels)).or_insert(series.line);
        (line != series.line).then(|| {
            let expected = format!("it once; it is on line {line} too");
            of_series(family.name.clone(), Rule::DuplicateSeries, series, "it is there again", &expected)
        })
    });
    again.collect()
}

fn of_series(name: String, rule: Rule, series: &Series, message: &str, expected: &str) -> Finding {
    Finding {
        name,
        rule,
        instance: written(&series.name, series.labels.iter()),
        line: Some(series.line),
        message: message.to_owned(),
        expected: expected.to_owned(),
        times: 1,
    }
}

/// A series as people write it.
fn written<'a>(name: &str, labels: impl Iterator<Item = &'a (String, String)>) -> String {
    let labels: Vec<String> = labels.map(|(key, value)| format!("{key}={value:?}")).collect();
    if labels.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", labels.join(",")) }
}

/// The families of a contract by name.
struct Declared<'a>(BTreeMap<&'a str, &'a Family<'a>>);

impl<'a> Declared<'a> {
    /// What a family is in the contract. Where its type is not told, it may be a part of a histogram.
    fn family_of(&self, scraped: &ScrapedFamily) -> Option<&'a Family<'a>> {
        let whole = self.0.get(scraped.name.as_str()).copied();
        let part = || {
            let mut bases =
                ["_bucket", "_sum", "_count"].iter().filter_map(|part| scraped.name.strip_suffix(part));
            let histogram = bases.find_map(|base| self.0.get(base).copied());
            histogram.filter(|family| family.kind == FamilyKind::Histogram && scraped.kind.is_none())
        };
        whole.or_else(part)
    }
}

fn undeclared(scraped: &ScrapedFamily) -> Finding {
    Finding {
        name: scraped.name.clone(),
        rule: Rule::UndeclaredMetric,
        instance: String::new(),
        line: Some(scraped.line),
        message: "the contract does not have it".to_owned(),
        expected: "a family of the contract".to_owned(),
        times: 1,
    }
}

/// A family as it is declared and as it was served.
struct Pair<'a> {
    declared: &'a Family<'a>,
    scraped: &'a ScrapedFamily,
    open_metrics: bool,
}

impl Pair<'_> {
    fn compare(&self, findings: &mut Vec<Finding>) {
        findings.extend(self.kind());
        for series in &self.scraped.series {
            self.labels(series, findings);
        }
        if self.declared.kind == FamilyKind::Histogram && self.scraped.kind == Some(ScrapedKind::Histogram) {
            self.buckets(findings);
        }
    }

    fn kind(&self) -> Option<Finding> {
        let told = self.scraped.kind;
        let expected = self.declared.kind.word();
        let fits = match told {
            // In this format, a counter ends in `_total`: the type of another one cannot be told.
            Some(ScrapedKind::Unknown) => {
                self.open_metrics
                    && self.declared.kind == FamilyKind::Counter
                    && !self.declared.name.ends_with("_total")
            }
            Some(kind) => kind.word() == expected,
            None => false,
        };
        let message = match told {
            Some(kind) => format!("its type is {}", kind.word()),
            None => "its type is not told".to_owned(),
        };
        (!fits).then(|| Finding {
            name: self.declared.name.clone(),
            rule: Rule::Type,
            instance: String::new(),
            line: Some(self.scraped.line),
            message,
            expected: expected.to_owned(),
            times: 1,
        })
    }

    fn labels(&self, series: &Series, findings: &mut Vec<Finding>) {
        let find = |rule, message: String, expected: String| {
            of_series(self.declared.name.clone(), rule, series, &message, &expected)
        };
        let declared = &self.declared.labels;
        let is_bound = |key: &str| key == BOUND && series.name.ends_with("_bucket");
        let is_declared = |key: &str| declared.iter().any(|label| label.name == key);
        let keys = series.labels.iter().map(|(key, _)| key.as_str());
        let undeclared: Vec<&str> = keys.filter(|key| !is_bound(key) && !is_declared(key)).collect();
        if !undeclared.is_empty() {
            let known: Vec<&str> = declared.iter().map(|label| label.name.as_str()).collect();
            let expected = if known.is_empty() { "no label".to_owned() } else { known.join(", ") };
            let message = format!("the contract does not have its {}", undeclared.join(", "));
            findings.push(find(Rule::UndeclaredAttribute, message, expected));
        }
        // For Prometheus, a label without a value is not there.
        let value_of = |key: &str| series.label(key).filter(|value| !value.is_empty());
        let missing = declared.iter().filter(|label| label.required && value_of(&label.name).is_none());
        let missing: Vec<&str> = missing.map(|label| label.name.as_str()).collect();
        if !missing.is_empty() {
            let message = format!("it has no {}", missing.join(", "));
            findings.push(find(
                Rule::MissingAttribute,
                message,
                format!("{} on each series", missing.join(", ")),
            ));
        }
        for label in declared {
            let (Some(values), Some(value)) = (&label.values, value_of(&label.name)) else { continue };
            if !values.contains(&value) {
                let message = format!("{} is {value:?}", label.name);
                findings.push(find(Rule::UndeclaredValue, message, values.join(", ")));
            }
        }
    }

    /// The bounds of each distribution of a histogram.
    fn buckets(&self, findings: &mut Vec<Finding>) {
        let mut distributions = BTreeMap::<Vec<&(String, String)>, (usize, Vec<&str>)>::new();
        for series in &self.scraped.series {
            let mut labels: Vec<_> = series.labels.iter().filter(|(key, _)| key != BOUND).collect();
            labels.sort_unstable();
            let (_, bounds) = distributions.entry(labels).or_insert((series.line, Vec::new()));
            bounds.extend(series.label(BOUND));
        }
        let declared = &self.declared.metric.annotations.contract.buckets;
        let declared: Vec<f64> = declared.iter().copied().chain([f64::INFINITY]).collect();
        for (labels, (line, bounds)) in distributions {
            // One that is no number fits none.
            let mut found: Vec<f64> = bounds.iter().map(|bound| bound.parse().unwrap_or(f64::NAN)).collect();
            found.sort_unstable_by(f64::total_cmp);
            found.dedup();
            if found != declared {
                let told: Vec<String> = declared.iter().map(f64::to_string).collect();
                findings.push(Finding {
                    name: self.declared.name.clone(),
                    rule: Rule::Buckets,
                    instance: written(&self.declared.name, labels.into_iter()),
                    line: Some(line),
                    message: format!("its bounds are {}", bounds.join(", ")),
                    expected: told.join(", ").replace("inf", "+Inf"),
                    times: 1,
                });
            }
        }
    }
}
