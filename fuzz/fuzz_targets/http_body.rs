//! Any body, with any encoding and content type, is taken or refused within its cap.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../collector/net/tests/http_body/body.rs"]
mod body;

fuzz_target!(|input: &[u8]| {
    if let Some(request) = body::split_input(input) {
        body::check(&request);
    }
});
