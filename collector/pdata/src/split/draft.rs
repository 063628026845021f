//! A part while it is put together: lengths come before what they measure, so they are filled in later.

use bytes::{BufMut as _, Bytes, BytesMut};
use smallvec::SmallVec;

use super::frame::Stretch;
use crate::wire::{LENGTH, put_varint};

/// Shorter runs are copied: a chunk of its own would cost as much.
const COPIED: usize = 256;

/// What a part consists of, in order.
#[derive(Debug, Default)]
pub(super) struct Draft {
    steps: Vec<Step>,
    /// Number of items so far.
    pub(super) items: usize,
}

#[derive(Debug)]
enum Step {
    /// The key and the length of a message.
    Message { number: u32, len: usize },
    /// Bytes of the request.
    Run(Stretch),
}

/// Where the length of a message is to be filled in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(usize);

impl Draft {
    /// Begins a message in the field with this number.
    pub(super) fn begin(&mut self, number: u32) -> Mark {
        self.steps.push(Step::Message { number, len: 0 });
        Mark(self.steps.len() - 1)
    }

    /// Says how long a message became.
    pub(super) fn end(&mut self, mark: Mark, length: usize) {
        if let Some(Step::Message { len, .. }) = self.steps.get_mut(mark.0) {
            *len = length;
        }
    }

    /// Appends bytes of the request.
    pub(super) fn run(&mut self, stretch: Stretch) {
        match self.steps.last_mut() {
            Some(Step::Run(last)) if last.chunk == stretch.chunk && last.end == stretch.start => {
                last.end = stretch.end;
            }
            _ => self.steps.push(Step::Run(stretch)),
        }
    }

    /// Writes the part, and is empty again.
    pub(super) fn write(&mut self, source: &[Bytes]) -> SmallVec<[Bytes; 1]> {
        let mut chunks = SmallVec::new();
        let mut own = BytesMut::new();
        for step in self.steps.drain(..) {
            match step {
                Step::Message { number, len } => {
                    let mut writer = (&mut own).writer();
                    put_varint(&mut writer, u64::from(number) << 3 | u64::from(LENGTH));
                    put_varint(&mut writer, len as u64);
                }
                Step::Run(stretch) if stretch.len() < COPIED => own.extend_from_slice(stretch.of(source)),
                Step::Run(stretch) => {
                    if !own.is_empty() {
                        chunks.push(own.split().freeze());
                    }
                    chunks.push(source[stretch.chunk].slice(stretch.start..stretch.end));
                }
            }
        }
        if !own.is_empty() {
            chunks.push(own.freeze());
        }
        self.items = 0;
        chunks
    }
}
