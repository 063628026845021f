//! The protobuf wire format: tags, varints, and a walk over the fields of one message.

use std::io::Write;

use crate::RECURSION_LIMIT;
use crate::table::Kind;

pub(crate) const VARINT: u8 = 0;
pub(crate) const FIXED64: u8 = 1;
pub(crate) const LENGTH: u8 = 2;
pub(crate) const GROUP: u8 = 3;
pub(crate) const GROUP_END: u8 = 4;
pub(crate) const FIXED32: u8 = 5;

/// Bytes that are not the protobuf message that they should be, or nest deeper than [`RECURSION_LIMIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a valid protobuf message")]
pub struct Malformed;

/// The wire type of one value of a kind.
pub(crate) fn wire_type(kind: Kind) -> u8 {
    match kind {
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => FIXED64,
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => FIXED32,
        Kind::String | Kind::Bytes | Kind::Id(_) | Kind::Message(_) => LENGTH,
        Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Bool
        | Kind::Enum(_) => VARINT,
    }
}

/// Bytes that a varint takes, 1 to 10.
pub(crate) fn varint_len(value: u64) -> u8 {
    let bits = 64 - (value | 1).leading_zeros();
    bits.div_ceil(7).to_le_bytes()[0]
}

/// Writes a varint. `out` takes ten bytes or as many as the value needs.
pub(crate) fn put_varint(out: &mut impl Write, mut value: u64) {
    let mut bytes = [0; 10];
    let mut len = 0;
    while value >= 0x80 {
        bytes[len] = value.to_le_bytes()[0] | 0x80;
        value >>= 7;
        len += 1;
    }
    bytes[len] = value.to_le_bytes()[0];
    out.write_all(&bytes[..=len]).expect("a Vec grows, and a slot has the width of its varint");
}

/// Writes the tag of a field.
#[inline]
pub(crate) fn put_tag(out: &mut Vec<u8>, number: u32, wire_type: u8) {
    let tag = u64::from(number) << 3 | u64::from(wire_type);
    if tag < 0x80 { out.push(tag.to_le_bytes()[0]) } else { put_varint(out, tag) }
}

/// Writes a length.
#[inline]
pub(crate) fn put_len(out: &mut Vec<u8>, len: usize) {
    if len < 0x80 { out.push(len.to_le_bytes()[0]) } else { put_varint(out, len as u64) }
}

/// A value on the wire.
#[derive(Clone, Copy)]
pub(crate) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Length(&'a [u8]),
    /// An unknown group, which has been skipped.
    Group,
}

/// The fields of one message, in the order of the wire.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// Bytes behind the fields that were read.
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next field and its number; nothing at the end.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Wire<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (number, wire_type) = self.tag()?;
        Ok(Some((number, self.value(number, wire_type, 0)?)))
    }

    #[inline]
    fn tag(&mut self) -> Result<(u32, u8), Malformed> {
        let tag = u32::try_from(varint(&mut self.rest)?).map_err(|_| Malformed)?;
        if tag >> 3 == 0 {
            return Err(Malformed);
        }
        Ok((tag >> 3, (tag & 7).to_le_bytes()[0]))
    }

    #[inline]
    fn value(&mut self, number: u32, wire_type: u8, depth: u32) -> Result<Wire<'a>, Malformed> {
        Ok(match wire_type {
            VARINT => Wire::Varint(varint(&mut self.rest)?),
            FIXED64 => Wire::Fixed64(u64::from_le_bytes(fixed(&mut self.rest)?)),
            FIXED32 => Wire::Fixed32(u32::from_le_bytes(fixed(&mut self.rest)?)),
            LENGTH => {
                let len = usize::try_from(varint(&mut self.rest)?).map_err(|_| Malformed)?;
                let (content, rest) = self.rest.split_at_checked(len).ok_or(Malformed)?;
                self.rest = rest;
                Wire::Length(content)
            }
            GROUP => {
                self.skip_group(number, depth)?;
                Wire::Group
            }
            _ => return Err(Malformed),
        })
    }

    fn skip_group(&mut self, number: u32, depth: u32) -> Result<(), Malformed> {
        if depth >= RECURSION_LIMIT {
            return Err(Malformed);
        }
        loop {
            let (inner, wire_type) = self.tag()?;
            if wire_type == GROUP_END {
                return if inner == number { Ok(()) } else { Err(Malformed) };
            }
            self.value(inner, wire_type, depth + 1)?;
        }
    }
}

/// Takes a varint off the front.
#[inline]
pub(crate) fn varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    match rest.split_first() {
        Some((&byte, after)) if byte < 0x80 => {
            *rest = after;
            Ok(u64::from(byte))
        }
        _ => long_varint(rest),
    }
}

fn long_varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0;
    for (at, &byte) in rest.iter().take(10).enumerate() {
        // The tenth byte has room for one bit.
        if at == 9 && byte > 1 {
            return Err(Malformed);
        }
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            *rest = &rest[at + 1..];
            return Ok(value);
        }
    }
    Err(Malformed)
}

/// Takes `N` bytes off the front.
#[inline]
pub(crate) fn fixed<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (&bytes, after) = rest.split_first_chunk().ok_or(Malformed)?;
    *rest = after;
    Ok(bytes)
}
