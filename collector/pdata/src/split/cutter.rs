//! Takes items out of a request, in order, until a part is full.

use bytes::Bytes;
use smallvec::SmallVec;

use super::draft::Draft;
use super::frame::{Child, Frame, Open, Stretch};
use super::{MAX_GROWTH, Part};
use crate::wire::varint_len;
use crate::{Payload, Signal};

/// What a part may have at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) items: usize,
    pub(super) bytes: usize,
}

impl Limits {
    pub(super) fn hold(self, items: usize, bytes: usize) -> bool {
        items <= self.items && bytes <= self.bytes
    }
}

#[derive(Debug)]
pub(super) struct Cutter {
    signal: Signal,
    limits: Limits,
    source: SmallVec<[Bytes; 1]>,
    /// The messages around the place where the next item is: the request, a resource in it, a scope in that.
    frames: Vec<Frame>,
    /// A child of the innermost of them that is to begin the next part.
    held: Option<Child>,
    draft: Draft,
    /// Bytes that may still be spent on repeated headers.
    growth: usize,
}

impl Cutter {
    pub(super) fn new(payload: &Payload, limits: Limits) -> Self {
        let source = payload.requests();
        let frames = vec![Frame::root(payload.signal().request, &source)];
        let growth = payload.len().saturating_mul(MAX_GROWTH);
        Self { signal: payload.signal(), limits, source, frames, held: None, draft: Draft::default(), growth }
    }

    /// What the next part may have.
    pub(super) fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    pub(super) fn next_part(&mut self) -> Option<Part> {
        while let Some(frame) = self.frames.last_mut() {
            let Some(child) = self.held.take().or_else(|| frame.next_child(&self.source)) else {
                self.close();
                self.frames.pop();
                continue;
            };
            if let Some((field, items)) = self.fitting(&child) {
                self.take(field, items);
            } else if !child.table.is_item {
                self.frames.push(Frame::of(child, &self.source));
            } else if self.draft.items > 0 {
                self.held = Some(child);
                break;
            } else {
                // It fits nowhere.
                let field = child.whole()?;
                self.take(field, 1);
                break;
            }
        }
        self.finish()
    }

    /// The bytes and the items of a child that can be taken into the part as it is.
    fn fitting(&self, child: &Child) -> Option<(Stretch, usize)> {
        let field = child.whole()?;
        let fits = self.growth == 0 || self.len_with(field.len()) <= self.limits.bytes;
        let most = if self.growth == 0 { usize::MAX } else { self.limits.items };
        let items = child.items(&self.source, most - self.draft.items).filter(|_| fits)?;
        Some((field, items))
    }

    /// How long the part would be with this many bytes more in the innermost message.
    fn len_with(&self, bytes: usize) -> usize {
        self.frames.iter().rev().fold(bytes, |inner, frame| {
            let len = inner + frame.open.map_or(frame.header_len, |open| open.len);
            frame.number.map_or(len, |number| field_len(number, len))
        })
    }

    /// Appends bytes to the innermost message. It and those around it are opened in the part as needed.
    fn take(&mut self, field: Stretch, items: usize) {
        for frame in &mut self.frames {
            if frame.open.is_none() {
                let mark = frame.number.map(|number| self.draft.begin(number));
                frame.header.iter().for_each(|stretch| self.draft.run(*stretch));
                if frame.seen {
                    self.growth = self.growth.saturating_sub(frame.header_len);
                }
                frame.seen = true;
                frame.open = Some(Open { mark, len: frame.header_len });
            }
        }
        if let Some(open) = self.frames.last_mut().and_then(|frame| frame.open.as_mut()) {
            open.len += field.len();
        }
        self.draft.run(field);
        self.draft.items += items;
    }

    /// Ends the innermost message in this part, if it is there.
    fn close(&mut self) {
        let Some((frame, outer)) = self.frames.split_last_mut() else { return };
        close(&mut self.draft, frame, outer);
    }

    fn finish(&mut self) -> Option<Part> {
        if self.draft.items == 0 {
            return None;
        }
        let mut frames = self.frames.as_mut_slice();
        while let Some((frame, outer)) = frames.split_last_mut() {
            close(&mut self.draft, frame, outer);
            frames = outer;
        }
        let items = self.draft.items;
        let payload = Payload::from_pieces(self.signal, self.draft.write(&self.source), items);
        let fits = self.limits.hold(items, payload.len());
        Some(if fits { Part::Fits(payload) } else { Part::TooLarge(payload) })
    }
}

/// Ends a message in the part, if it is there, and adds it to the one around it.
fn close(draft: &mut Draft, frame: &mut Frame, outer: &mut [Frame]) {
    let Some(Open { mark, len }) = frame.open.take() else { return };
    if let Some(mark) = mark {
        draft.end(mark, len);
    }
    if let (Some(number), Some(outer)) =
        (frame.number, outer.last_mut().and_then(|outer| outer.open.as_mut()))
    {
        outer.len += field_len(number, len);
    }
}

/// Encoded size of a field that holds a message of this size.
fn field_len(number: u32, len: usize) -> usize {
    usize::from(varint_len(u64::from(number) << 3)) + usize::from(varint_len(len as u64)) + len
}
