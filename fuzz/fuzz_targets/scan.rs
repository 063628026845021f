//! The scanner and prost must agree on any bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../collector/pdata/tests/scan/differential.rs"]
mod differential;

fuzz_target!(|input: &[u8]| {
    if let Some((signal, request)) = differential::split_input(input) {
        differential::agree(signal, request);
    }
});
