use super::*;
use crate::definition::{Instrument, Stability};

static THINGS: Definition = Definition {
    name: "things",
    brief: "Things seen.",
    unit: "{thing}",
    instrument: Instrument::Counter,
    value_type: ValueType::Int,
    level: Level::Basic,
    stability: Stability::Beta,
    on_event: false,
    buckets: &[],
};
static SIZES: Definition = Definition {
    name: "sizes",
    instrument: Instrument::Histogram,
    value_type: ValueType::Double,
    buckets: &[1.0, 10.0],
    ..THINGS
};

/// The series of the metrics of these tests.
fn series(telemetry: &Telemetry) -> Vec<(String, Value)> {
    let families = telemetry.snapshot(&Selection::default()).families;
    let own = families.into_iter().filter(|family| ["things", "sizes"].contains(&family.definition.name));
    own.flat_map(|family| family.points)
        .map(|point| (point.labels.iter().map(|(_, value)| value.as_str()).collect(), point.value))
        .collect()
}

fn ints(telemetry: &Telemetry) -> Vec<(String, i64)> {
    let int = |value| match value {
        Value::Int(value) => value,
        other => panic!("{other:?}"),
    };
    series(telemetry).into_iter().map(|(labels, value)| (labels, int(value))).collect()
}

#[test]
fn a_series_exists_at_zero_and_is_shared_by_all_who_ask_for_it() {
    let telemetry = Telemetry::new(&[]);
    let first = telemetry.counter(&THINGS, &[("kind", "a")]);
    assert_eq!(ints(&telemetry), [("a".to_owned(), 0)]);
    first.add(2);
    telemetry.counter(&THINGS, &[("kind", "a")]).add(3);
    assert_eq!(ints(&telemetry), [("a".to_owned(), 5)]);
}

#[test]
fn a_distribution_counts_each_value_in_the_first_bucket_that_holds_it() {
    let telemetry = Telemetry::new(&[]);
    let sizes = telemetry.histogram(&SIZES, &[]);
    for value in [0.5, 1.0, 1.5, 100.0] {
        sizes.record(value);
    }
    let expected = Value::Histogram { counts: vec![2, 1, 1], sum: 103.0 };
    assert_eq!(series(&telemetry), [(String::new(), expected)]);
}

#[test]
fn a_value_that_is_set_is_there_from_the_start_or_from_when_it_is_first_set() {
    static LEVEL: Definition = Definition { instrument: Instrument::Gauge, ..THINGS };
    static LATEST: Definition = Definition { name: "sizes", on_event: true, ..LEVEL };
    let telemetry = Telemetry::new(&[]);
    let (level, latest) =
        (telemetry.gauge(&LEVEL, &[("kind", "a")]), telemetry.gauge(&LATEST, &[("kind", "b")]));
    assert_eq!(ints(&telemetry), [("a".to_owned(), 0)]);
    level.set(2.0);
    latest.set(3.0);
    assert_eq!(ints(&telemetry), [("b".to_owned(), 3), ("a".to_owned(), 2)]);
}

#[test]
fn a_counter_of_events_is_there_from_its_first_event_on() {
    static EVENTS: Definition = Definition { on_event: true, ..THINGS };
    let telemetry = Telemetry::new(&[]);
    let (first, second) =
        (telemetry.counter(&EVENTS, &[("kind", "a")]), telemetry.counter(&EVENTS, &[("kind", "b")]));
    assert_eq!(ints(&telemetry), []);
    second.add(1);
    assert_eq!(ints(&telemetry), [("b".to_owned(), 1)]);
    first.add(2);
    assert_eq!(ints(&telemetry), [("a".to_owned(), 2), ("b".to_owned(), 1)]);
}

#[test]
fn an_observation_gives_its_series_back_to_the_one_before_and_the_last_one_takes_it_away() {
    let telemetry = Telemetry::new(&[]);
    let observe = |kind, value| telemetry.observe(&THINGS, &[("kind", kind)], move || value);
    let first = observe("a", 1.0);
    let second = observe("a", 2.0);
    assert_eq!(ints(&telemetry), [("a".to_owned(), 2)]);
    drop(second);
    assert_eq!(ints(&telemetry), [("a".to_owned(), 1)]);
    let third = observe("a", 3.0);
    drop(first);
    let other = observe("b", 4.0);
    assert_eq!(ints(&telemetry), [("a".to_owned(), 3), ("b".to_owned(), 4)]);
    drop((third, other));
    assert_eq!(ints(&telemetry), [], "nor a name without series");
}

#[test]
fn what_is_not_known_at_the_moment_is_not_told() {
    let telemetry = Telemetry::new(&[]);
    let _observation = telemetry.observe(&THINGS, &[], || f64::NAN);
    assert_eq!(ints(&telemetry), []);
}

#[test]
fn what_reads_a_value_may_make_and_end_series() {
    let telemetry = Telemetry::new(&[]);
    let inside = telemetry.clone();
    let _observation = telemetry.observe(&THINGS, &[("kind", "a")], move || {
        drop(inside.observe(&THINGS, &[("kind", "b")], || 1.0));
        2.0
    });
    assert_eq!(ints(&telemetry), [("a".to_owned(), 2)]);
}

#[test]
fn what_was_renamed_goes_on_under_its_old_name_with_the_same_values() {
    static OLD: Definition = Definition { name: "former_things", level: Level::Normal, ..THINGS };
    static RENAMED_HERE: [Renamed; 1] = [(&OLD, &THINGS)];
    let told = |telemetry: &Telemetry, selection: &Selection| -> Vec<(&str, Value)> {
        let families = telemetry.snapshot_with(selection, &RENAMED_HERE).families;
        families.iter().map(|family| (family.definition.name, family.points[0].value.clone())).collect()
    };
    let (telemetry, normal) = (Telemetry::new(&[]), Selection::default());
    telemetry.counter(&THINGS, &[("kind", "a")]).add(3);
    let both = [("former_things", Value::Int(3)), ("things", Value::Int(3))];
    assert_eq!(told(&telemetry, &normal), both);
    let basic = Selection { level: Level::Basic, ..normal.clone() };
    assert_eq!(told(&telemetry, &basic), [both[1].clone()]);
    let dropped = vec![crate::Selector { name: Some("things".to_owned()), ..crate::Selector::default() }];
    assert_eq!(told(&telemetry, &Selection { dropped, ..normal }), [both[0].clone()]);
    assert_eq!(telemetry.snapshot(&Selection::default()).families.len(), 1);
}
