//! JSON in and out: what is read passes the scanner and prost, and what is written can be read again.
//! The first byte of an input chooses the signal; the rest is taken as JSON, and as protobuf.

#![no_main]

use etalon_pdata::json::{MAX_EXPANSION, decode, encode};
use etalon_pdata::{LOGS, METRICS, Signal, TRACES, Utf8Policy, scan};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let signal = [TRACES, METRICS, LOGS][usize::from(*first) % 3];
    if let Ok(protobuf) = decode(signal.request, rest) {
        assert!(protobuf.len() <= MAX_EXPANSION * rest.len());
        written_can_be_read(signal, &protobuf).expect("what was read can be written");
    }
    let is_valid = scan(signal, &mut rest.to_vec(), Utf8Policy::Refuse).is_ok();
    match written_can_be_read(signal, rest) {
        Some(()) => {}
        None => assert!(!is_valid, "what passes the scanner can be written"),
    }
});

/// Nothing when the request cannot be written, which is for the caller to judge.
fn written_can_be_read(signal: Signal, protobuf: &[u8]) -> Option<()> {
    let mut json = Vec::new();
    encode(signal.request, protobuf, &mut json).ok()?;
    match decode(signal.request, &json) {
        Ok(mut again) => {
            let found = scan(signal, &mut again, Utf8Policy::Refuse).expect("what is read passes the scanner");
            if let Ok(before) = scan(signal, &mut protobuf.to_vec(), Utf8Policy::Refuse) {
                assert_eq!(found.items, before.items, "no item is lost on the way");
            }
            let mut json_again = Vec::new();
            encode(signal.request, &again, &mut json_again).expect("what is read can be written");
            assert_eq!(String::from_utf8_lossy(&json), String::from_utf8_lossy(&json_again));
        }
        // The scanner looks at the length of ids, writing does not.
        Err(error) => assert!(
            scan(signal, &mut protobuf.to_vec(), Utf8Policy::Refuse).is_err(),
            "what is written can be read: {error}"
        ),
    }
    Some(())
}
