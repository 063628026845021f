//! The path of a field, found only when a request is refused.

use std::fmt::Write as _;

use crate::dispatch::wire;
use crate::table::{Cardinality, Kind, Message};

/// Path of the innermost field that begins at or covers `offset`: `resource_spans[2].scope_spans[0]`.
pub(super) fn path(table: &'static Message, bytes: &[u8], offset: usize) -> String {
    let mut path = String::new();
    let mut message = table;
    let (mut at, mut end) = (0, bytes.len());
    // How often each field came so far in this message.
    let mut seen = vec![0_usize; message.fields.len()];
    while at < end {
        let Some(field) = Span::read(&bytes[..end], at) else { break };
        let index = message.fields.iter().position(|known| known.number == field.number);
        if offset >= field.end && field.end > at {
            if let Some(index) = index {
                seen[index] += 1;
            }
            at = field.end;
            continue;
        }
        if !path.is_empty() {
            path.push('.');
        }
        let Some(index) = index else {
            push(&mut path, format_args!("{}", field.number));
            break;
        };
        let known = &message.fields[index];
        path.push_str(known.name);
        if known.cardinality == Cardinality::Repeated {
            push(&mut path, format_args!("[{}]", seen[index]));
        }
        match known.kind {
            Kind::Message(nested) if field.wire_type == wire::LEN && offset >= field.start => {
                message = nested;
                (at, end) = (field.start, field.end);
                seen = vec![0; message.fields.len()];
            }
            _ => break,
        }
    }
    if path.is_empty() { table.name.to_owned() } else { path }
}

fn push(path: &mut String, arguments: std::fmt::Arguments<'_>) {
    path.write_fmt(arguments).expect("writing to a string does not fail");
}

/// A field on the wire; a damaged one ends where its message ends.
struct Span {
    number: u32,
    wire_type: u32,
    /// Where the value begins; for a length-delimited field, behind the length.
    start: usize,
    end: usize,
}

impl Span {
    fn read(bytes: &[u8], at: usize) -> Option<Self> {
        let (key, value) = varint(bytes, at)?;
        let number = u32::try_from(key >> 3).ok()?;
        let wire_type = (key & 7) as u32;
        let (start, end) = match wire_type {
            wire::VARINT => (value, varint(bytes, value).map(|(_, end)| end)),
            wire::FIXED64 => (value, Some(value + 8)),
            wire::FIXED32 => (value, Some(value + 4)),
            wire::LEN => match varint(bytes, value) {
                Some((len, start)) => (start, start.checked_add(usize::try_from(len).unwrap_or(usize::MAX))),
                None => (value, None),
            },
            wire::START_GROUP => (value, Self::group_end(bytes, value)),
            _ => (value, None),
        };
        Some(Self { number, wire_type, start, end: end.unwrap_or(bytes.len()).min(bytes.len()) })
    }

    /// Where a group ends that begins before `at`. Groups are counted, not matched: the scanner has done that
    /// for those before the damage.
    fn group_end(bytes: &[u8], mut at: usize) -> Option<usize> {
        let mut open = 1_u32;
        while at < bytes.len() {
            let (key, value) = varint(bytes, at)?;
            at = match (key & 7) as u32 {
                wire::VARINT => varint(bytes, value)?.1,
                wire::FIXED64 => value + 8,
                wire::FIXED32 => value + 4,
                wire::LEN => {
                    let (len, start) = varint(bytes, value)?;
                    start.checked_add(usize::try_from(len).ok()?)?
                }
                wire::START_GROUP => {
                    open += 1;
                    value
                }
                wire::END_GROUP => {
                    open -= 1;
                    value
                }
                _ => return None,
            };
            if open == 0 {
                return Some(at);
            }
        }
        None
    }
}

fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.get(at..)?.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Some((value, at + index + 1));
        }
    }
    None
}
