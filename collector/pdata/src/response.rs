//! Export responses: partial success, written and read by the wire table of the signal.

use bytes::{BufMut, Bytes};

use crate::dispatch::wire;
use crate::scan::scan_message;
use crate::table::{Field, Kind, Message};
use crate::{ScanError, Signal, Utf8Policy};

/// What an export response says when it is not a plain success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialSuccess {
    /// Number of items that were rejected for good; 0 when the message is a warning.
    pub rejected: i64,
    /// Why, for people.
    pub message: String,
}

/// The encoded response that says that `rejected` items were rejected and why. Full success, which is 0
/// and an empty message, is no bytes at all: the field stays unset, as OTLP asks.
pub fn partial_success_response(signal: Signal, rejected: i64, message: &str) -> Bytes {
    if rejected == 0 && message.is_empty() {
        return Bytes::new();
    }
    let fields = Fields::of(signal);
    let mut inner = Vec::with_capacity(message.len() + 24);
    if rejected != 0 {
        put_varint(&mut inner, u64::from(fields.rejected << 3 | wire::VARINT));
        put_varint(&mut inner, rejected.cast_unsigned());
    }
    if !message.is_empty() {
        put_delimited(&mut inner, fields.message, message.as_bytes());
    }
    let mut response = Vec::with_capacity(inner.len() + 12);
    put_delimited(&mut response, fields.partial_success, &inner);
    response.into()
}

/// Reads an encoded export response. `None` is full success, however it is written: unset, empty, or zero
/// and an empty message. Invalid UTF-8 in the message is repaired: the verdict counts, not the spelling.
pub fn parse_partial_success(signal: Signal, response: &[u8]) -> Result<Option<PartialSuccess>, ScanError> {
    let mut response = response.to_vec();
    scan_message(signal.response, &mut response, Utf8Policy::Repair)?;
    let fields = Fields::of(signal);
    let mut parsed = PartialSuccess { rejected: 0, message: String::new() };
    each_field(&response, |number, value| {
        let Value::Delimited(partial_success) = value else { return };
        if number != fields.partial_success {
            return;
        }
        each_field(partial_success, |number, value| match value {
            Value::Varint(rejected) if number == fields.rejected => parsed.rejected = rejected.cast_signed(),
            Value::Delimited(message) if number == fields.message => {
                parsed.message = String::from_utf8_lossy(message).into_owned();
            }
            _ => {}
        });
    });
    Ok((parsed.rejected != 0 || !parsed.message.is_empty()).then_some(parsed))
}

/// Numbers of the fields that a response consists of.
struct Fields {
    partial_success: u32,
    rejected: u32,
    message: u32,
}

impl Fields {
    fn of(signal: Signal) -> Self {
        let partial_success = named(signal.response, "partial_success");
        let Kind::Message(table) = partial_success.kind else {
            panic!("{}: partial_success is a message", signal.response.name)
        };
        Self {
            partial_success: partial_success.number,
            rejected: named(table, signal.rejected_field).number,
            message: named(table, "error_message").number,
        }
    }
}

fn named(table: &'static Message, name: &str) -> &'static Field {
    table.field_by_name(name).unwrap_or_else(|| panic!("{} has a field {name}", table.name))
}

enum Value<'a> {
    Varint(u64),
    Delimited(&'a [u8]),
}

/// Calls `visit` for the varints and the length-delimited fields of a valid message; groups, which no known
/// field has, are passed over with what is in them.
fn each_field<'a>(mut bytes: &'a [u8], mut visit: impl FnMut(u32, Value<'a>)) {
    let mut open_groups = 0_usize;
    while let Some(key) = take_varint(&mut bytes) {
        let Ok(key) = u32::try_from(key) else { return };
        let value = match key & 7 {
            wire::VARINT => take_varint(&mut bytes).map(Value::Varint),
            wire::LEN => {
                let Some(len) = take_varint(&mut bytes) else { return };
                let Ok(len) = usize::try_from(len) else { return };
                let Some((value, rest)) = bytes.split_at_checked(len) else { return };
                bytes = rest;
                Some(Value::Delimited(value))
            }
            wire_type => {
                match wire_type {
                    wire::FIXED64 => bytes = bytes.get(8..).unwrap_or_default(),
                    wire::FIXED32 => bytes = bytes.get(4..).unwrap_or_default(),
                    wire::START_GROUP => open_groups += 1,
                    _ => open_groups = open_groups.saturating_sub(1),
                }
                None
            }
        };
        if let Some(value) = value
            && open_groups == 0
        {
            visit(key >> 3, value);
        }
    }
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn put_delimited(out: &mut Vec<u8>, number: u32, value: &[u8]) {
    put_varint(out, u64::from(number << 3 | wire::LEN));
    put_varint(out, value.len() as u64);
    out.put_slice(value);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.put_u8(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.put_u8(value.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::proto::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
    use crate::{LOGS, METRICS, TRACES};

    fn logs(rejected_log_records: i64, error_message: &str) -> Vec<u8> {
        let partial_success =
            Some(ExportLogsPartialSuccess { rejected_log_records, error_message: error_message.to_owned() });
        ExportLogsServiceResponse { partial_success }.encode_to_vec()
    }

    #[test]
    fn a_response_is_what_prost_would_encode() {
        for (rejected, message) in [(3, "too old"), (i64::MAX, ""), (-1, "?"), (0, "a warning")] {
            assert_eq!(partial_success_response(LOGS, rejected, message), logs(rejected, message));
        }
    }

    #[test]
    fn full_success_is_no_bytes() {
        assert!(partial_success_response(LOGS, 0, "").is_empty());
    }

    #[test]
    fn a_written_response_is_read_back_for_every_signal() {
        for signal in [TRACES, METRICS, LOGS] {
            let expected = PartialSuccess { rejected: 7, message: "größer".repeat(100) };
            let bytes = partial_success_response(signal, 7, &expected.message);
            assert_eq!(parse_partial_success(signal, &bytes), Ok(Some(expected)));
        }
    }

    #[test]
    fn every_spelling_of_full_success_is_read_as_such() {
        let empty = ExportLogsServiceResponse::default().encode_to_vec();
        for response in [empty, logs(0, ""), b"\x0a\x02\x08\x00".to_vec()] {
            assert_eq!(parse_partial_success(LOGS, &response), Ok(None));
        }
    }

    #[test]
    fn unknown_fields_and_groups_are_passed_over_and_the_last_value_wins() {
        let mut response = b"\x53\x0a\x02\x08\x63\x54\x99\x01........\x9d\x01....".to_vec();
        response.extend(logs(1, "first"));
        response.extend(logs(2, ""));
        let expected = PartialSuccess { rejected: 2, message: "first".to_owned() };
        assert_eq!(parse_partial_success(LOGS, &response), Ok(Some(expected)));
    }

    #[test]
    fn a_broken_message_does_not_hide_the_verdict() {
        let response = b"\x0a\x07\x08\x05\x12\x03a\xffb";
        let expected = PartialSuccess { rejected: 5, message: "a?b".to_owned() };
        assert_eq!(parse_partial_success(LOGS, response), Ok(Some(expected)));
    }

    #[test]
    fn a_damaged_response_is_an_error_that_says_where() {
        let error = parse_partial_success(LOGS, b"\x0a\x04\x08\x05\x12\x03").expect_err("it is cut off");
        assert_eq!(error.path, "partial_success.error_message");
    }
}
