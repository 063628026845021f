//! Keys of the exporter that change what a failure costs.

use crate::run;
use crate::scenarios;
use crate::world::Mode;

#[test]
fn what_is_bisected_costs_only_the_item_that_is_refused() {
    for mode in [Mode::WaitForResult, Mode::Memory, Mode::Storage] {
        run("poison", mode, |world| {
            world.keys.queue = "bisect_rejected: true";
            scenarios::poison(world);
        });
    }
}

#[test]
fn a_full_queue_that_blocks_refuses_nobody() {
    for mode in [Mode::WaitForResult, Mode::Memory, Mode::Storage] {
        run("queue_full", mode, |world| {
            world.keys.queue = "block_on_overflow: true";
            scenarios::queue_full_and_blocks(world);
        });
    }
}

#[test]
fn without_retries_any_outage_is_too_long() {
    for mode in Mode::ALL {
        run("destination_down", mode, |world| {
            world.keys.retries = "enabled: false";
            scenarios::destination_down_without_retries(world);
        });
    }
}
