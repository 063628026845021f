//! Protobuf to JSON.

use super::MAX_DEPTH;
use super::wire::{Fields, LENGTH, Wire, fixed, varint, wire_type};
use super::write::{put_base64, put_f32, put_f64, put_hex, put_i64, put_string, put_u64};
use crate::table::{Cardinality, Field, Kind, Message};

/// Bytes that are not the protobuf message that they should be, or nest deeper than [`MAX_DEPTH`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a valid protobuf message")]
pub struct Malformed;

/// Writes a protobuf message as JSON, after what `out` holds already.
///
/// Fields come in the order of the wire, as long as those of one name stand together. Where they do
/// not, or where a field that can have one value has several, they come in the order of their
/// numbers and are gathered as protobuf says: lists are joined, messages merged, and of scalars and
/// members of a oneof the last one counts. Fields of an unexpected wire type count as unknown.
///
/// # Errors
/// Nothing that has passed the scanner fails. After an error `out` is as before.
pub fn encode(message: &'static Message, protobuf: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let before = out.len();
    put_message(message, protobuf, 0, out).inspect_err(|_| out.truncate(before))
}

fn put_message(
    message: &'static Message,
    bytes: &[u8],
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    if depth > MAX_DEPTH {
        return Err(Malformed);
    }
    out.push(b'{');
    if stands_together(message, bytes)? {
        in_wire_order(message, bytes, depth, out)?;
    } else {
        in_table_order(message, bytes, depth, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// The fields of a message that its table knows, each with its position in the table.
fn known<'a>(
    message: &'static Message,
    bytes: &'a [u8],
) -> impl Iterator<Item = Result<(usize, &'static Field, Wire<'a>), Malformed>> {
    Fields::new(bytes).filter_map(|field| match field {
        Ok((number, wire)) => {
            let index = position(message, number)?;
            let field = &message.fields[index];
            fits(field, wire).then_some(Ok((index, field, wire)))
        }
        Err(malformed) => Some(Err(malformed)),
    })
}

#[inline]
fn position(message: &Message, number: u32) -> Option<usize> {
    let direct = number.wrapping_sub(1) as usize;
    match message.fields.get(direct) {
        Some(field) if field.number == number => Some(direct),
        _ => message.fields.binary_search_by_key(&number, |field| field.number).ok(),
    }
}

fn fits(field: &Field, wire: Wire<'_>) -> bool {
    let expected = wire_type(field.kind);
    match wire {
        Wire::Length(_) => expected == LENGTH || field.cardinality == Cardinality::Repeated,
        Wire::Varint(_) => expected == super::wire::VARINT,
        Wire::Fixed64(_) => expected == super::wire::FIXED64,
        Wire::Fixed32(_) => expected == super::wire::FIXED32,
        Wire::Group => false,
    }
}

/// Whether the message can be written in one go: no field comes again after another one, and only
/// one of those that exclude one another is there.
fn stands_together(message: &'static Message, bytes: &[u8]) -> Result<bool, Malformed> {
    let mut seen = 0u64;
    let mut oneofs = 0u64;
    let mut last = usize::MAX;
    for field in known(message, bytes) {
        let (index, field, _) = field?;
        if index == last && field.cardinality == Cardinality::Repeated {
            continue;
        }
        let bit = |at: usize| 1u64.checked_shl(at.try_into().unwrap_or(u32::MAX)).unwrap_or(u64::MAX);
        let exclusive = match field.cardinality {
            Cardinality::Oneof(oneof) => bit(usize::from(oneof)),
            _ => 0,
        };
        if seen & bit(index) != 0 || oneofs & exclusive != 0 {
            return Ok(false);
        }
        seen |= bit(index);
        oneofs |= exclusive;
        last = index;
    }
    Ok(true)
}

fn in_wire_order(
    message: &'static Message,
    bytes: &[u8],
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    let mut object = Object::default();
    for field in known(message, bytes) {
        let (_, field, wire) = field?;
        object.put(field, wire, depth, out)?;
    }
    object.close_list(out);
    Ok(())
}

/// One walk over the message per field of the table.
fn in_table_order(
    message: &'static Message,
    bytes: &[u8],
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    let mut object = Object::default();
    for (wanted, field) in message.fields.iter().enumerate() {
        let occurrences = || {
            known(message, bytes).filter_map(move |found| match found {
                Ok((index, _, wire)) => (index == wanted).then_some(Ok(wire)),
                Err(malformed) => Some(Err(malformed)),
            })
        };
        match (field.cardinality, field.kind) {
            (Cardinality::Repeated, _) => {
                for wire in occurrences() {
                    object.put(field, wire?, depth, out)?;
                }
            }
            (Cardinality::Oneof(oneof), _) if last_of(message, bytes, oneof)? != Some(wanted) => {}
            (cardinality, Kind::Message(_)) => {
                if let Some(merged) = merged(message, bytes, wanted, cardinality)? {
                    object.put(field, Wire::Length(&merged), depth, out)?;
                }
            }
            _ => {
                if let Some(wire) = occurrences().last() {
                    object.put(field, wire?, depth, out)?;
                }
            }
        }
    }
    object.close_list(out);
    Ok(())
}

/// The member of a oneof that comes last.
fn last_of(message: &'static Message, bytes: &[u8], oneof: u8) -> Result<Option<usize>, Malformed> {
    let mut last = None;
    for field in known(message, bytes) {
        let (index, field, _) = field?;
        if field.cardinality == Cardinality::Oneof(oneof) {
            last = Some(index);
        }
    }
    Ok(last)
}

/// A message that occurs several times is the concatenation of its occurrences; one that is a member
/// of a oneof begins anew after another member.
fn merged(
    message: &'static Message,
    bytes: &[u8],
    wanted: usize,
    cardinality: Cardinality,
) -> Result<Option<Vec<u8>>, Malformed> {
    let mut merged: Option<Vec<u8>> = None;
    for field in known(message, bytes) {
        match field? {
            (index, _, Wire::Length(content)) if index == wanted => {
                merged.get_or_insert_default().extend_from_slice(content);
            }
            (_, other, _)
                if matches!(cardinality, Cardinality::Oneof(_)) && other.cardinality == cardinality =>
            {
                merged = None;
            }
            _ => {}
        }
    }
    Ok(merged)
}

/// An object that is being written.
#[derive(Default)]
struct Object {
    /// Whether something stands in the object already.
    begun: bool,
    /// Number of the repeated field whose list is open.
    list: Option<u32>,
}

impl Object {
    /// Writes an occurrence of a field. Zero is left out where it means the same as absence.
    fn put(
        &mut self,
        field: &'static Field,
        wire: Wire<'_>,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        match (field.cardinality, wire) {
            (Cardinality::Repeated, Wire::Length(packed)) if wire_type(field.kind) != LENGTH => {
                let mut rest = packed;
                while !rest.is_empty() {
                    let value = unpack(field.kind, &mut rest)?;
                    self.element(field, out);
                    put_value(field.kind, value, depth, out)?;
                }
                Ok(())
            }
            (Cardinality::Repeated, _) => {
                self.element(field, out);
                put_value(field.kind, wire, depth, out)
            }
            (Cardinality::Singular, _) if is_default(field.kind, wire) => Ok(()),
            _ => {
                self.name(field, out);
                put_value(field.kind, wire, depth, out)
            }
        }
    }

    fn element(&mut self, field: &Field, out: &mut Vec<u8>) {
        if self.list == Some(field.number) {
            out.push(b',');
        } else {
            self.name(field, out);
            out.push(b'[');
            self.list = Some(field.number);
        }
    }

    fn name(&mut self, field: &Field, out: &mut Vec<u8>) {
        self.close_list(out);
        if self.begun {
            out.push(b',');
        }
        self.begun = true;
        out.push(b'"');
        out.extend_from_slice(field.json_name.as_bytes());
        out.extend_from_slice(b"\":");
    }

    fn close_list(&mut self, out: &mut Vec<u8>) {
        if self.list.take().is_some() {
            out.push(b']');
        }
    }
}

fn unpack<'a>(kind: Kind, rest: &mut &'a [u8]) -> Result<Wire<'a>, Malformed> {
    Ok(match wire_type(kind) {
        super::wire::FIXED64 => Wire::Fixed64(u64::from_le_bytes(fixed(rest)?)),
        super::wire::FIXED32 => Wire::Fixed32(u32::from_le_bytes(fixed(rest)?)),
        _ => Wire::Varint(varint(rest)?),
    })
}

/// Whether the value is what absence stands for. A message that is there is not.
fn is_default(kind: Kind, wire: Wire<'_>) -> bool {
    match wire {
        // Types of 32 bits ignore the upper half.
        Wire::Varint(value) => match kind {
            Kind::Int32 | Kind::Uint32 | Kind::Sint32 | Kind::Enum(_) => low_half(value) == 0,
            _ => value == 0,
        },
        Wire::Fixed64(value) => value == 0,
        Wire::Fixed32(value) => value == 0,
        Wire::Length(content) => content.is_empty() && !matches!(kind, Kind::Message(_)),
        Wire::Group => true,
    }
}

fn put_value(kind: Kind, wire: Wire<'_>, depth: usize, out: &mut Vec<u8>) -> Result<(), Malformed> {
    match wire {
        Wire::Length(content) => match kind {
            Kind::Message(message) => return put_message(message, content, depth + 1, out),
            Kind::Bytes => put_base64(content, out),
            Kind::Id(_) => {
                out.push(b'"');
                put_hex(content, out);
                out.push(b'"');
            }
            _ => put_string(content, out),
        },
        Wire::Varint(value) => match kind {
            Kind::Bool => out.extend_from_slice(if value != 0 { b"true" } else { b"false" }),
            Kind::Uint32 => put_u64(u64::from(low_half(value)), out),
            Kind::Sint32 => put_i64(zigzag(u64::from(low_half(value))), out),
            Kind::Int64 => quoted(out, |out| put_i64(value.cast_signed(), out)),
            Kind::Sint64 => quoted(out, |out| put_i64(zigzag(value), out)),
            Kind::Uint64 => quoted(out, |out| put_u64(value, out)),
            _ => put_i64(i64::from(low_half(value).cast_signed()), out),
        },
        Wire::Fixed64(value) => match kind {
            Kind::Double => put_f64(f64::from_bits(value), out),
            Kind::Sfixed64 => quoted(out, |out| put_i64(value.cast_signed(), out)),
            _ => quoted(out, |out| put_u64(value, out)),
        },
        Wire::Fixed32(value) => match kind {
            Kind::Float => put_f32(f32::from_bits(value), out),
            Kind::Sfixed32 => put_i64(i64::from(value.cast_signed()), out),
            _ => put_u64(u64::from(value), out),
        },
        Wire::Group => return Err(Malformed),
    }
    Ok(())
}

fn quoted(out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    put(out);
    out.push(b'"');
}

#[expect(clippy::cast_possible_truncation, reason = "protobuf says that the upper half is ignored")]
fn low_half(value: u64) -> u32 {
    value as u32
}

fn zigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}
