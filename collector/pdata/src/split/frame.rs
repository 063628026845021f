//! What is known of a message while the items in it are taken out.

use bytes::Bytes;
use smallvec::{SmallVec, smallvec};

use super::draft::Mark;
use crate::table::{Cardinality, Message};
use crate::wire::{Fields, Wire};

/// Bytes of one chunk of the request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) chunk: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A field on the wire.
struct RawField {
    number: u32,
    /// All of it, key included.
    all: Stretch,
    /// What its length covers, when it has one.
    content: Option<Stretch>,
}

impl Stretch {
    pub(super) fn of(self, source: &[Bytes]) -> &[u8] {
        &source[self.chunk][self.start..self.end]
    }

    pub(super) fn len(self) -> usize {
        self.end - self.start
    }

    /// Takes a field off the front; nothing at the end, or at what is not protobuf.
    fn take_field(&mut self, source: &[Bytes]) -> Option<RawField> {
        let mut fields = Fields::new(self.of(source));
        let (number, wire) = fields.next().ok()??;
        let all = Stretch { end: self.end - fields.remaining(), ..*self };
        self.start = all.end;
        let content = match wire {
            Wire::Length(content) => Some(Stretch { start: all.end - content.len(), ..all }),
            _ => None,
        };
        Some(RawField { number, all, content })
    }
}

/// An item, or a message that holds some.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) number: u32,
    pub(super) table: &'static Message,
    /// The field as it came; of several that merge into one message, the first.
    first: Stretch,
    /// What the message consists of.
    contents: SmallVec<[Stretch; 1]>,
}

impl Child {
    fn new(table: &'static Message, field: &RawField, content: Stretch) -> Option<Self> {
        let table = table.nested(field.number)?;
        Some(Self { number: field.number, table, first: field.all, contents: smallvec![content] })
    }

    /// The field as it came, if it is one.
    pub(super) fn whole(&self) -> Option<Stretch> {
        (self.contents.len() == 1).then_some(self.first)
    }

    /// The number of items, if it is at most `most` and the field can be taken as it came: it holds items, and
    /// nothing that is to be left out.
    pub(super) fn items(&self, source: &[Bytes], most: usize) -> Option<usize> {
        if self.table.is_item {
            return (most > 0).then_some(1);
        }
        items(self.table, self.contents.first()?.of(source), most)
    }
}

/// [`Child::items`] of a message that is not an item.
fn items(table: &'static Message, message: &[u8], most: usize) -> Option<usize> {
    let mut found = 0;
    let mut member = None;
    let mut fields = Fields::new(message);
    while let Some((number, wire)) = fields.next().ok()? {
        let Wire::Length(content) = wire else { continue };
        if !table.carries(number) {
            continue;
        }
        if is_member(table, number) && *member.get_or_insert(number) != number {
            return None;
        }
        let nested = table.nested(number)?;
        found += if nested.is_item { 1 } else { items(nested, content, most - found)? };
        if found > most {
            return None;
        }
    }
    (found > 0).then_some(found)
}

/// Whether the field belongs to a oneof.
fn is_member(table: &'static Message, number: u32) -> bool {
    table.field(number).is_some_and(|field| matches!(field.cardinality, Cardinality::Oneof(_)))
}

/// A message that is being taken apart.
#[derive(Debug)]
pub(super) struct Frame {
    /// Number of the field that it is in; nothing for the request itself.
    pub(super) number: Option<u32>,
    table: &'static Message,
    /// What of it has not been looked at.
    rest: SmallVec<[Stretch; 1]>,
    /// The one child of a message with a oneof.
    merged: Option<Child>,
    pub(super) header: SmallVec<[Stretch; 2]>,
    pub(super) header_len: usize,
    /// How it stands in the part that is being put together, if it is in there.
    pub(super) open: Option<Open>,
    /// Whether it has been in an earlier part.
    pub(super) seen: bool,
}

/// A message in a part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) mark: Option<Mark>,
    /// Its encoded size so far, without key and length.
    pub(super) len: usize,
}

impl Frame {
    /// The request, which consists of all chunks.
    pub(super) fn root(table: &'static Message, source: &[Bytes]) -> Self {
        let chunks = source.iter().enumerate();
        let contents = chunks.map(|(chunk, bytes)| Stretch { chunk, start: 0, end: bytes.len() });
        Self::new(None, table, contents.collect(), source)
    }

    pub(super) fn of(child: Child, source: &[Bytes]) -> Self {
        Self::new(Some(child.number), child.table, child.contents, source)
    }

    fn new(
        number: Option<u32>,
        table: &'static Message,
        contents: SmallVec<[Stretch; 1]>,
        source: &[Bytes],
    ) -> Self {
        let mut frame = Self {
            number,
            table,
            rest: SmallVec::new(),
            merged: None,
            header: SmallVec::new(),
            header_len: 0,
            open: None,
            seen: false,
        };
        for content in &contents {
            let mut rest = *content;
            while let Some(field) = rest.take_field(source) {
                match field.content {
                    Some(content) if table.carries(field.number) => frame.merge(&field, content),
                    _ => frame.add_header(field.all),
                }
            }
        }
        if frame.merged.is_none() {
            frame.rest = contents;
            // Taken from the end.
            frame.rest.reverse();
        }
        frame
    }

    fn add_header(&mut self, field: Stretch) {
        self.header_len += field.len();
        match self.header.last_mut() {
            Some(last) if last.chunk == field.chunk && last.end == field.start => last.end = field.end,
            _ => self.header.push(field),
        }
    }

    /// Members of a oneof: the same one merges, another one replaces what was there.
    fn merge(&mut self, field: &RawField, content: Stretch) {
        if !is_member(self.table, field.number) {
            return;
        }
        match &mut self.merged {
            Some(child) if child.number == field.number => child.contents.push(content),
            _ => self.merged = Child::new(self.table, field, content),
        }
    }

    /// The next child, in order.
    pub(super) fn next_child(&mut self, source: &[Bytes]) -> Option<Child> {
        if let Some(child) = self.merged.take() {
            return Some(child);
        }
        while let Some(rest) = self.rest.last_mut() {
            let Some(field) = rest.take_field(source) else {
                self.rest.pop();
                continue;
            };
            if let Some(content) = field.content
                && self.table.carries(field.number)
            {
                return Child::new(self.table, &field, content);
            }
        }
        None
    }
}
