//! Text encodings of gRPC's header fields.

use bytes::Bytes;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 without padding (RFC 4648 §4), for the value of a `-bin` field.
pub(super) fn base64_encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let value =
            group.iter().fold(0_u32, |value, byte| value << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for sextet in 0..=group.len() {
            text.push(char::from(ALPHABET[(value >> (18 - 6 * sextet)) as usize & 63]));
        }
    }
    text
}

/// The inverse; padding is accepted. Nothing when it is not base64.
pub(super) fn base64_decoded(text: &[u8]) -> Option<Bytes> {
    let end = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    if text.len() - end > 2 || end % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(end * 3 / 4);
    for group in text[..end].chunks(4) {
        let mut value = 0_u32;
        for byte in group {
            value = value << 6 | sextet(*byte)?;
        }
        value <<= 6 * (4 - group.len());
        bytes.extend_from_slice(&value.to_be_bytes()[1..group.len()]);
    }
    Some(bytes.into())
}

fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// `grpc-message` as text: percent-decoded; what is not valid stays as it is.
pub(super) fn percent_decoded(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let hex = (text[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        let hex = hex.filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        match hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                at += 3;
            }
            None => {
                bytes.push(text[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648_and_its_own_inverse() {
        for (plain, encoded) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE")]
        {
            assert_eq!(base64_encoded(plain.as_bytes()), encoded);
            assert_eq!(base64_decoded(encoded.as_bytes()).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(base64_decoded(b"Zg==").as_deref(), Some(b"f".as_slice()));
        assert_eq!(base64_decoded(b"Z"), None);
        assert_eq!(base64_decoded(b"Zg==="), None);
        assert_eq!(base64_decoded(b"Z-g_"), None);
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(base64_decoded(base64_encoded(&all).as_bytes()).as_deref(), Some(all.as_slice()));
    }

    #[test]
    fn messages_are_percent_decoded_as_far_as_they_are_encoded() {
        assert_eq!(percent_decoded(b"%C3%A4 100%25 %zz %"), "ä 100% %zz %");
        assert_eq!(percent_decoded(b"%+1"), "%+1");
    }
}
