//! The parts of a request hold what the request holds.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../collector/pdata/tests/split/reference.rs"]
mod reference;

fuzz_target!(|input: &[u8]| {
    if let Some((signal, limit, request)) = reference::split_input(input) {
        reference::check(signal, request, limit);
    }
});
