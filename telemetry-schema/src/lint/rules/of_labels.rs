//! The checks of labels and their values.

use std::collections::BTreeSet;

use super::{Checker, Named};
use crate::exposition::Family;
use crate::lint::known::Part;
use crate::lint::labels::{self, TARGET_LABELS};
use crate::lint::{Rule, Severity};
use crate::promql::{Expr, MatchOperator, Matcher, Name};

impl<'a, 'l> Checker<'a, 'l> {
    pub(super) fn matcher(&mut self, matcher: &'a Matcher, families: &[(&'a Family<'l>, Part)]) {
        let label = &matcher.label;
        if label.text == "__name__" {
            return;
        }
        let all_buckets = families.iter().all(|(_, part)| *part == Part::Bucket);
        if label.text == "le" && all_buckets {
            return self.boundary(matcher, families);
        }
        let of_families = families.iter().flat_map(|(family, _)| &family.labels);
        let same: Vec<_> = of_families.filter(|of_family| of_family.name == label.text).collect();
        if same.is_empty() {
            // What a series without the label fits too does no harm.
            if !matcher.matches("") {
                self.no_label(label, families, Severity::Error);
            }
            return;
        }
        // Values that are not listed can be anything.
        let Some(values) = same.iter().map(|label| label.values.as_ref()).collect::<Option<Vec<_>>>() else {
            return;
        };
        let values: BTreeSet<&str> = values.into_iter().flatten().copied().collect();
        self.values(matcher, &values);
    }

    fn values(&mut self, matcher: &'a Matcher, values: &BTreeSet<&str>) {
        let (label, value) = (&matcher.label.text, &matcher.value);
        let list = values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(", ");
        let is_negative = matches!(matcher.operator, MatchOperator::NotEqual | MatchOperator::MatchesNot);
        let is_regex = matches!(matcher.operator, MatchOperator::Matches | MatchOperator::MatchesNot);
        let mut candidates = vec![value.text.as_str()];
        if is_regex {
            let alternatives = value.text.trim_start_matches('(').trim_end_matches(')');
            let is_literal = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-' | '|' | '/');
            // What is more than a list of words is right if it means any value.
            if !alternatives.chars().all(is_literal) {
                let means_any = values.iter().any(|value| matcher.matches(value) != is_negative);
                if !means_any && !matcher.matches("") {
                    let message =
                        format!("{label} has no value that matches {:?}: it has {list}", value.text);
                    self.find(Rule::UnknownValue, Severity::Error, value.span, message, None);
                }
                return;
            }
            candidates = alternatives.split('|').collect();
        }
        let unknown: Vec<&str> =
            candidates.iter().copied().filter(|value| !value.is_empty() && !values.contains(value)).collect();
        let Some(first) = unknown.first() else { return };
        let near = etalon_conf::nearest(first, values.iter().copied());
        let help = near.map(|near| format!("did you mean {near:?}?"));
        let severity = if unknown.len() == candidates.len() && !is_negative {
            Severity::Error
        } else {
            Severity::Warning
        };
        let message = format!("{label} is never {first:?}: it is {list}");
        self.find(Rule::UnknownValue, severity, value.span, message, help);
    }

    fn boundary(&mut self, matcher: &'a Matcher, families: &[(&'a Family<'l>, Part)]) {
        let value = &matcher.value;
        if !matches!(matcher.operator, MatchOperator::Equal | MatchOperator::NotEqual) || value.text == "+Inf"
        {
            return;
        }
        let buckets = |family: &Family<'l>| family.metric.annotations.contract.buckets.clone();
        let all: Vec<f64> = families.iter().flat_map(|(family, _)| buckets(family)).collect();
        let number = value.text.parse::<f64>().ok();
        if number.is_some_and(|number| all.iter().any(|bound| (bound - number).abs() < f64::EPSILON)) {
            return;
        }
        let list = all.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
        let message = format!("no bucket ends at {:?}: they end at {list} and +Inf", value.text);
        self.find(Rule::BucketBoundary, Severity::Error, value.span, message, None);
    }

    /// Whether what an expression gives has these labels.
    pub(super) fn labels_of(&mut self, expr: &'a Expr, labels: &'a [Name], severity: Severity) {
        let Some(known) = labels::of(self, expr) else { return };
        let mut families = Vec::new();
        for selector in expr.selectors() {
            if let Named::Families(found) = self.named(selector) {
                families.extend(found);
            }
        }
        if families.is_empty() {
            return;
        }
        for label in
            labels.iter().filter(|label| !known.contains(&label.text) && !label.text.starts_with('$'))
        {
            let is_of_family = |(family, _): &(&Family<'_>, Part)| {
                family.labels.iter().any(|known| known.name == label.text)
            };
            if families.iter().any(is_of_family) {
                let message = format!("{:?} is lost in the aggregation before", label.text);
                self.find(Rule::UnknownLabel, severity, label.span, message, None);
            } else {
                self.no_label(label, &families, severity);
            }
        }
    }

    /// A label that none of the families has.
    fn no_label(&mut self, label: &'a Name, families: &[(&'a Family<'l>, Part)], severity: Severity) {
        let linter = self.linter;
        let text = label.text.as_str();
        let is_of_target =
            TARGET_LABELS.contains(&text) || linter.options.target_labels.iter().any(|own| own == text);
        if is_of_target {
            return;
        }
        let Some((first, _)) = families.first() else { return };
        let whose =
            if families.len() == 1 { first.name.clone() } else { format!("{} and others", first.name) };
        let message = format!("{whose} has no label {text:?}");
        let seen =
            families.iter().find_map(|(family, _)| linter.others.with_label(&family.metric.name, text));
        if let Some(seen) = seen {
            let help =
                format!("it is in {seen}; if the scrape configuration adds it, say --target-label {text}");
            return self.find(Rule::UnknownLabel, severity, label.span, message, Some(help));
        }
        let labels = families.iter().flat_map(|(family, _)| &family.labels).map(|label| label.name.as_str());
        if let Some(near) = etalon_conf::nearest(text, labels) {
            let help = format!("did you mean {near:?}?");
            return self.find(Rule::UnknownLabel, severity, label.span, message, Some(help));
        }
        let target = &linter.target;
        let declared = |key: &String| target.exposition.escaped(key) == text;
        if text == "le" || target.contract.attributes.keys().any(declared) {
            let labels: Vec<&str> = first.labels.iter().map(|label| label.name.as_str()).collect();
            let help =
                format!("it has {}", if labels.is_empty() { "none".to_owned() } else { labels.join(", ") });
            return self.find(Rule::UnknownLabel, severity, label.span, message, Some(help));
        }
        let help = format!("right only if the scrape configuration adds it; then say --target-label {text}");
        self.find(Rule::UnknownLabel, Severity::Warning, label.span, message, Some(help));
    }
}
