//! The tree's own contract is guarded: whatever of its metrics is broken, it is found.

use std::path::Path;

use super::*;
use crate::contract::{Instrument, Level, Presence, Severity, SpanKind, Stability, ValueType};

/// Breaks a metric; false when it is broken like this already.
type Break = fn(&mut Metric) -> bool;

const BREAKS: &[(&str, Rule, Break)] = &[
    ("instrument", Rule::InstrumentChanged, |metric| {
        let other =
            if metric.instrument == Instrument::Gauge { Instrument::Counter } else { Instrument::Gauge };
        changed(&mut metric.instrument, other)
    }),
    ("unit", Rule::UnitChanged, |metric| changed(&mut metric.unit, "{other}".to_owned())),
    ("stability", Rule::StabilityLowered, |metric| changed(&mut metric.stability, Stability::Development)),
    ("level", Rule::LevelRaised, |metric| changed(&mut metric.annotations.contract.level, Level::Detailed)),
    ("value_type", Rule::ValueTypeChanged, |metric| {
        let value_type = &mut metric.annotations.contract.value_type;
        let other = if *value_type == ValueType::Int { ValueType::Double } else { ValueType::Int };
        changed(value_type, other)
    }),
    ("asynchronous", Rule::CollectionChanged, |metric| {
        let asynchronous = &mut metric.annotations.contract.asynchronous;
        let other = !*asynchronous;
        changed(asynchronous, other)
    }),
    ("buckets", Rule::BucketsChanged, |metric| {
        metric.annotations.contract.buckets.push(f64::MAX);
        true
    }),
    ("presence", Rule::PresenceWeakened, |metric| {
        changed(&mut metric.annotations.contract.presence, Presence::OnEvent("the weather".to_owned()))
    }),
    ("recorded", Rule::MeaningChanged, |metric| {
        changed(&mut metric.annotations.contract.recorded, "now and then".to_owned())
    }),
    ("attributes::added", Rule::LabelAdded, |metric| {
        metric.attributes.push(reference("added", Requirement::Required));
        true
    }),
];

fn changed<T: PartialEq>(field: &mut T, to: T) -> bool {
    let is_other = *field != to;
    *field = to;
    is_other
}

fn tree() -> Contract {
    crate::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_break_of_every_metric_of_the_tree_is_found() {
    let old = tree();
    let (mut broken, mut missed) = (0, Vec::new());
    for name in old.metrics.keys() {
        for (field, rule, breaks) in BREAKS {
            let mut new = old.clone();
            if !breaks(new.metrics.get_mut(name).unwrap()) {
                continue;
            }
            broken += 1;
            let path = format!("metrics::{name}::{field}");
            let is_found = |change: &Change| change.path == path && change.rule == *rule;
            if !compare(&old, &new).iter().any(is_found) {
                missed.push(path);
            }
        }
    }
    assert_eq!(missed, [""; 0]);
    assert!(broken > 5 * old.metrics.len(), "only {broken} breaks");
}

/// Breaks an event; each is another one afterwards.
const BREAKS_OF_EVENTS: &[(&str, Rule, fn(&mut Event))] = &[
    ("stability", Rule::StabilityLowered, |event| event.stability = Stability::Development),
    ("severity", Rule::SeverityChanged, |event| {
        let severity = &mut event.annotations.contract.severity;
        *severity = if *severity == Severity::Debug { Severity::Error } else { Severity::Debug };
    }),
    ("sampled", Rule::SampledChanged, |event| event.annotations.contract.sampled ^= true),
    ("recorded", Rule::MeaningChanged, |event| event.annotations.contract.recorded.push_str(", at times")),
    ("attributes::added", Rule::LabelAdded, |event| {
        event.attributes.push(reference("added", Requirement::Required));
    }),
];

/// Breaks a span; each is another one afterwards.
const BREAKS_OF_SPANS: &[(&str, Rule, fn(&mut Span))] = &[
    ("stability", Rule::StabilityLowered, |span| span.stability = Stability::Development),
    ("kind", Rule::SpanKindChanged, |span| {
        span.kind = if span.kind == SpanKind::Client { SpanKind::Server } else { SpanKind::Client };
    }),
    ("name_pattern", Rule::SpanNameChanged, |span| span.annotations.contract.name_pattern.push('x')),
    ("status", Rule::SpanStatusChanged, |span| span.annotations.contract.status.push_str(", or not")),
    ("recorded", Rule::MeaningChanged, |span| span.annotations.contract.recorded.push_str(", at times")),
    ("attributes::added", Rule::LabelAdded, |span| {
        span.attributes.push(reference("added", Requirement::Required));
    }),
];

/// Each part of a section, broken in each way, is found; `stability` of what promises nothing cannot be lowered.
fn every_break_is_found<P: Clone + PartialEq>(
    section: &str,
    breaks: &[(&str, Rule, fn(&mut P))],
    of: fn(&mut Contract) -> &mut std::collections::BTreeMap<String, P>,
) {
    let mut old = tree();
    // Only for speed: they are as they were.
    old.metrics.clear();
    let names: Vec<String> = of(&mut old).keys().cloned().collect();
    assert!(!names.is_empty(), "nothing of {section}");
    for name in names {
        for (field, rule, breaks) in breaks {
            let mut new = old.clone();
            breaks(of(&mut new).get_mut(&name).unwrap());
            if new == old {
                assert_eq!(*field, "stability", "{name}");
                continue;
            }
            let path = format!("{section}::{name}::{field}");
            let changes = compare(&old, &new);
            let found = changes.iter().any(|change| change.path == path && change.rule == *rule);
            assert!(found, "{path}: {changes:#?}");
        }
        let mut new = old.clone();
        let gone = of(&mut new).remove(&name).unwrap();
        of(&mut new).insert("renamed".to_owned(), gone);
        let path = format!("{section}::{name}");
        let changes = compare(&old, &new);
        let found = changes.iter().any(|change| change.path == path && change.rule == Rule::Removed);
        assert!(found, "{path}: {changes:#?}");
    }
}

#[test]
fn every_break_of_every_event_of_the_tree_is_found() {
    every_break_is_found("events", BREAKS_OF_EVENTS, |contract| &mut contract.events);
}

#[test]
fn every_break_of_every_span_of_the_tree_is_found() {
    every_break_is_found("spans", BREAKS_OF_SPANS, |contract| &mut contract.spans);
}

#[test]
fn every_removal_and_renaming_in_the_tree_is_found() {
    let old = tree();
    for (name, metric) in &old.metrics {
        let mut new = old.clone();
        rename(&mut new.metrics, name, "renamed");
        let changes = compare(&old, &new);
        let verdict = Rule::Removed.verdict(metric.stability);
        let found = changes.iter().map(|change| (&*change.path, change.rule, change.verdict));
        let removed = format!("metrics::{name}");
        let expected =
            [(&*removed, Rule::Removed, verdict), ("metrics::renamed", Rule::Added, Verdict::Additive)];
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn every_label_and_value_that_the_tree_loses_is_found() {
    let old = tree();
    for (name, metric) in &old.metrics {
        for index in 0..metric.attributes.len() {
            let mut new = old.clone();
            let gone = new.metrics.get_mut(name).unwrap().attributes.remove(index);
            let changes = compare(&old, &new);
            let expected = (format!("metrics::{name}::attributes::{}", gone.key), Rule::LabelRemoved);
            let found: Vec<_> = changes.iter().map(|change| (change.path.clone(), change.rule)).collect();
            assert_eq!(found, [expected]);
        }
    }
    for (key, attribute) in &old.attributes {
        let AttributeKind::Enum { members } = &attribute.kind else { continue };
        for index in 0..members.len() {
            let mut new = old.clone();
            if let AttributeKind::Enum { members } = &mut new.attributes.get_mut(key).unwrap().kind {
                members.remove(index);
            }
            let changes = compare(&old, &new);
            let expected =
                (format!("attributes::{key}::members::{}", members[index].value), Rule::ValueRemoved);
            let found: Vec<_> = changes.iter().map(|change| (change.path.clone(), change.rule)).collect();
            assert_eq!(found, [expected]);
        }
    }
}

/// Each span that the tree declares, in every way in which a query of it can break.
#[test]
fn each_declared_span_is_missed_when_it_changes() {
    let old = tree();
    assert!(!old.spans.is_empty());
    for (id, span) in &old.spans {
        let broken = |breaks: &dyn Fn(&mut Span)| {
            let mut new = old.clone();
            breaks(new.spans.get_mut(id).unwrap());
            let changes = compare(&old, &new);
            changes.into_iter().map(|change| (change.path, change.rule, change.verdict)).collect::<Vec<_>>()
        };
        let at = |field: &str| format!("spans::{id}::{field}");
        let kind = if span.kind == SpanKind::Internal { SpanKind::Server } else { SpanKind::Internal };
        let found = broken(&|span| span.kind = kind);
        assert_eq!(found, [(at("kind"), Rule::SpanKindChanged, Verdict::Breaking)]);
        let found = broken(&|span| span.annotations.contract.name_pattern.push('s'));
        assert_eq!(found, [(at("name_pattern"), Rule::SpanNameChanged, Verdict::Breaking)]);
        let found = broken(&|span| span.annotations.contract.status = "never".to_owned());
        assert_eq!(found, [(at("status"), Rule::SpanStatusChanged, Verdict::Breaking)]);
        for (index, attribute) in span.attributes.iter().enumerate() {
            let found = broken(&|span| drop(span.attributes.remove(index)));
            let path = at(&format!("attributes::{}", attribute.key));
            assert_eq!(found, [(path, Rule::LabelRemoved, Verdict::Breaking)]);
        }
    }
}

#[test]
fn releases_of_the_go_collector_that_broke_names_are_told_apart() {
    let releases = crate::upstream::releases().unwrap();
    let between = |from: &str, to: &str| {
        let of =
            |version: &str| releases.iter().find(|release| release.version.to_string() == version).unwrap();
        compare(of(from), of(to))
    };
    let appended = between("0.118.0", "0.119.0");
    let path = "metrics::otelcol_exporter_sent_spans::exposed::explicit::name";
    let found = appended.iter().find(|change| change.path == path).unwrap();
    assert_eq!(found.old.as_deref(), Some("otelcol_exporter_sent_spans"));
    assert_eq!(found.new.as_deref(), Some("otelcol_exporter_sent_spans_total"));
    assert_eq!(found.rule, Rule::ExposedNameChanged);
}
