//! Text taken for a configuration: it is refused in words that can be printed, or read, merged, expanded
//! and printed in a way that reads back. `collector/conf/tests/properties` says what must hold.

#![no_main]

#[path = "../../collector/conf/tests/properties/mod.rs"]
mod properties;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    properties::check(input);
});
