//! Properties that hold for any message and any text.

use proptest::prelude::*;
use prost::Message as _;

use super::every_kind::EVERY_KIND;
use super::random::{Choices, message};
use crate::Utf8Policy;
use crate::json::{MAX_EXPANSION, decode, encode};
use crate::proto::collector::logs::v1::ExportLogsServiceRequest;
use crate::proto::collector::metrics::v1::ExportMetricsServiceRequest;
use crate::proto::collector::trace::v1::ExportTraceServiceRequest;
use crate::scan::scan_message;
use crate::table::Message;
use crate::tables::{
    EXPORT_LOGS_SERVICE_REQUEST, EXPORT_METRICS_SERVICE_REQUEST, EXPORT_TRACE_SERVICE_REQUEST,
};

/// Nesting of random messages: enough to reach values inside of lists inside of attributes.
const DEPTH: usize = 9;

fn json_of(table: &'static Message, protobuf: &[u8]) -> Vec<u8> {
    let mut json = Vec::new();
    encode(table, protobuf, &mut json).unwrap();
    json
}

/// What an independent decoder makes of the protobuf before and after the way through JSON.
fn same_objects<M: prost::Message + Default>(table: &'static Message, protobuf: &[u8]) {
    let json = json_of(table, protobuf);
    serde_json::from_slice::<serde_json::Value>(&json).expect("what is written is JSON");
    let back =
        decode(table, &json).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&json)));
    assert!(back.len() <= MAX_EXPANSION * json.len());
    assert_scans(table, &back);
    let (before, after) = (M::decode(protobuf).unwrap(), M::decode(back.as_slice()).unwrap());
    // Compared as bytes: NaN is not equal to itself.
    assert_eq!(before.encode_to_vec(), after.encode_to_vec(), "{}", String::from_utf8_lossy(&json));
}

/// What was read passes the scanner, which finds nothing to repair.
fn assert_scans(table: &'static Message, protobuf: &[u8]) {
    let found = scan_message(table, &mut protobuf.to_vec(), Utf8Policy::Repair).expect("it scans");
    assert_eq!(found.repaired, 0);
}

/// A valid document with some bytes replaced, removed or doubled.
fn mutated(json: &[u8], edits: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    const BYTES: &[u8] = b"{}[]:,\"\\ 0123456789-+.eEtrufalsn\x00\xff\xc3\xa9x";
    let mut json = json.to_vec();
    for (at, kind, byte) in edits {
        let at = at.index(json.len().max(1)).min(json.len());
        let byte = BYTES[usize::from(*byte) % BYTES.len()];
        match kind % 3 {
            0 if at < json.len() => json[at] = byte,
            1 if at < json.len() => drop(json.remove(at)),
            _ => json.insert(at, byte),
        }
    }
    json
}

proptest! {
    #[test]
    fn objects_survive_json(choices in prop::collection::vec(any::<u8>(), 0..600)) {
        let random = |table| message(table, &mut Choices::new(&choices), DEPTH);
        same_objects::<ExportTraceServiceRequest>(
            &EXPORT_TRACE_SERVICE_REQUEST, &random(&EXPORT_TRACE_SERVICE_REQUEST));
        same_objects::<ExportMetricsServiceRequest>(
            &EXPORT_METRICS_SERVICE_REQUEST, &random(&EXPORT_METRICS_SERVICE_REQUEST));
        same_objects::<ExportLogsServiceRequest>(
            &EXPORT_LOGS_SERVICE_REQUEST, &random(&EXPORT_LOGS_SERVICE_REQUEST));
    }

    #[test]
    fn json_of_every_kind_is_stable(choices in prop::collection::vec(any::<u8>(), 0..300)) {
        let json = json_of(&EVERY_KIND, &message(&EVERY_KIND, &mut Choices::new(&choices), 4));
        let again = json_of(&EVERY_KIND, &decode(&EVERY_KIND, &json).unwrap());
        prop_assert_eq!(String::from_utf8_lossy(&json), String::from_utf8_lossy(&again));
    }

    #[test]
    fn damaged_json_is_refused_or_read_into_valid_protobuf(
        choices in prop::collection::vec(any::<u8>(), 0..300),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<u8>()), 1..6),
    ) {
        let table = &EXPORT_METRICS_SERVICE_REQUEST;
        let json = mutated(&json_of(table, &message(table, &mut Choices::new(&choices), DEPTH)), &edits);
        if let Ok(protobuf) = decode(table, &json) {
            prop_assert!(protobuf.len() <= MAX_EXPANSION * json.len());
            assert_scans(table, &protobuf);
            prop_assert!(ExportMetricsServiceRequest::decode(protobuf.as_slice()).is_ok());
            prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&json).is_ok());
        }
    }

    #[test]
    fn skipped_values_are_held_to_the_syntax(
        choices in prop::collection::vec(any::<u8>(), 0..200),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<u8>()), 0..4),
    ) {
        let json = json_of(&EVERY_KIND, &message(&EVERY_KIND, &mut Choices::new(&choices), 4));
        let json = [br#"{"unknown":"#.as_slice(), &mutated(&json, &edits), b"}"].concat();
        if let Ok(text) = std::str::from_utf8(&json) {
            let valid = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
            // A damaged document may have become one of a known field, such as `{"unknown":1,"id":2}`.
            let read = decode(&EMPTY, &json);
            prop_assert_eq!(read.is_ok(), valid, "{:?} {}", read, text);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for table in [&EVERY_KIND, &EXPORT_TRACE_SERVICE_REQUEST] {
            decode(table, &bytes).ok();
            let mut out = Vec::new();
            if encode(table, &bytes, &mut out).is_ok() {
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok());
            }
        }
    }
}

/// A message to which every name is unknown.
static EMPTY: Message = Message::new("test.Empty", &[]);
