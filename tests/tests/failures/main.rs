//! What each failure costs: `etalon explain` says it of a configuration, and here it is brought about.
//!
//! For each failure and each mode of an exporter, a collector is started, `explain` is asked what the failure costs with
//! just this configuration, and the failure happens. Senders do as OTLP says: they try again what they are told to try
//! again, and nothing else. Then items are counted at both ends, outside of the process: what was lost, what came twice,
//! what senders were answered, and where it shows must be what `explain` has said. The table in the book is made of the
//! same cases.

mod oracle;
mod scenarios;
mod variants;
mod world;

use serde_json::Value;

use crate::world::{Mode, World};

/// Each failure that is brought about, in all modes.
macro_rules! failures {
    ($($failure:ident),* $(,)?) => {
        /// The failures that have a scenario.
        const BROUGHT_ABOUT: &[&str] = &[$(stringify!($failure)),*];
        $(mod $failure {
            use crate::world::Mode;

            #[test]
            fn costs_what_is_said_without_a_queue() {
                crate::run(stringify!($failure), Mode::NoQueue, crate::scenarios::$failure);
            }

            #[test]
            fn costs_what_is_said_where_senders_wait_for_the_result() {
                crate::run(stringify!($failure), Mode::WaitForResult, crate::scenarios::$failure);
            }

            #[test]
            fn costs_what_is_said_with_a_queue_in_memory() {
                crate::run(stringify!($failure), Mode::Memory, crate::scenarios::$failure);
            }

            #[test]
            fn costs_what_is_said_with_a_queue_on_disk() {
                crate::run(stringify!($failure), Mode::Storage, crate::scenarios::$failure);
            }
        })*
    };
}

failures! {
    destination_down,
    destination_down_longer,
    no_answer,
    connection_breaks,
    queue_full,
    rejected,
    poison,
    credentials,
    partial_success,
    too_large,
    overload,
    killed,
    sigterm,
    sigterm_destination_down,
    reload,
    reload_invalid,
    exporter_removed,
    storage_full,
    damage,
    two_processes,
}

/// Brings a failure about, if it can happen in this mode, and compares what it costs with what is said.
fn run(failure: &str, mode: Mode, scenario: fn(&mut World)) {
    let mut world = World::new(mode);
    if !world.is_possible(failure) {
        return;
    }
    scenario(&mut world);
    oracle::judge(failure, world);
}

#[test]
fn every_cell_that_is_said_to_be_run_is_run() {
    for mode in Mode::ALL {
        for row in World::new(mode).explained() {
            let id = row["id"].as_str().expect("a text");
            let is_run = row["is_run"] == Value::Bool(true);
            assert!(!is_run || BROUGHT_ABOUT.contains(&id), "{id} in {mode:?} is said to be run");
            if row["applies"] == Value::Bool(true) && !is_run {
                assert!(!BROUGHT_ABOUT.contains(&id), "{id} in {mode:?} is run, and not said to be");
            }
        }
    }
    for mode in Mode::ALL {
        let rows = World::new(mode).explained();
        let known = |id: &&str| rows.iter().any(|row| row["id"] == *id);
        let unknown: Vec<_> = BROUGHT_ABOUT.iter().filter(|id| !known(id)).collect();
        assert!(unknown.is_empty(), "no such failures: {unknown:?}");
    }
}
