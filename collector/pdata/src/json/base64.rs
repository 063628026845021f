//! Base64 (RFC 4648 §4 and §5).

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const NONE: u8 = 0xff;

/// The six bits of each character, of either alphabet.
const BITS: [u8; 256] = {
    let mut bits = [NONE; 256];
    let mut value = 0u8;
    while value < 64 {
        bits[STANDARD[value as usize] as usize] = value;
        value += 1;
    }
    bits[b'-' as usize] = 62;
    bits[b'_' as usize] = 63;
    bits
};

/// Appends the bytes that `text` stands for. Padding may be missing; when it is there, it must be
/// right and last. CR and LF are ignored, as Go does. What is appended before an error stays.
pub(super) fn decode(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut group = 0u32;
    let mut characters = 0usize;
    let mut padding = 0;
    for &byte in text {
        match byte {
            b'\r' | b'\n' => {}
            b'=' => padding += 1,
            _ if padding > 0 => return None,
            _ => {
                let bits = BITS[usize::from(byte)];
                if bits == NONE {
                    return None;
                }
                group = group << 6 | u32::from(bits);
                characters += 1;
                if characters.is_multiple_of(4) {
                    out.extend_from_slice(&group.to_be_bytes()[1..]);
                    group = 0;
                }
            }
        }
    }
    match (characters % 4, padding) {
        (0, 0) => {}
        (2, 0 | 2) => out.push((group >> 4).to_le_bytes()[0]),
        (3, 0 | 1) => out.extend_from_slice(&(group << 6).to_be_bytes()[1..3]),
        _ => return None,
    }
    Some(())
}

/// Appends the standard base64 of `bytes`, padded.
pub(super) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    let character = |group: u32, shift: u32| STANDARD[(group >> shift & 63) as usize];
    let (groups, rest) = bytes.as_chunks::<3>();
    for &[a, b, c] in groups {
        let group = u32::from_be_bytes([0, a, b, c]);
        out.extend_from_slice(&[18, 12, 6, 0].map(|shift| character(group, shift)));
    }
    match *rest {
        [a] => {
            let group = u32::from_be_bytes([0, a, 0, 0]);
            out.extend_from_slice(&[character(group, 18), character(group, 12), b'=', b'=']);
        }
        [a, b] => {
            let group = u32::from_be_bytes([0, a, b, 0]);
            out.extend_from_slice(&[character(group, 18), character(group, 12), character(group, 6), b'=']);
        }
        _ => {}
    }
}
