//! Follows the frames of an HTTP/2 connection by their headers: RFC 9113 section 4.1.

/// Length of the client's connection preface, in bytes: RFC 9113 section 3.4.
const PREFACE_LEN: usize = 24;
const HEADER_LEN: usize = 9;

/// Kinds of frames.
pub(super) mod kind {
    pub(in crate::server) const DATA: u8 = 0;
    pub(in crate::server) const HEADERS: u8 = 1;
    pub(in crate::server) const PING: u8 = 6;
    pub(in crate::server) const GOAWAY: u8 = 7;
}

/// A frame, without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    /// Bytes of content.
    pub(super) len: u32,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Frames {
    header: [u8; HEADER_LEN],
    filled: usize,
    /// Bytes until the next header.
    skip: usize,
}

impl Frames {
    /// What a client sends: its preface comes first.
    pub(super) fn of_client() -> Self {
        Self { skip: PREFACE_LEN, ..Self::default() }
    }

    /// Whether the last frame is complete.
    pub(super) fn is_between(&self) -> bool {
        self.filled == 0 && self.skip == 0
    }

    /// Calls `each` for every frame whose header ends in `bytes`, which follow those of the last call.
    pub(super) fn follow(&mut self, mut bytes: &[u8], mut each: impl FnMut(Frame)) {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            if bytes.is_empty() {
                return;
            }
            let taken = (HEADER_LEN - self.filled).min(bytes.len());
            self.header[self.filled..self.filled + taken].copy_from_slice(&bytes[..taken]);
            self.filled += taken;
            bytes = &bytes[taken..];
            if self.filled < HEADER_LEN {
                return;
            }
            let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = self.header;
            let len = u32::from_be_bytes([0, l0, l1, l2]);
            each(Frame { kind, flags, stream: u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]), len });
            self.filled = 0;
            self.skip = len as usize;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_wherever_the_bytes_are_cut() {
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        bytes.extend(*b"\0\0\0\x04\0\0\0\0\0");
        bytes.extend(*b"\0\0\x08\x06\x01\0\0\0\0\0\0\0\0\0\0\0\0");
        bytes.extend(*b"\0\0\x03\x01\x05\x80\0\0\x03abc");
        let expected = [(4, 0, 0, 0), (kind::PING, 1, 0, 8), (kind::HEADERS, 5, 3, 3)];
        for size in 1..=bytes.len() {
            let mut frames = Frames::of_client();
            let mut found = Vec::new();
            for part in bytes.chunks(size) {
                frames.follow(part, |frame| found.push((frame.kind, frame.flags, frame.stream, frame.len)));
            }
            assert_eq!(found, expected, "{size}");
        }
    }
}
