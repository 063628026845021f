//! Counts what a failure has cost, and compares it with what was said.

use std::collections::BTreeSet;

use etalon_tests::{Verdict, eventually};
use serde_json::Value;

use crate::world::{ITEMS, Told, World};

/// What a failure has cost.
#[derive(Debug, Default)]
struct Costs {
    /// Items that are nowhere, although their sender was told OK.
    lost: BTreeSet<u32>,
    /// Items that are nowhere, and whose sender was told so.
    given_up: u64,
    /// Items that arrived more than once.
    twice: BTreeSet<u32>,
    /// What the collectors say is lost.
    counted: u64,
}

/// Lets the failure end and the senders go on, counts, and compares.
pub(crate) fn judge(failure: &str, mut world: World) {
    let row = world.row(failure);
    let first = world.told();
    let shown_by: Vec<&str> =
        row["shown_by"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    heal(&mut world, &shown_by);
    for name in shown_by {
        assert!(is_shown(name, &world), "{name} does not tell of it");
    }
    let costs = costs(&world);
    let about = format!("{costs:?}, and it was said: {row:#}\nanswers: {first:?}");
    match row["lost"].as_str() {
        Some("nothing") => assert!(costs.lost.is_empty() && costs.given_up == 0, "{about}"),
        Some("told") => assert!(costs.lost.is_empty() && costs.given_up > 0, "{about}"),
        Some("counted") => {
            assert!(!costs.lost.is_empty() && costs.given_up == 0, "{about}");
            assert_eq!(costs.counted, costs.lost.len() as u64, "{about}");
        }
        Some("uncounted") => assert!(!costs.lost.is_empty() && costs.counted == 0, "{about}"),
        _ => panic!("{about}"),
    }
    assert_eq!(!costs.twice.is_empty(), row["twice"] == Value::Bool(true), "{about}");
    let answers: Vec<&Told> = first.values().flatten().collect();
    let some = |is: fn(&Told) -> bool| answers.iter().any(|told| is(told));
    let are_as_said = match row["answer"].as_str() {
        Some("ok") => answers.iter().all(|told| **told == Told::Ok) && !answers.is_empty(),
        Some("partial") => {
            some(|told| matches!(told, Told::Partial(_))) && !some(|told| *told == Told::Permanent)
        }
        Some("retry") => some(|told| *told == Told::Retry) && !some(|told| *told == Told::Permanent),
        Some("permanent") => some(|told| *told == Told::Permanent),
        Some("broken") => some(|told| *told == Told::Broken) && !some(|told| *told == Told::Permanent),
        _ => false,
    };
    assert!(are_as_said, "{about}");
}

/// The destination takes everything, a collector runs, senders try again what they still have, and the queue empties.
fn heal(world: &mut World, shown_by: &[&str]) {
    world.sink.answer(Verdict::Accept);
    if !world.is_running() {
        world.start();
    }
    world.wait_for_answers();
    let still_theirs = |told: &Vec<Told>| matches!(told.last(), Some(Told::Retry | Told::Broken));
    eventually("senders have got rid of what they have", || {
        let again: Vec<u32> =
            world.told().iter().filter(|(_, told)| still_theirs(told)).map(|(request, _)| *request).collect();
        for request in &again {
            world.send(*request..request + 1);
        }
        world.wait_for_answers();
        again.is_empty().then_some(())
    });
    if world.mode.has_queue() {
        world.wait_for_queue(0);
    }
    // What cannot be read is out of the queue a moment before it is counted.
    eventually("the metrics that tell of it", || {
        world.look();
        shown_by.iter().all(|name| !is_metric(name) || is_shown(name, world)).then_some(())
    });
    world.etalon().terminate();
    let ended = world.wait_for_end();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
}

fn costs(world: &World) -> Costs {
    let arrived = world.sink.items();
    let mut costs = Costs {
        twice: arrived.iter().filter(|(_, times)| **times > 1).map(|(item, _)| *item).collect(),
        // Told at the end of each episode of loss, and at the latest when a collector ends.
        counted: events(world, "data.drop.ended").filter_map(|line| line["items"].as_u64()).sum(),
        ..Costs::default()
    };
    for (request, told) in world.told() {
        let items = request * ITEMS..(request + 1) * ITEMS;
        let missing: Vec<u32> = items.filter(|item| !arrived.contains_key(item)).collect();
        match told.last() {
            Some(Told::Permanent) => costs.given_up += missing.len() as u64,
            Some(Told::Partial(number)) => {
                assert_eq!(*number, missing.len() as u64, "what a sender is told is what is missing");
                costs.given_up += number;
            }
            _ => costs.lost.extend(missing),
        }
    }
    costs
}

fn events<'a>(world: &'a World, name: &'a str) -> impl Iterator<Item = &'a Value> {
    world.logged.iter().filter(move |line| line["event.name"] == name)
}

/// Whether a name is that of a metric, and not of an event.
fn is_metric(name: &str) -> bool {
    name.starts_with("etalon_") || name.starts_with("otelcol_")
}

/// Whether a metric has counted something, or an event was told.
fn is_shown(name: &str, world: &World) -> bool {
    let (metric, labels) = name.split_once('{').unwrap_or((name, ""));
    if !is_metric(metric) {
        return events(world, name).next().is_some();
    }
    let metric = metric.replace('…', "log_records");
    let labels: Vec<(&str, &str)> = labels
        .trim_end_matches('}')
        .split(',')
        .filter_map(|label| label.split_once('='))
        .map(|(key, value)| (key, value.trim_matches('"')))
        .collect();
    world.seen.iter().any(|scrape| scrape.sum(&metric, &labels).is_some_and(|sum| sum > 0.0))
}
