//! Validates an encoded request and counts its items, without decoding it.
//!
//! The scanner accepts exactly what prost decodes, except that it also refuses ids whose length is wrong,
//! as the Go collector does. Two walks over the wire tables do it: a fast one, which can only accept, and,
//! for what that one does not accept, a precise one, which knows what is wrong and repairs strings. Nothing
//! allocates unless the request is refused.

mod error;
mod fast;
mod key_value;
mod locate;
mod text;
mod varint;

pub use error::{ScanError, ScanErrorKind};

use crate::Signal;
use crate::dispatch::{Op, wire};
use crate::table::Message;

/// How deep messages and groups may nest; prost's bound. Deeper requests are refused.
pub const RECURSION_LIMIT: u32 = 100;

/// What to do with a `string` that is not UTF-8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Utf8Policy {
    /// Each invalid byte becomes `?`; no length changes.
    #[default]
    Repair,
    /// The request is refused.
    Refuse,
    /// Strings are not looked at.
    Pass,
}

/// What a scan found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Number of items: what a full decode would hold.
    pub items: usize,
    /// Number of strings that were not UTF-8 and were repaired. Always 0 unless the policy is to repair.
    pub repaired: usize,
}

/// Validates a request of this signal and counts its items. With [`Utf8Policy::Repair`] it changes invalid
/// bytes of strings in place, even when the request turns out to be refused later on.
pub fn scan(signal: Signal, request: &mut [u8], utf8: Utf8Policy) -> Result<Scan, ScanError> {
    scan_message(signal.request, request, utf8)
}

/// [`scan`] for any message: a response, or one part of a request.
pub(crate) fn scan_message(
    table: &'static Message,
    bytes: &mut [u8],
    utf8: Utf8Policy,
) -> Result<Scan, ScanError> {
    if let Some(items) = fast::items(table, bytes) {
        return Ok(Scan { items, repaired: 0 });
    }
    let mut scanner = Scanner { utf8, found: Scan::default(), fault: None };
    let end = bytes.len();
    match scanner.message(bytes, table, 0, end, RECURSION_LIMIT) {
        Ok(()) => Ok(scanner.found),
        Err(Stop) => {
            let (offset, kind) = scanner.fault.expect("a scanner that stops says why");
            Err(ScanError { path: locate::path(table, bytes, offset), offset, kind })
        }
    }
}

/// The scan cannot go on; the reason is kept aside, so that results stay in registers.
#[derive(Debug)]
struct Stop;

struct Scanner {
    utf8: Utf8Policy,
    found: Scan,
    fault: Option<(usize, ScanErrorKind)>,
}

impl Scanner {
    /// Checks `bytes[at..end]` as the fields of one message. `depth` is how many levels may follow.
    fn message(
        &mut self,
        bytes: &mut [u8],
        table: &'static Message,
        mut at: usize,
        end: usize,
        depth: u32,
    ) -> Result<(), Stop> {
        // The member of the oneof with items that was seen last, and the items in it.
        let mut member = 0;
        let mut member_items = 0;
        while at < end {
            let field_at = at;
            let (key, next) = self.key(bytes, at, end)?;
            at = next;
            match table.step(key).op {
                Op::String => {
                    let (start, stop) = self.delimited(bytes, at, end)?;
                    self.string(bytes, field_at, start, stop)?;
                    at = stop;
                }
                Op::Message | Op::KeyValue => {
                    let (start, stop) = self.delimited(bytes, at, end)?;
                    self.nested(bytes, table, key, start, stop, depth)?;
                    at = stop;
                }
                Op::OneofMessage => {
                    let (start, stop) = self.delimited(bytes, at, end)?;
                    let before = self.found.items;
                    self.nested(bytes, table, key, start, stop, depth)?;
                    let added = self.found.items - before;
                    if member == key {
                        member_items += added;
                    } else {
                        self.found.items -= member_items;
                        (member, member_items) = (key, added);
                    }
                    at = stop;
                }
                Op::Varint => at = self.varint(bytes, at, end)?.1,
                Op::Fixed64 => at = self.advance(at, 8, end)?,
                Op::Fixed32 => at = self.advance(at, 4, end)?,
                Op::Bytes => at = self.delimited(bytes, at, end)?.1,
                Op::Id8 => at = self.id(bytes, at, end, 8, field_at)?,
                Op::Id16 => at = self.id(bytes, at, end, 16, field_at)?,
                Op::PackedVarint => {
                    let (start, stop) = self.delimited(bytes, at, end)?;
                    self.packed_varints(bytes, start, stop)?;
                    at = stop;
                }
                Op::PackedFixed64 => at = self.packed(bytes, at, end, 8, field_at)?,
                Op::PackedFixed32 => at = self.packed(bytes, at, end, 4, field_at)?,
                Op::Unknown => at = self.unknown(bytes, key, at, end, depth, field_at)?,
                Op::WrongWireType => {
                    return Err(self.stop(field_at, ScanErrorKind::WireType { found: key & 7 }));
                }
            }
        }
        Ok(())
    }

    /// Checks the message `bytes[start..end]` in a field with this key.
    fn nested(
        &mut self,
        bytes: &mut [u8],
        table: &'static Message,
        key: u32,
        start: usize,
        end: usize,
        depth: u32,
    ) -> Result<(), Stop> {
        if depth == 0 {
            // At the length, so that the path ends with this field.
            return Err(self.stop(start - 1, ScanErrorKind::RecursionLimit));
        }
        let nested = table.nested(key >> 3).expect("a field whose op is a message has a table");
        self.found.items += usize::from(nested.is_item);
        self.message(bytes, nested, start, end, depth - 1)
    }

    fn id(
        &mut self,
        bytes: &[u8],
        at: usize,
        end: usize,
        expected: usize,
        field_at: usize,
    ) -> Result<usize, Stop> {
        let (start, stop) = self.delimited(bytes, at, end)?;
        let len = stop - start;
        if len != expected && len != 0 {
            return Err(self.stop(field_at, ScanErrorKind::IdLength { expected, found: len }));
        }
        Ok(stop)
    }

    fn packed(
        &mut self,
        bytes: &[u8],
        at: usize,
        end: usize,
        width: usize,
        field_at: usize,
    ) -> Result<usize, Stop> {
        let (start, stop) = self.delimited(bytes, at, end)?;
        if (stop - start) % width != 0 {
            return Err(self.stop(field_at, ScanErrorKind::Truncated));
        }
        Ok(stop)
    }

    /// Skips the value of a field that the table does not know. A group ends with its own number.
    fn unknown(
        &mut self,
        bytes: &[u8],
        key: u32,
        mut at: usize,
        end: usize,
        depth: u32,
        field_at: usize,
    ) -> Result<usize, Stop> {
        if depth == 0 {
            return Err(self.stop(field_at, ScanErrorKind::RecursionLimit));
        }
        match key & 7 {
            wire::VARINT => Ok(self.varint(bytes, at, end)?.1),
            wire::FIXED64 => self.advance(at, 8, end),
            wire::LEN => Ok(self.delimited(bytes, at, end)?.1),
            wire::START_GROUP => loop {
                if at == end {
                    return Err(self.truncated(at, end));
                }
                let inner_at = at;
                let (inner, next) = self.key(bytes, at, end)?;
                if inner & 7 != wire::END_GROUP {
                    at = self.unknown(bytes, inner, next, end, depth - 1, inner_at)?;
                } else if inner >> 3 == key >> 3 {
                    return Ok(next);
                } else {
                    return Err(self.stop(inner_at, ScanErrorKind::EndGroup));
                }
            },
            wire::END_GROUP => Err(self.stop(field_at, ScanErrorKind::EndGroup)),
            wire::FIXED32 => self.advance(at, 4, end),
            found => Err(self.stop(field_at, ScanErrorKind::WireType { found })),
        }
    }

    #[cold]
    fn stop(&mut self, offset: usize, kind: ScanErrorKind) -> Stop {
        self.fault = Some((offset, kind));
        Stop
    }
}
