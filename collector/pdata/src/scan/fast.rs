//! The walk that most requests take: it can only accept. What it does not accept, for whatever reason, the
//! precise walk judges, from the beginning.

use super::text::{is_ascii, is_utf8, starts_with_ascii};
use super::varint::{are_varints, varint_len};
use super::{RECURSION_LIMIT, key_value};
use crate::dispatch::{Op, wire};
use crate::table::Message;

/// The number of items of a request that is valid as it is. Of any other request, and of valid ones in some
/// rare spellings, this says nothing.
pub(super) fn items(table: &'static Message, bytes: &[u8]) -> Option<usize> {
    let mut walk = Walk { bytes, items: 0 };
    walk.message(table, 0, bytes.len(), RECURSION_LIMIT).then_some(walk.items)
}

struct Walk<'a> {
    bytes: &'a [u8],
    items: usize,
}

impl Walk<'_> {
    /// Whether the message in `at..end` is valid. Nothing here returns more than fits a register.
    fn message(&mut self, table: &'static Message, mut at: usize, end: usize, depth: u32) -> bool {
        // The member of the oneof with items that was seen last, and the items in it.
        let mut member = 0;
        let mut member_items = 0;
        let bytes = self.bytes;
        while at < end {
            // A field has two bytes at least.
            let Some([first, value]) = bytes.get(at..).and_then(<[u8]>::first_chunk) else { return false };
            let mut key = u32::from(*first);
            let mut value = *value;
            let mut step = table.short_step(*first);
            let mut next = at + 1;
            if key >= 0x80 {
                let Some((long, long_next)) = long_key(bytes, at) else { return false };
                (key, next, step) = (long, long_next, table.step(long));
                let Some(byte) = bytes.get(next) else { return false };
                value = *byte;
            }
            if value & step.mask == step.expected {
                at = next + usize::from(step.skip);
                continue;
            }
            if step.op == Op::KeyValue {
                let Some(stop) = self.pairs(table, key, next, end, depth) else { return false };
                at = stop;
                continue;
            }
            if key & 7 != wire::LEN {
                let may_be = step.op == Op::Varint || step.op == Op::Unknown && key >= 8 && depth > 0;
                let Some(stop) = scalar_end(bytes, next, key & 7).filter(|_| may_be) else { return false };
                at = stop;
                continue;
            }
            let Some((start, stop)) = delimited(bytes, next, end) else { return false };
            let is_valid = match step.op {
                Op::String => string(bytes, start, stop),
                Op::Message => self.nested(table, key, start, stop, depth),
                Op::OneofMessage => {
                    let before = self.items;
                    let is_valid = self.nested(table, key, start, stop, depth);
                    let added = self.items - before;
                    if member == key {
                        member_items += added;
                    } else {
                        self.items -= member_items;
                        (member, member_items) = (key, added);
                    }
                    is_valid
                }
                Op::Bytes => true,
                Op::Unknown => key >= 8 && depth > 0,
                Op::Id8 | Op::Id16 => start == stop,
                Op::PackedVarint => bytes.get(start..stop).is_some_and(are_varints),
                Op::PackedFixed64 => (stop - start) % 8 == 0,
                Op::PackedFixed32 => (stop - start) % 4 == 0,
                _ => false,
            };
            if !is_valid {
                return false;
            }
            at = stop;
        }
        at == end
    }

    fn nested(&mut self, table: &'static Message, key: u32, start: usize, end: usize, depth: u32) -> bool {
        let (Some(nested), Some(depth)) = (table.nested(key >> 3), depth.checked_sub(1)) else {
            return false;
        };
        self.items += usize::from(nested.is_item);
        self.message(nested, start, end, depth)
    }

    /// The end of the pair whose length is at `at`, and of those that follow it with the same key.
    #[inline(never)]
    fn pairs(
        &mut self,
        table: &'static Message,
        key: u32,
        mut at: usize,
        end: usize,
        depth: u32,
    ) -> Option<usize> {
        let bytes = self.bytes;
        if depth < key_value::DEPTH {
            return None;
        }
        loop {
            at = match key_value::plain(bytes, at) {
                Some(stop) if stop <= end => stop,
                _ => self.pair(table, key, at, end, depth)?,
            };
            if at >= end || bytes.get(at).is_none_or(|byte| u32::from(*byte) != key) {
                return Some(at);
            }
            at += 1;
        }
    }

    /// A pair that is not plain.
    #[inline(never)]
    fn pair(
        &mut self,
        table: &'static Message,
        key: u32,
        at: usize,
        end: usize,
        depth: u32,
    ) -> Option<usize> {
        if let Some(stop) = key_value::long(self.bytes, at)
            && stop <= end
        {
            return Some(stop);
        }
        let (start, stop) = delimited(self.bytes, at, end)?;
        self.nested(table, key, start, stop, depth).then_some(stop)
    }
}

/// A key of two bytes, and where its value begins.
fn long_key(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let [first, second] = *bytes.get(at..)?.first_chunk()?;
    let key = u32::from(first & 0x7f) | u32::from(second) << 7;
    (second < 0x80).then_some((key, at + 2))
}

/// The bounds of what the length at `at` covers.
#[inline]
fn delimited(bytes: &[u8], at: usize, end: usize) -> Option<(usize, usize)> {
    let first = *bytes.get(at)?;
    let (len, start) = if first < 0x80 { (usize::from(first), at + 1) } else { long_length(bytes, at)? };
    // A length has at most 28 bits: nothing overflows.
    (start + len <= end).then_some((start, start + len))
}

/// A length of at most four bytes.
fn long_length(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut len = 0;
    for (index, byte) in bytes.get(at..)?.first_chunk::<4>()?.iter().enumerate() {
        len |= usize::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Some((len, at + index + 1));
        }
    }
    None
}

/// Where a value of this wire type ends that begins at `at`. Groups are left out.
#[inline]
fn scalar_end(bytes: &[u8], at: usize, wire_type: u32) -> Option<usize> {
    match wire_type {
        wire::VARINT => varint_end(bytes, at),
        wire::FIXED64 => Some(at + 8),
        wire::FIXED32 => Some(at + 4),
        _ => None,
    }
}

/// Where the varint ends that begins at `at`.
#[inline]
fn varint_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    match rest.first_chunk().map(|word| varint_len(*word)) {
        Some(len) if len <= 8 => Some(at + len),
        _ => long_varint_end(rest).map(|len| at + len),
    }
}

/// The length of a varint: at most ten bytes, the last of which holds the 64th bit and no more.
fn long_varint_end(bytes: &[u8]) -> Option<usize> {
    let last = bytes.iter().take(10).position(|byte| *byte < 0x80)?;
    (last < 9 || bytes[last] <= 1).then_some(last + 1)
}

#[inline]
fn string(bytes: &[u8], start: usize, end: usize) -> bool {
    let Some(rest) = bytes.get(start..) else { return false };
    match rest.first_chunk() {
        Some(window) if end - start <= 64 && starts_with_ascii(window, end - start) => true,
        _ => rest.get(..end - start).is_some_and(|text| is_ascii(text) || is_utf8(text)),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::items;
    use crate::proto::collector::logs::v1::ExportLogsServiceRequest;
    use crate::proto::common::v1::{AnyValue, KeyValue, any_value::Value};
    use crate::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
    use crate::tables::EXPORT_LOGS_SERVICE_REQUEST;

    /// A request with one record that has this attribute, and an unknown field.
    fn request(key: &str, value: Value, unknown: &[u8]) -> Vec<u8> {
        let value = Some(AnyValue { value: Some(value) });
        let attributes = vec![KeyValue { key: key.to_owned(), value, key_strindex: 0 }];
        let log_records = vec![LogRecord { attributes, flags: 0x1ff, ..LogRecord::default() }];
        let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
        let resource_logs = vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }];
        let mut bytes = ExportLogsServiceRequest { resource_logs }.encode_to_vec();
        bytes.extend(unknown);
        bytes
    }

    #[test]
    fn usual_requests_need_no_second_walk() {
        let long = "long ".repeat(1000);
        for text in ["", "short", "größer", &long[..100], &long[..130], &long[..300], &long] {
            for unknown in
                [&b""[..], b"\x78\x80\x01", b"\x7912345678", b"\x7d1234", b"\x7a\x01x", &[0x7a; 124]]
            {
                for value in [Value::StringValue(text.to_owned()), Value::IntValue(-1), Value::IntValue(300)]
                {
                    assert_eq!(
                        items(&EXPORT_LOGS_SERVICE_REQUEST, &request(text, value, unknown)),
                        Some(1),
                        "{text:.20}"
                    );
                }
            }
        }
    }
}
