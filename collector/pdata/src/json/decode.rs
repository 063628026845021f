//! JSON to protobuf.

use std::str::{FromStr, from_utf8};

use super::error::{Fault, Problem, fault};
use super::lexer::Lexer;
use super::number::{Integer, Scalar, describe, integer};
use super::slot::{Slot, Slots};
use super::{JsonError, MAX_DEPTH, MAX_NUMBER_LENGTH, base64};
use crate::table::{Cardinality, Enum, Field, Kind, Message};
use crate::wire::{LENGTH, put_len, put_tag, put_varint, varint_len, wire_type};

/// Reads JSON as a message and returns the message in protobuf.
///
/// `null` at the top is an empty message. The result has at most [`super::MAX_EXPANSION`] bytes for
/// each byte of JSON, nests at most [`MAX_DEPTH`] levels, and is valid: text is UTF-8, and ids have
/// their length.
///
/// # Errors
/// The first thing that is wrong, with the path of the field and its offset.
pub fn decode(message: &'static Message, json: &[u8]) -> Result<Vec<u8>, JsonError> {
    let mut decoder = Decoder {
        lexer: Lexer::new(json)?,
        // What protobuf needs for the same is a third to a half.
        out: Vec::with_capacity(json.len() / 2),
        scratch: Vec::new(),
        slots: Slots::new(),
    };
    if !decoder.lexer.null()? {
        decoder.message(message, 0)?;
    }
    decoder.lexer.finish()?;
    let mut out = decoder.out;
    if out.capacity() / 2 > out.len() {
        out.shrink_to_fit();
    }
    Ok(out)
}

struct Decoder<'a> {
    lexer: Lexer<'a>,
    out: Vec<u8>,
    /// Text with escapes, unescaped.
    scratch: Vec<u8>,
    slots: Slots,
}

impl Decoder<'_> {
    /// Reads an object as the content of a message.
    fn message(&mut self, message: &'static Message, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(fault(self.lexer.offset(), Problem::Depth(MAX_DEPTH)));
        }
        self.lexer.expect(b'{', "an object")?;
        if self.lexer.peek() == b'}' {
            self.lexer.bump();
            return Ok(());
        }
        // Writers keep the order of the declaration: the next name is the one after the last.
        let mut next = 0;
        let mut seen = 0u64;
        loop {
            let found = self.name(message, next)?;
            self.lexer.expect(b':', "':'")?;
            if let Some(index) = found {
                let field = &message.fields[index];
                let bit = 1u64.checked_shl(index.try_into().unwrap_or(u32::MAX)).unwrap_or(0);
                // A field that may have been written before: its zero must overrule that.
                let again = bit == 0 || seen & bit != 0;
                seen |= bit;
                next = index + 1;
                self.field(field, again, depth).map_err(|fault| fault.in_field(field.json_name))?;
            } else {
                self.lexer.skip(&mut self.scratch)?;
            }
            if !self.lexer.another(b'}', "',' or '}'")? {
                return Ok(());
            }
        }
    }

    /// Reads a name and looks its field up, first at the position where it is likely to be.
    #[inline]
    fn name(&mut self, message: &'static Message, likely: usize) -> Result<Option<usize>, Fault> {
        if self.lexer.peek() == b'"'
            && let Some(field) = message.fields.get(likely)
            && self.lexer.is_name(field.json_name)
        {
            return Ok(Some(likely));
        }
        let name = self.lexer.string(&mut self.scratch, "a name")?;
        let by_json_name = message.fields.iter().position(|field| field.json_name.as_bytes() == name);
        Ok(by_json_name.or_else(|| message.fields.iter().position(|field| field.name.as_bytes() == name)))
    }

    fn field(&mut self, field: &'static Field, again: bool, depth: usize) -> Result<(), Fault> {
        if self.lexer.null()? {
            return Ok(());
        }
        match field.cardinality {
            Cardinality::Singular => self.value(field, again, depth),
            Cardinality::Optional | Cardinality::Oneof(_) => self.value(field, true, depth),
            Cardinality::Repeated => self.list(field, depth),
        }
    }

    /// Reads one value and writes it with its tag; a zero only when `keep_zero`.
    fn value(&mut self, field: &'static Field, keep_zero: bool, depth: usize) -> Result<(), Fault> {
        match field.kind {
            Kind::Message(message) => {
                put_tag(&mut self.out, field.number, LENGTH);
                self.nested(message, depth + 1)
            }
            Kind::String => {
                let text = self.lexer.string(&mut self.scratch, "a string")?;
                if keep_zero || !text.is_empty() {
                    put_tag(&mut self.out, field.number, LENGTH);
                    put_len(&mut self.out, text.len());
                    self.out.extend_from_slice(text);
                }
                Ok(())
            }
            Kind::Bytes => self.base64(field.number, keep_zero),
            Kind::Id(len) => self.id(field.number, usize::from(len), keep_zero),
            kind => {
                let scalar = self.scalar(kind)?;
                if keep_zero || !scalar.is_zero() {
                    put_tag(&mut self.out, field.number, wire_type(kind));
                    self.put(scalar);
                }
                Ok(())
            }
        }
    }

    fn nested(&mut self, message: &'static Message, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(fault(self.lexer.offset(), Problem::Depth(MAX_DEPTH)));
        }
        let slot = self.slots.open(&mut self.out, depth);
        self.message(message, depth)?;
        self.slots.close(&mut self.out, slot, depth);
        Ok(())
    }

    fn list(&mut self, field: &'static Field, depth: usize) -> Result<(), Fault> {
        self.lexer.expect(b'[', "a list")?;
        if self.lexer.peek() == b']' {
            self.lexer.bump();
            return Ok(());
        }
        let packed = match field.kind {
            Kind::Message(_) | Kind::String | Kind::Bytes | Kind::Id(_) => None,
            kind => {
                put_tag(&mut self.out, field.number, LENGTH);
                Some((Slot::reserve(&mut self.out, 1), kind))
            }
        };
        let mut index = 0;
        loop {
            let element = match packed {
                Some((_, kind)) => self.scalar(kind).map(|scalar| self.put(scalar)),
                None => self.element(field, depth),
            };
            element.map_err(|fault| fault.in_element(index))?;
            index += 1;
            if !self.lexer.another(b']', "',' or ']'")? {
                break;
            }
        }
        if let Some((slot, _)) = packed {
            slot.fill(&mut self.out);
        }
        Ok(())
    }

    /// An element that is not a number. `null` is an empty one of messages and text, as in Go.
    fn element(&mut self, field: &'static Field, depth: usize) -> Result<(), Fault> {
        if matches!(field.kind, Kind::Message(_) | Kind::String) && self.lexer.null()? {
            put_tag(&mut self.out, field.number, LENGTH);
            put_len(&mut self.out, 0);
            return Ok(());
        }
        self.value(field, true, depth)
    }

    fn base64(&mut self, number: u32, keep_zero: bool) -> Result<(), Fault> {
        self.lexer.peek();
        let offset = self.lexer.offset();
        let text = self.lexer.string(&mut self.scratch, "base64 in a string")?;
        if text.is_empty() && !keep_zero {
            return Ok(());
        }
        put_tag(&mut self.out, number, LENGTH);
        let slot = Slot::reserve(&mut self.out, varint_len(text.len() as u64 / 4 * 3));
        base64::decode(text, &mut self.out).ok_or_else(|| fault(offset, Problem::Base64))?;
        slot.fill(&mut self.out);
        Ok(())
    }

    fn id(&mut self, number: u32, len: usize, keep_zero: bool) -> Result<(), Fault> {
        self.lexer.peek();
        let offset = self.lexer.offset();
        let text = self.lexer.string(&mut self.scratch, "hexadecimal digits in a string")?;
        if text.is_empty() {
            if keep_zero {
                put_tag(&mut self.out, number, LENGTH);
                put_len(&mut self.out, 0);
            }
            return Ok(());
        }
        if text.len() != 2 * len {
            return Err(fault(offset, Problem::IdLength { expected: 2 * len, found: characters(text) }));
        }
        put_tag(&mut self.out, number, LENGTH);
        put_len(&mut self.out, len);
        let (pairs, _) = text.as_chunks::<2>();
        let mut invalid = 0;
        self.out.extend(pairs.iter().map(|&[high, low]| {
            let (high, low) = (NIBBLE[usize::from(high)], NIBBLE[usize::from(low)]);
            invalid |= high | low;
            (high << 4) | (low & 0x0f)
        }));
        if invalid & 0xf0 != 0 { Err(fault(offset, Problem::IdDigits)) } else { Ok(()) }
    }

    #[inline]
    fn put(&mut self, scalar: Scalar) {
        match scalar {
            Scalar::Varint(value) => put_varint(&mut self.out, value),
            Scalar::Fixed64(value) => self.out.extend_from_slice(&value.to_le_bytes()),
            Scalar::Fixed32(value) => self.out.extend_from_slice(&value.to_le_bytes()),
        }
    }

    /// Reads a number, an enum or a bool.
    fn scalar(&mut self, kind: Kind) -> Result<Scalar, Fault> {
        match kind {
            Kind::Bool => self.lexer.bool().map(|value| Scalar::Varint(u64::from(value))),
            Kind::Double => self.float(kind, f64::is_infinite).map(|value| Scalar::Fixed64(value.to_bits())),
            Kind::Float => self.float(kind, f32::is_infinite).map(|value| Scalar::Fixed32(value.to_bits())),
            Kind::Enum(values) if self.lexer.peek() == b'"' => self.enum_name(values),
            _ => self.integer(kind),
        }
    }

    fn enum_name(&mut self, values: &'static Enum) -> Result<Scalar, Fault> {
        let offset = self.lexer.offset();
        let name = self.lexer.string(&mut self.scratch, "a name")?;
        match values.values.iter().find(|(known, _)| known.as_bytes() == name) {
            Some(&(_, number)) => Ok(Scalar::Varint(i64::from(number).cast_unsigned())),
            None => {
                let name = String::from_utf8_lossy(name).chars().take(64).collect();
                Err(fault(offset, Problem::EnumName { name, of: values.name }))
            }
        }
    }

    #[inline]
    fn integer(&mut self, kind: Kind) -> Result<Scalar, Fault> {
        let quoted = self.lexer.peek() == b'"';
        let offset = self.lexer.offset();
        if !quoted && let Some(magnitude) = self.lexer.plain_digits() {
            return Integer { negative: false, magnitude }.into_scalar(kind).map_err(|p| fault(offset, p));
        }
        if quoted && let Some(magnitude) = self.lexer.quoted_digits() {
            return Integer { negative: false, magnitude }.into_scalar(kind).map_err(|p| fault(offset, p));
        }
        let what = describe(kind);
        let text = if quoted { self.number_text(what)? } else { self.lexer.number(what)? };
        integer(text, what)
            .and_then(|value| value.into_scalar(kind))
            .map_err(|problem| fault(offset, problem))
    }

    fn float<F>(&mut self, kind: Kind, is_infinite: fn(F) -> bool) -> Result<F, Fault>
    where
        F: FromStr + Copy,
    {
        let what = describe(kind);
        let quoted = self.lexer.peek() == b'"';
        let offset = self.lexer.offset();
        let text = if quoted { self.number_text(what)? } else { self.lexer.number(what)? };
        let value = from_utf8(text).ok().and_then(|text| text.parse().ok());
        let value: F = value.ok_or_else(|| fault(offset, Problem::Expected(what)))?;
        // Infinity has a name; digits that amount to it are out of range.
        if is_infinite(value) && text.iter().any(u8::is_ascii_digit) {
            return Err(fault(offset, Problem::Range(what)));
        }
        Ok(value)
    }

    /// The text of a number in quotes.
    fn number_text(&mut self, what: &'static str) -> Result<&[u8], Fault> {
        let offset = self.lexer.offset();
        let text = self.lexer.string(&mut self.scratch, what)?;
        if text.len() > MAX_NUMBER_LENGTH {
            return Err(fault(offset, Problem::LongNumber));
        }
        Ok(text)
    }
}

/// The value of each hexadecimal digit; 0xff for anything else.
const NIBBLE: [u8; 256] = {
    let mut table = [0xff; 256];
    let mut value = 0u8;
    while value < 16 {
        table[b"0123456789abcdef"[value as usize] as usize] = value;
        table[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    table
};

fn characters(text: &[u8]) -> usize {
    String::from_utf8_lossy(text).chars().count()
}
