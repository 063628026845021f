//! Protobuf, written and read field by field; and base64, in which gRPC carries it.

/// A field whose content has a length.
pub fn field(number: u32, content: &[u8]) -> Vec<u8> {
    [varint(u64::from(number << 3 | 2)).as_slice(), &varint(content.len() as u64), content].concat()
}

/// A field of eight bytes.
pub fn fixed64(number: u32, value: u64) -> Vec<u8> {
    [varint(u64::from(number << 3 | 1)).as_slice(), &value.to_le_bytes()].concat()
}

/// A number as protobuf writes it.
pub fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low & 0x7f);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A varint.
    Number(u64),
    /// Content with a length.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The number.
    ///
    /// # Panics
    ///
    /// When it is none; so do the other two for what they read.
    pub fn number(self) -> u64 {
        let Self::Number(number) = self else { panic!("no number: {self:?}") };
        number
    }

    /// The content.
    pub fn bytes(self) -> &'a [u8] {
        let Self::Bytes(bytes) = self else { panic!("no content: {self:?}") };
        bytes
    }

    /// The content, which must be UTF-8.
    pub fn text(self) -> String {
        String::from_utf8(self.bytes().to_vec()).expect("a string is UTF-8")
    }
}

/// The fields of a message that has numbers and content with a length, and no others.
///
/// # Panics
///
/// When it is not such a message.
pub fn fields(mut message: &[u8]) -> Vec<(u32, Value<'_>)> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = take_varint(&mut message);
        let number = take_varint(&mut message);
        let value = match key & 7 {
            0 => Value::Number(number),
            2 => {
                let len = usize::try_from(number).expect("a length");
                let (content, rest) = message.split_at(len);
                message = rest;
                Value::Bytes(content)
            }
            other => panic!("a field of wire type {other}"),
        };
        fields.push((u32::try_from(key >> 3).expect("the number of a field"), value));
    }
    fields
}

fn take_varint(bytes: &mut &[u8]) -> u64 {
    let end = bytes.iter().position(|byte| byte & 0x80 == 0).expect("a number ends") + 1;
    let (number, rest) = bytes.split_at(end);
    *bytes = rest;
    number.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 without padding, as gRPC has it.
pub fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for index in 0..=group.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * index) & 63) as usize]));
        }
    }
    text
}

/// What [`base64`] was made of.
///
/// # Panics
///
/// When the text is something else.
pub fn unbase64(text: &str) -> Vec<u8> {
    let digit = |digit: &u8| {
        let value = ALPHABET.iter().position(|known| known == digit).expect("a digit of base64");
        u32::try_from(value).expect("six bits")
    };
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let bits =
            group.iter().map(digit).fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - group.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let message = [field(1, b"text"), vec![0x10], varint(300), field(1000, &[0; 200])].concat();
        let expected = [(1, Value::Bytes(b"text")), (2, Value::Number(300)), (1000, Value::Bytes(&[0; 200]))];
        assert_eq!(fields(&message), expected);
        for len in 0..7 {
            let bytes = &b"\xff\x00abcd"[..len.min(6)];
            assert_eq!(unbase64(&base64(bytes)), bytes);
        }
    }
}
