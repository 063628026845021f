//! Protobuf to JSON.

use super::MAX_DEPTH;
use super::write::{put_base64, put_f32, put_f64, put_hex, put_i64, put_string, put_u64};
use crate::table::{Cardinality, Field, Kind, Message};
use crate::wire::{FIXED32, FIXED64, Fields, LENGTH, Malformed, VARINT, Wire, fixed, varint, wire_type};

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
    let mut encoder = Encoder { out, attempts: MAX_FAILED_ATTEMPTS };
    encoder.message(message, protobuf, 0).inspect_err(|_| out.truncate(before))
}

/// Messages of one document that may turn out to be scattered while they are written, not counting
/// those that are under way. What was written of such a message is thrown away, so after that many a
/// message is looked through before it is written.
const MAX_FAILED_ATTEMPTS: u32 = 16;

struct Encoder<'o> {
    out: &'o mut Vec<u8>,
    /// How many more failed attempts are allowed.
    attempts: u32,
}

/// The fields of a message that its table knows, each with its position in the table.
struct Known<'a> {
    message: &'static Message,
    fields: Fields<'a>,
}

impl<'a> Known<'a> {
    fn new(message: &'static Message, bytes: &'a [u8]) -> Self {
        Self { message, fields: Fields::new(bytes) }
    }

    #[inline]
    fn next(&mut self) -> Result<Option<(usize, &'static Field, Wire<'a>)>, Malformed> {
        while let Some((number, wire)) = self.fields.next()? {
            if let Some(index) = position(self.message, number) {
                let field = &self.message.fields[index];
                if fits(field, wire) {
                    return Ok(Some((index, field, wire)));
                }
            }
        }
        Ok(None)
    }
}

#[inline]
fn position(message: &Message, number: u32) -> Option<usize> {
    let direct = number.wrapping_sub(1) as usize;
    match message.fields.get(direct) {
        Some(field) if field.number == number => Some(direct),
        _ => message.fields.binary_search_by_key(&number, |field| field.number).ok(),
    }
}

#[inline]
fn fits(field: &Field, wire: Wire<'_>) -> bool {
    let expected = wire_type(field.kind);
    match wire {
        Wire::Length(_) => expected == LENGTH || field.cardinality == Cardinality::Repeated,
        Wire::Varint(_) => expected == VARINT,
        Wire::Fixed64(_) => expected == FIXED64,
        Wire::Fixed32(_) => expected == FIXED32,
        Wire::Group => false,
    }
}

/// Which fields have been met, to tell whether a message can be written in the order of the wire:
/// no field comes again after another one, and of those that exclude one another there is only one.
struct Order {
    seen: u64,
    oneofs: u64,
    last: usize,
}

impl Order {
    fn new() -> Self {
        Self { seen: 0, oneofs: 0, last: usize::MAX }
    }

    #[inline]
    fn allows(&mut self, index: usize, field: &Field) -> bool {
        if index == self.last && field.cardinality == Cardinality::Repeated {
            return true;
        }
        let bit = |at: usize| if at < 64 { 1u64 << at } else { u64::MAX };
        let exclusive = match field.cardinality {
            Cardinality::Oneof(oneof) => bit(usize::from(oneof)),
            _ => 0,
        };
        let allowed = self.seen & bit(index) == 0 && self.oneofs & exclusive == 0;
        self.seen |= bit(index);
        self.oneofs |= exclusive;
        self.last = index;
        allowed
    }
}

fn stands_together(message: &'static Message, bytes: &[u8]) -> Result<bool, Malformed> {
    let mut order = Order::new();
    let mut fields = Known::new(message, bytes);
    while let Some((index, field, _)) = fields.next()? {
        if !order.allows(index, field) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Encoder<'_> {
    fn message(&mut self, message: &'static Message, bytes: &[u8], depth: usize) -> Result<(), Malformed> {
        if depth > MAX_DEPTH {
            return Err(Malformed);
        }
        let before = self.out.len();
        let attempt = self.attempts > 0 || stands_together(message, bytes)?;
        if !attempt || !self.in_wire_order(message, bytes, depth)? {
            if attempt {
                self.attempts = self.attempts.saturating_sub(1);
                self.out.truncate(before);
            }
            self.in_table_order(message, bytes, depth)?;
        }
        Ok(())
    }

    /// False when the message turns out to be scattered; a part of it has been written then.
    fn in_wire_order(
        &mut self,
        message: &'static Message,
        bytes: &[u8],
        depth: usize,
    ) -> Result<bool, Malformed> {
        let mut object = Object::begin(self.out);
        let mut order = Order::new();
        let mut fields = Known::new(message, bytes);
        while let Some((index, field, wire)) = fields.next()? {
            if !order.allows(index, field) {
                return Ok(false);
            }
            object.put(field, wire, depth, self)?;
        }
        object.end(self.out);
        Ok(true)
    }

    /// One walk over the message per field of the table.
    fn in_table_order(
        &mut self,
        message: &'static Message,
        bytes: &[u8],
        depth: usize,
    ) -> Result<(), Malformed> {
        let mut object = Object::begin(self.out);
        for (wanted, field) in message.fields.iter().enumerate() {
            match (field.cardinality, field.kind) {
                (Cardinality::Repeated, _) => {
                    let mut fields = Known::new(message, bytes);
                    while let Some((index, _, wire)) = fields.next()? {
                        if index == wanted {
                            object.put(field, wire, depth, self)?;
                        }
                    }
                }
                (Cardinality::Oneof(oneof), _) if last_of(message, bytes, oneof)? != Some(wanted) => {}
                (cardinality, Kind::Message(_)) => {
                    if let Some(merged) = merged(message, bytes, wanted, cardinality)? {
                        object.put(field, Wire::Length(&merged), depth, self)?;
                    }
                }
                _ => {
                    if let Some(wire) = last(message, bytes, wanted)? {
                        object.put(field, wire, depth, self)?;
                    }
                }
            }
        }
        object.end(self.out);
        Ok(())
    }
}

/// The last value of a field.
fn last<'a>(
    message: &'static Message,
    bytes: &'a [u8],
    wanted: usize,
) -> Result<Option<Wire<'a>>, Malformed> {
    let mut last = None;
    let mut fields = Known::new(message, bytes);
    while let Some((index, _, wire)) = fields.next()? {
        if index == wanted {
            last = Some(wire);
        }
    }
    Ok(last)
}

/// The member of a oneof that comes last.
fn last_of(message: &'static Message, bytes: &[u8], oneof: u8) -> Result<Option<usize>, Malformed> {
    let mut last = None;
    let mut fields = Known::new(message, bytes);
    while let Some((index, field, _)) = fields.next()? {
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
    let mut fields = Known::new(message, bytes);
    while let Some(field) = fields.next()? {
        match field {
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
struct Object {
    /// Whether something stands in the object already.
    begun: bool,
    /// Number of the repeated field whose list is open.
    list: Option<u32>,
}

impl Object {
    fn begin(out: &mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { begun: false, list: None }
    }

    fn end(mut self, out: &mut Vec<u8>) {
        self.close_list(out);
        out.push(b'}');
    }

    /// Writes an occurrence of a field. Zero is left out where it means the same as absence.
    #[inline]
    fn put(
        &mut self,
        field: &'static Field,
        wire: Wire<'_>,
        depth: usize,
        encoder: &mut Encoder<'_>,
    ) -> Result<(), Malformed> {
        match (field.cardinality, wire) {
            (Cardinality::Repeated, Wire::Length(packed)) if wire_type(field.kind) != LENGTH => {
                let mut rest = packed;
                while !rest.is_empty() {
                    let value = unpack(field.kind, &mut rest)?;
                    self.element(field, encoder.out);
                    put_scalar(field.kind, value, encoder.out);
                }
                return Ok(());
            }
            (Cardinality::Repeated, _) => self.element(field, encoder.out),
            (Cardinality::Singular, _) if is_default(field.kind, wire) => return Ok(()),
            _ => self.name(field, encoder.out),
        }
        match (field.kind, wire) {
            (Kind::Message(message), Wire::Length(content)) => encoder.message(message, content, depth + 1),
            (kind, Wire::Length(content)) => {
                put_text(kind, content, encoder.out);
                Ok(())
            }
            (kind, scalar) => {
                put_scalar(kind, scalar, encoder.out);
                Ok(())
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
        out.extend_from_slice(if self.begun { b",\"" } else { b"\"" });
        self.begun = true;
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
        FIXED64 => Wire::Fixed64(u64::from_le_bytes(fixed(rest)?)),
        FIXED32 => Wire::Fixed32(u32::from_le_bytes(fixed(rest)?)),
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

fn put_text(kind: Kind, content: &[u8], out: &mut Vec<u8>) {
    match kind {
        Kind::Bytes => put_base64(content, out),
        Kind::Id(_) => quoted(out, |out| put_hex(content, out)),
        _ => put_string(content, out),
    }
}

fn put_scalar(kind: Kind, wire: Wire<'_>, out: &mut Vec<u8>) {
    match wire {
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
        // Neither is a scalar: `fits` lets none of them through.
        Wire::Length(_) | Wire::Group => {}
    }
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
