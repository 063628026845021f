//! The checks.

mod finding;
mod of_labels;
mod of_names;

use std::collections::BTreeSet;

use self::finding::excerpt;
use super::input::{Query, Role};
use super::known::Part;
use super::labels;
use super::{Finding, Linter, Prepared, Report, Rule, Severity};
use crate::contract::{Deprecated, Presence};
use crate::exposition::{Family, FamilyKind};
use crate::promql::{
    Aggregation, Binary, BinaryOperator, Call, Expr, ExprKind, Grouping, Name, Selector, Span,
};

/// What names of collectors begin with.
const PREFIXES: [&str; 4] = ["otelcol_", "otelcol.", "etalon_", "etalon."];

/// What is wrong in the files.
pub(super) fn check(linter: &Linter<'_>, prepared: &Prepared) -> Report {
    let mut report = Report { other_languages: prepared.inputs.other_languages, ..Report::default() };
    for query in &prepared.inputs.queries {
        let mut checker = Checker::of(linter, prepared, query);
        report.expressions += 1;
        report.foreign += checker.foreign.len();
        report.findings.append(&mut checker.findings);
    }
    report.findings.sort_by_key(|finding| (finding.file.clone(), finding.line, finding.column));
    report
}

/// Whether nothing in the files is an error.
pub(super) fn fits(linter: &Linter<'_>, prepared: &Prepared) -> bool {
    let is_error = |finding: &Finding| finding.severity == Severity::Error;
    prepared
        .inputs
        .queries
        .iter()
        .all(|query| !Checker::of(linter, prepared, query).findings.iter().any(is_error))
}

/// Checks one expression.
pub(super) struct Checker<'a, 'l> {
    linter: &'a Linter<'l>,
    prepared: &'a Prepared,
    query: &'a Query,
    findings: Vec<Finding>,
    /// Places of names that are of something else.
    foreign: BTreeSet<Span>,
}

/// What a selector names.
pub(super) enum Named<'a, 'l> {
    /// Families of the contract.
    Families(Vec<(&'a Family<'l>, Part)>),
    /// What a recording rule of the same files defines.
    Recorded,
    /// A name that a collector may have, and this one has not.
    Unknown(&'a Name),
    /// Something else's.
    Foreign(&'a Name),
    /// It names nothing.
    Open,
}

/// What is around an expression.
#[derive(Clone, Copy, Default)]
struct Around {
    /// Something stands in for it where it has no series.
    is_guarded: bool,
    /// Where it has no series, neither has what is around it.
    is_operand: bool,
}

impl<'a, 'l> Checker<'a, 'l> {
    /// One that has checked `query`.
    fn of(linter: &'a Linter<'l>, prepared: &'a Prepared, query: &'a Query) -> Self {
        let mut checker = Self { linter, prepared, query, findings: Vec::new(), foreign: BTreeSet::new() };
        checker.query();
        checker
    }

    fn query(&mut self) {
        let query = self.query;
        if let Some((variable, span)) = &query.expanded.unknown {
            let place = query.written.place(*span);
            let message =
                format!("the value of the variable ${variable} is not in the file, so nothing is checked");
            let excerpt = excerpt(&query.written.text, *span);
            let help = Some(format!("give it with --variable {variable}=VALUE"));
            self.push(Rule::Unverifiable, Severity::Warning, place, excerpt, message, help, None);
            return;
        }
        match &query.parsed {
            Err(error) => self.find(Rule::Syntax, Severity::Error, error.span, error.message.clone(), None),
            Ok(expr) => {
                self.expr(expr, Around::default());
                if let Some(label) = &query.asked_label {
                    self.labels_of(expr, std::slice::from_ref(label), Severity::Error);
                }
            }
        }
    }

    /// What a selector names.
    pub(super) fn named(&self, selector: &'a Selector) -> Named<'a, 'l> {
        let linter = self.linter;
        let recorded = &self.prepared.inputs.recorded;
        let family = |(index, part): &(usize, Part)| (&linter.known.families[*index], *part);
        if let Some(name) = selector.exact_name() {
            return match linter.known.series.get(&name.text) {
                Some(found) => Named::Families(vec![family(found)]),
                None if recorded.contains(&name.text) => Named::Recorded,
                None if self.is_ours(&name.text) => Named::Unknown(name),
                None => Named::Foreign(name),
            };
        }
        let Some(matcher) = selector.name_pattern() else { return Named::Open };
        let Some(Ok(regex)) = matcher.regex() else { return Named::Open };
        let found: Vec<_> = linter.known.series.iter().filter(|(name, _)| regex.is_match(name)).collect();
        if !found.is_empty() {
            return Named::Families(found.into_iter().map(|(_, found)| family(found)).collect());
        }
        let text = &matcher.value.text;
        let is_ours = PREFIXES.iter().any(|prefix| text.contains(prefix))
            || linter.others.any(|name| regex.is_match(name));
        match () {
            () if recorded.iter().any(|name| regex.is_match(name)) => Named::Recorded,
            () if is_ours => Named::Unknown(&matcher.value),
            () => Named::Foreign(&matcher.value),
        }
    }

    /// Whether a name is of a collector, or of a part of a histogram of it.
    fn is_ours(&self, name: &str) -> bool {
        PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || self.linter.known.families.iter().any(|family| family.name == name)
            || self.linter.others.seen(name).is_some()
    }

    fn expr(&mut self, expr: &'a Expr, around: Around) {
        match &expr.kind {
            ExprKind::Selector(selector) => self.selector(selector, around),
            ExprKind::Binary(binary) => self.binary(binary, around),
            ExprKind::Aggregation(aggregation) => self.aggregation(aggregation, around),
            ExprKind::Call(call) => self.call(call, around),
            _ => {
                for part in expr.parts() {
                    self.expr(part, around);
                }
            }
        }
    }

    fn binary(&mut self, binary: &'a Binary, around: Around) {
        let Binary { operator, left, right, matching, .. } = binary;
        let has_series = |expr: &Expr| !expr.selectors().is_empty();
        match operator {
            BinaryOperator::Or => {
                self.expr(left, Around { is_guarded: true, ..around });
                self.expr(right, around);
            }
            BinaryOperator::Arithmetic
                if has_series(left) && has_series(right) && !self.come_together(left, right) =>
            {
                let around = Around { is_operand: true, ..around };
                self.expr(left, around);
                self.expr(right, around);
            }
            _ => {
                self.expr(left, around);
                // What is not there excludes nothing.
                let is_unless = *operator == BinaryOperator::Unless;
                self.expr(right, Around { is_guarded: around.is_guarded || is_unless, ..around });
            }
        }
        let Some(matching) = matching else { return };
        if matching.grouping.keeps {
            for side in [left, right] {
                self.labels_of(side, &matching.grouping.labels, Severity::Error);
            }
        }
        if let Some(joining) = &matching.joining {
            let one = if joining.left { right } else { left };
            self.labels_of(one, &joining.labels, Severity::Error);
        }
    }

    /// Whether all series of two operands come at the same time.
    fn come_together(&self, left: &'a Expr, right: &'a Expr) -> bool {
        let mut presences = Vec::new();
        for selector in left.selectors().into_iter().chain(right.selectors()) {
            let Named::Families(families) = self.named(selector) else { return false };
            presences.extend(families.iter().map(|(family, _)| family.presence()));
        }
        presences.windows(2).all(|pair| pair[0] == pair[1])
    }

    fn aggregation(&mut self, aggregation: &'a Aggregation, around: Around) {
        let Aggregation { grouping, operand, parameter, .. } = aggregation;
        for part in parameter.iter().chain([operand]) {
            self.expr(part, around);
        }
        if let Some(Grouping { keeps, labels, .. }) = grouping {
            let severity = if *keeps { Severity::Error } else { Severity::Warning };
            self.labels_of(operand, labels, severity);
        }
    }

    fn call(&mut self, call: &'a Call, around: Around) {
        let function = call.function.text.as_str();
        let is_guarded = around.is_guarded || matches!(function, "absent" | "absent_over_time");
        for argument in &call.arguments {
            self.expr(argument, Around { is_guarded, ..around });
        }
        match function {
            "rate" | "irate" | "increase" | "resets" => self.kinds(call, true),
            "deriv" | "delta" | "idelta" | "predict_linear" => self.kinds(call, false),
            "histogram_quantile" | "histogram_fraction" => self.quantile(call),
            _ => {}
        }
    }

    /// Functions of counters are of counters, and those of gauges are not.
    fn kinds(&mut self, call: &'a Call, of_counters: bool) {
        let Some(argument) = call.arguments.first() else { return };
        let (ExprKind::Range { selector: operand, .. } | ExprKind::Subquery { operand, .. }) =
            &argument.inner().kind
        else {
            return;
        };
        let ExprKind::Selector(selector) = &operand.inner().kind else { return };
        let Named::Families(families) = self.named(selector) else { return };
        let function = &call.function;
        for (family, _) in families {
            let is_gauge = family.kind == FamilyKind::Gauge;
            let name = &family.name;
            if of_counters && is_gauge {
                let message =
                    format!("{name} is a gauge, which goes down too: {} means nothing", function.text);
                let help = "use it as it is, or deriv or delta".to_owned();
                return self.find(Rule::RateOfGauge, Severity::Error, function.span, message, Some(help));
            }
            if !of_counters && !is_gauge {
                let message =
                    format!("{name} is a counter, which starts anew: {} is wrong then", function.text);
                let help = "use rate or increase".to_owned();
                return self.find(Rule::DeltaOfCounter, Severity::Error, function.span, message, Some(help));
            }
        }
    }

    fn quantile(&mut self, call: &'a Call) {
        let Some(buckets) = call.arguments.last() else { return };
        for selector in buckets.selectors() {
            let Named::Families(families) = self.named(selector) else { continue };
            let Some((family, part)) = families.into_iter().find(|(_, part)| *part != Part::Bucket) else {
                continue;
            };
            let span = selector.exact_name().map_or(buckets.span, |name| name.span);
            let message = format!("{}{} has no buckets", family.name, part.suffix());
            let help = (family.kind == FamilyKind::Histogram).then(|| format!("use {}_bucket", family.name));
            self.find(Rule::HistogramQuantile, Severity::Error, span, message, help);
        }
        if labels::of(self, buckets).is_some_and(|labels| !labels.contains("le")) && self.is_bucket(buckets) {
            let message = format!("{} needs the label le, which is lost here", call.function.text);
            let help = "add le to by, or take it out of without".to_owned();
            self.find(Rule::HistogramQuantile, Severity::Error, buckets.span, message, Some(help));
        }
    }

    /// Whether all that it is made of are buckets.
    fn is_bucket(&self, expr: &'a Expr) -> bool {
        expr.selectors().into_iter().all(|selector| match self.named(selector) {
            Named::Families(families) => families.iter().all(|(_, part)| *part == Part::Bucket),
            _ => false,
        })
    }

    fn selector(&mut self, selector: &'a Selector, around: Around) {
        match self.named(selector) {
            Named::Families(families) => {
                for matcher in &selector.matchers {
                    self.matcher(matcher, &families);
                }
                let pattern = selector.name_pattern().map(|matcher| &matcher.value);
                match (families.as_slice(), selector.exact_name(), pattern) {
                    ([(family, part)], Some(name), _) => {
                        self.family(family, *part, Some(name), name.span, around);
                    }
                    (families, None, Some(pattern)) => self.names_of(pattern, families, around),
                    _ => {}
                }
            }
            Named::Unknown(name) if selector.exact_name().is_some() => self.unknown(name, Severity::Error),
            Named::Unknown(pattern) => self.unmatched(pattern),
            Named::Foreign(name) => {
                self.foreign.insert(name.span);
            }
            Named::Recorded | Named::Open => {}
        }
    }

    /// What is to be said about a family that exists.
    fn family(
        &mut self,
        family: &'a Family<'l>,
        part: Part,
        name: Option<&Name>,
        span: Span,
        around: Around,
    ) {
        let needed = family.level();
        if needed > self.linter.options.level {
            let word = |level| format!("{level:?}").to_lowercase();
            let message = format!("{} is there only at level {}", family.name, word(needed));
            let help = format!("set service::telemetry::metrics::level: {}", word(needed));
            self.find(Rule::Level, Severity::Warning, span, message, Some(help));
        }
        if let Some(deprecated) = &family.metric.deprecated {
            self.deprecated(family, part, deprecated, name, span);
        }
        let Presence::OnEvent(event) = family.presence() else { return };
        if around.is_guarded {
            return;
        }
        let message = format!("{} has no series before {event}", family.name);
        if around.is_operand {
            let help = "without it the whole is empty: write (… or vector(0))".to_owned();
            self.find(Rule::AbsentSeries, Severity::Warning, span, message, Some(help));
        } else if self.query.role == Role::Alert {
            let help = "rate and increase do not see what comes with the first sample".to_owned();
            self.find(Rule::AbsentSeries, Severity::Note, span, message, Some(help));
        }
    }

    fn deprecated(
        &mut self,
        family: &Family<'_>,
        part: Part,
        why: &Deprecated,
        name: Option<&Name>,
        span: Span,
    ) {
        let (help, fix) = match why {
            Deprecated::Renamed { renamed_to } => match self.linter.known.family_of_metric(renamed_to) {
                Some(new) => {
                    let new = format!("{}{}", new.name, part.suffix());
                    let fix = name.and_then(|name| self.rewrite(name, &new));
                    (format!("use {new}"), fix)
                }
                None => (format!("later versions have {renamed_to}"), None),
            },
            Deprecated::Obsoleted { note } | Deprecated::Uncategorized { note } => (note.clone(), None),
        };
        let message = format!("{} is deprecated", family.name);
        self.find_with(Rule::Deprecated, Severity::Warning, span, message, Some(help), fix);
    }
}
