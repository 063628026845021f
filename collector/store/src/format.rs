//! The bytes of a segment, as `FORMAT.md` has them.

/// Records begin at multiples of this.
pub(crate) const STRIDE: u64 = 16;
/// Bytes of the head of a file.
pub(crate) const HEAD: u64 = 64;
/// Bytes in front of the content of a record; those of a seal.
pub(crate) const RECORD_HEADER: u64 = 48;
/// What a file of any version begins with.
pub(crate) const ANY_VERSION: &[u8; 4] = b"ETLN";

const SEGMENT: &[u8; 8] = b"ETLNSEG1";
const RECORD: &[u8; 4] = b"REC1";
const SEAL: &[u8; 4] = b"SEAL";

/// What checksums of a segment are seeded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentKey {
    /// Of the store.
    pub(crate) store: u64,
    /// Of the segment.
    pub(crate) segment: u64,
}

/// The head of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHead {
    pub(crate) key: SegmentKey,
    /// Of its first record.
    pub(crate) first_seq: u64,
}

/// What stands at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    Record(RecordHeader),
    Seal(Seal),
}

/// What stands in front of the content of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) seq: u64,
    pub(crate) items: u64,
    pub(crate) context: u32,
    pub(crate) body: u32,
    /// Milliseconds since 1970.
    pub(crate) accepted: u64,
    /// Of context and body.
    pub(crate) checksum: u32,
    /// How many records stand before it in the same write.
    pub(crate) position: u32,
}

/// The end of a segment that takes no more records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    /// The one that follows the last record.
    pub(crate) next_seq: u64,
    /// Of all records.
    pub(crate) items: u64,
    /// Of all contexts and bodies.
    pub(crate) bytes: u64,
}

impl SegmentHead {
    pub(crate) fn encode(&self) -> [u8; HEAD as usize] {
        let mut bytes = [0; HEAD as usize];
        bytes[..8].copy_from_slice(SEGMENT);
        put_u64(&mut bytes, 8, self.key.store);
        put_u64(&mut bytes, 16, self.key.segment);
        put_u64(&mut bytes, 24, self.first_seq);
        let checksum = crc32c::crc32c(&bytes[..60]);
        put_u32(&mut bytes, 60, checksum);
        bytes
    }

    /// Nothing when it is damaged.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..HEAD as usize)?;
        let is_whole = bytes[..8] == *SEGMENT && get_u32(bytes, 60) == crc32c::crc32c(&bytes[..60]);
        is_whole.then(|| Self {
            key: SegmentKey { store: get_u64(bytes, 8), segment: get_u64(bytes, 16) },
            first_seq: get_u64(bytes, 24),
        })
    }

    /// Whether it looks like the head of a segment of another version.
    pub(crate) fn is_other_version(bytes: &[u8]) -> bool {
        bytes.len() >= 8 && bytes.starts_with(&SEGMENT[..7]) && bytes[7] != SEGMENT[7]
    }
}

impl RecordHeader {
    /// From one record to the next.
    pub(crate) fn size(&self) -> u64 {
        record_size(u64::from(self.context) + u64::from(self.body))
    }

    /// Whether `content` is what was written.
    pub(crate) fn matches(&self, content: &[u8]) -> bool {
        content_checksum(self.seq, &[content]) == self.checksum
    }

    /// Bytes of context and body.
    pub(crate) fn content(&self) -> usize {
        self.context as usize + self.body as usize
    }

    pub(crate) fn encode(&self, key: SegmentKey, offset: u64) -> [u8; RECORD_HEADER as usize] {
        let mut bytes = [0; RECORD_HEADER as usize];
        bytes[..4].copy_from_slice(RECORD);
        put_u64(&mut bytes, 8, self.seq);
        put_u64(&mut bytes, 16, self.items);
        put_u32(&mut bytes, 24, self.context);
        put_u32(&mut bytes, 28, self.body);
        put_u64(&mut bytes, 32, self.accepted);
        put_u32(&mut bytes, 40, self.checksum);
        put_u32(&mut bytes, 44, self.position);
        let checksum = header_checksum(key, offset, &bytes);
        put_u32(&mut bytes, 4, checksum);
        bytes
    }
}

impl Seal {
    pub(crate) fn encode(&self, key: SegmentKey, offset: u64) -> [u8; RECORD_HEADER as usize] {
        let mut bytes = [0; RECORD_HEADER as usize];
        bytes[..4].copy_from_slice(SEAL);
        put_u64(&mut bytes, 8, self.next_seq);
        put_u64(&mut bytes, 16, self.items);
        put_u64(&mut bytes, 24, self.bytes);
        let checksum = header_checksum(key, offset, &bytes);
        put_u32(&mut bytes, 4, checksum);
        bytes
    }
}

impl Header {
    /// What stands at `offset`; nothing when it is no header of this segment for this place.
    pub(crate) fn decode(bytes: &[u8], key: SegmentKey, offset: u64) -> Option<Self> {
        let bytes = bytes.get(..RECORD_HEADER as usize)?;
        let is_record = bytes[..4] == *RECORD;
        if !(is_record || bytes[..4] == *SEAL) || get_u32(bytes, 4) != header_checksum(key, offset, bytes) {
            return None;
        }
        Some(if is_record {
            Self::Record(RecordHeader {
                seq: get_u64(bytes, 8),
                items: get_u64(bytes, 16),
                context: get_u32(bytes, 24),
                body: get_u32(bytes, 28),
                accepted: get_u64(bytes, 32),
                checksum: get_u32(bytes, 40),
                position: get_u32(bytes, 44),
            })
        } else {
            Self::Seal(Seal {
                next_seq: get_u64(bytes, 8),
                items: get_u64(bytes, 16),
                bytes: get_u64(bytes, 24),
            })
        })
    }
}

/// From one record to the next, for a content of so many bytes.
pub(crate) fn record_size(content: u64) -> u64 {
    (RECORD_HEADER + content).next_multiple_of(STRIDE)
}

/// Of the content of a record.
pub(crate) fn content_checksum(seq: u64, parts: &[&[u8]]) -> u32 {
    let seeded = crc32c::crc32c(&seq.to_le_bytes());
    parts.iter().fold(seeded, |checksum, part| crc32c::crc32c_append(checksum, part))
}

fn header_checksum(key: SegmentKey, offset: u64, bytes: &[u8]) -> u32 {
    seeded(&[key.store, key.segment, offset], &bytes[8..RECORD_HEADER as usize])
}

/// A checksum with numbers in front.
pub(crate) fn seeded(seed: &[u64], bytes: &[u8]) -> u32 {
    let seeded = seed.iter().fold(0, |checksum, part| crc32c::crc32c_append(checksum, &part.to_le_bytes()));
    crc32c::crc32c_append(seeded, bytes)
}

pub(crate) fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_u64(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

/// Zero where there are not enough bytes.
pub(crate) fn get_u32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// Zero where there are not enough bytes.
pub(crate) fn get_u64(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}
