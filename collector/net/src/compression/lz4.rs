//! LZ4 frames (<https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md>).
//!
//! The blocks are a library's work. Its reader of frames is not used: it does not tell a frame that is cut
//! off from one that has ended, and makes a buffer of 4 MiB for each frame, however many and small they are.

use std::cell::RefCell;

use bytes::{Bytes, BytesMut};
use lz4_flex::block::{
    CompressTable, DecompressError as BlockError, compress_into_with_table, decompress_into_with_dict,
    get_maximum_output_size,
};
use twox_hash::XxHash32;

use super::{DecompressError, OUT_MIN, Room, finished};

const MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();
/// The version of the format, in the two upper bits of the flags.
const VERSION: u8 = 0b0100_0000;
const INDEPENDENT: u8 = 0b0010_0000;
const BLOCK_CHECKSUMS: u8 = 0b0001_0000;
const CONTENT_SIZE: u8 = 0b0000_1000;
const CONTENT_CHECKSUM: u8 = 0b0000_0100;
/// The sizes of blocks that a frame can say, by their code less 4.
const BLOCK_SIZES: [usize; 4] = [64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024];
/// What is written has blocks of 256 KiB: a reader needs a buffer for one.
const BLOCK_CODE: u8 = 5;
/// A block whose length has this bit is not compressed.
const STORED: u32 = 1 << 31;
/// A block that depends on those before it looks back so far.
const WINDOW: usize = 64 * 1024;

thread_local! {
    static COMPRESSOR: RefCell<(CompressTable, Vec<u8>)> = RefCell::new((CompressTable::large(), Vec::new()));
}

/// One frame, of independent blocks, with a checksum.
pub(super) fn compress(data: &[u8]) -> Bytes {
    let descriptor = [VERSION | INDEPENDENT | CONTENT_CHECKSUM, BLOCK_CODE << 4];
    let block_size = BLOCK_SIZES[usize::from(BLOCK_CODE) - 4];
    let mut frame = Vec::with_capacity(data.len() / 4 + OUT_MIN);
    frame.extend_from_slice(&MAGIC);
    frame.extend_from_slice(&descriptor);
    frame.push(header_checksum(&descriptor));
    COMPRESSOR.with_borrow_mut(|(table, scratch)| {
        scratch.resize(get_maximum_output_size(block_size), 0);
        for block in data.chunks(block_size) {
            let compressed = compress_into_with_table(block, scratch, table);
            let len = compressed.expect("the buffer is as large as it must be");
            let (flag, bytes) = if len < block.len() { (0, &scratch[..len]) } else { (STORED, block) };
            let length = u32::try_from(bytes.len()).expect("a block has 256 KiB at most");
            frame.extend_from_slice(&(length | flag).to_le_bytes());
            frame.extend_from_slice(bytes);
        }
    });
    frame.extend_from_slice(&0_u32.to_le_bytes());
    frame.extend_from_slice(&XxHash32::oneshot(0, data).to_le_bytes());
    frame.into()
}

/// Frames, one after the other.
pub(super) fn decompress(compressed: &[u8], room: &mut Room<'_>) -> Result<BytesMut, DecompressError> {
    let mut rest = Input(compressed);
    let mut output = Output { bytes: room.buffer(compressed.len().saturating_mul(4))?, len: 0, room };
    loop {
        Frame::begin(&mut rest)?.decompress(&mut rest, &mut output)?;
        if rest.0.is_empty() {
            return Ok(finished(output.bytes, output.len));
        }
    }
}

/// What the header of a frame says.
struct Frame {
    linked: bool,
    block_checksums: bool,
    content_checksum: bool,
    content_size: Option<u64>,
    block_size: usize,
}

impl Frame {
    fn begin(input: &mut Input<'_>) -> Result<Self, DecompressError> {
        if input.take::<4>()? != MAGIC {
            return Err(corrupt("a frame does not begin as one"));
        }
        let start = input.0;
        let [flags, sizes] = input.take()?;
        // The bit that is not among them says that the frame needs a dictionary, or is reserved.
        let known = VERSION | INDEPENDENT | BLOCK_CHECKSUMS | CONTENT_SIZE | CONTENT_CHECKSUM;
        if flags & !known != 0 || flags & VERSION == 0 {
            return Err(corrupt("a frame is of a kind that is not supported"));
        }
        let content_size =
            if flags & CONTENT_SIZE != 0 { Some(u64::from_le_bytes(input.take()?)) } else { None };
        let descriptor = &start[..start.len() - input.0.len()];
        if input.take()? != [header_checksum(descriptor)] {
            return Err(corrupt("the checksum of a header is wrong"));
        }
        let block_size = usize::from(sizes >> 4).checked_sub(4).and_then(|code| BLOCK_SIZES.get(code));
        Ok(Self {
            linked: flags & INDEPENDENT == 0,
            block_checksums: flags & BLOCK_CHECKSUMS != 0,
            content_checksum: flags & CONTENT_CHECKSUM != 0,
            content_size,
            block_size: *block_size.ok_or(corrupt("the block size of a frame is not one of the format"))?,
        })
    }

    fn decompress(&self, input: &mut Input<'_>, output: &mut Output<'_, '_>) -> Result<(), DecompressError> {
        let start = output.len;
        loop {
            let length = u32::from_le_bytes(input.take()?);
            if length == 0 {
                break;
            }
            let block = input.take_slice((length & !STORED) as usize)?;
            if self.block_checksums && u32::from_le_bytes(input.take()?) != XxHash32::oneshot(0, block) {
                return Err(corrupt("the checksum of a block is wrong"));
            }
            if block.len() > self.block_size {
                return Err(corrupt("a block is larger than the frame says"));
            }
            if length & STORED != 0 {
                output.store(block)?;
            } else {
                let window =
                    if self.linked { output.len.saturating_sub(WINDOW).max(start) } else { output.len };
                output.decompress(block, self.block_size, window)?;
            }
        }
        let content = &output.bytes[start..output.len];
        if self.content_checksum && u32::from_le_bytes(input.take()?) != XxHash32::oneshot(0, content) {
            return Err(corrupt("the checksum of a frame is wrong"));
        }
        if self.content_size.is_some_and(|size| size != content.len() as u64) {
            return Err(corrupt("a frame does not have the size that it says"));
        }
        Ok(())
    }
}

/// What is not yet read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecompressError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(corrupt("it is cut off"))?;
        self.0 = rest;
        Ok(*taken)
    }

    fn take_slice(&mut self, len: usize) -> Result<&'a [u8], DecompressError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(corrupt("it is cut off"))?;
        self.0 = rest;
        Ok(taken)
    }
}

/// A buffer, the length of what is in it, and how large it may become.
struct Output<'r, 'a> {
    bytes: Vec<u8>,
    len: usize,
    room: &'r mut Room<'a>,
}

impl Output<'_, '_> {
    fn store(&mut self, block: &[u8]) -> Result<(), DecompressError> {
        while self.bytes.len() - self.len < block.len() {
            self.grow()?;
        }
        self.bytes[self.len..self.len + block.len()].copy_from_slice(block);
        self.len += block.len();
        Ok(())
    }

    /// Decompresses a block that may refer to what is in the buffer from `window` on.
    fn decompress(&mut self, block: &[u8], block_size: usize, window: usize) -> Result<(), DecompressError> {
        loop {
            let (before, room) = self.bytes.split_at_mut(self.len);
            let len = room.len().min(block_size);
            match decompress_into_with_dict(block, &mut room[..len], &before[window..]) {
                Ok(written) => {
                    self.len += written;
                    return Ok(());
                }
                Err(BlockError::OutputTooSmall { .. }) if len < block_size => self.grow()?,
                Err(_) => return Err(corrupt("a block is damaged")),
            }
        }
    }

    fn grow(&mut self) -> Result<(), DecompressError> {
        self.room.grow(&mut self.bytes)
    }
}

fn header_checksum(descriptor: &[u8]) -> u8 {
    XxHash32::oneshot(0, descriptor).to_le_bytes()[1]
}

fn corrupt(reason: &'static str) -> DecompressError {
    DecompressError::Corrupt { encoding: "lz4", reason }
}
