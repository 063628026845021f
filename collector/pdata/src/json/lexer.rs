//! The tokens of JSON (RFC 8259), read on demand.

use super::error::{Fault, Problem, fault};
use super::number::is_json;
use super::plain::plain;
use super::{MAX_NUMBER_LENGTH, MAX_SKIPPED_DEPTH};

/// A position in JSON text that is known to be UTF-8.
pub(super) struct Lexer<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    /// Starts at the first byte. Everything after this may rely on the text being UTF-8.
    pub(super) fn new(json: &'a [u8]) -> Result<Self, Fault> {
        if simdutf8::basic::from_utf8(json).is_err() {
            let offset = simdutf8::compat::from_utf8(json).map_or_else(|error| error.valid_up_to(), str::len);
            return Err(fault(offset, Problem::Utf8));
        }
        Ok(Self { json, at: 0 })
    }

    /// The offset of the next byte.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// An error at the next byte.
    pub(super) fn expected<T>(&self, what: &'static str) -> Result<T, Fault> {
        Err(fault(self.at, Problem::Expected(what)))
    }

    /// Skips white space; returns the byte after it, and does not consume that. 0 at the end, which
    /// begins no token.
    #[inline]
    pub(super) fn peek(&mut self) -> u8 {
        loop {
            match self.json.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(&byte) => return byte,
                None => return 0,
            }
        }
    }

    /// Consumes the byte that [`peek`](Self::peek) has returned.
    #[inline]
    pub(super) fn bump(&mut self) {
        self.at += 1;
    }

    /// Skips white space and consumes `byte`, which the error calls `what`.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Fault> {
        if self.peek() != byte {
            return self.expected(what);
        }
        self.at += 1;
        Ok(())
    }

    /// After an element: true when another follows, false when `close` ended the list.
    #[inline]
    pub(super) fn another(&mut self, close: u8, what: &'static str) -> Result<bool, Fault> {
        match self.peek() {
            b',' => {
                self.at += 1;
                Ok(true)
            }
            byte if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => self.expected(what),
        }
    }

    /// Checks that nothing but white space is left.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        self.peek();
        if self.at < self.json.len() { self.expected("the end of the document") } else { Ok(()) }
    }

    /// Consumes `null` when it is next.
    #[inline]
    pub(super) fn null(&mut self) -> Result<bool, Fault> {
        if self.peek() != b'n' {
            return Ok(false);
        }
        self.literal(b"null", "null")?;
        Ok(true)
    }

    /// Consumes `true` or `false`.
    pub(super) fn bool(&mut self) -> Result<bool, Fault> {
        const WHAT: &str = "true or false";
        match self.peek() {
            b't' => self.literal(b"true", WHAT).map(|()| true),
            b'f' => self.literal(b"false", WHAT).map(|()| false),
            _ => self.expected(WHAT),
        }
    }

    fn literal(&mut self, literal: &[u8], what: &'static str) -> Result<(), Fault> {
        if !self.json[self.at..].starts_with(literal) {
            return self.expected(what);
        }
        self.at += literal.len();
        Ok(())
    }

    /// Consumes the string `"name"` when exactly that is next.
    #[inline]
    pub(super) fn is_name(&mut self, name: &str) -> bool {
        let after = self.at + 1 + name.len();
        let found =
            self.json.get(self.at + 1..after) == Some(name.as_bytes()) && self.json.get(after) == Some(&b'"');
        if found {
            self.at = after + 1;
        }
        found
    }

    /// Consumes a string; the error calls it `what`. Its text is a piece of the input, or, when it
    /// has escapes, is in `scratch`, whose earlier content is lost.
    #[inline]
    pub(super) fn string<'s>(
        &mut self,
        scratch: &'s mut Vec<u8>,
        what: &'static str,
    ) -> Result<&'s [u8], Fault>
    where
        'a: 's,
    {
        self.expect(b'"', what)?;
        let from = self.at;
        match self.run()? {
            b'"' => {
                let text = &self.json[from..self.at];
                self.at += 1;
                Ok(text)
            }
            _ => self.unescape(from, scratch),
        }
    }

    /// Advances to the next quote or backslash, and returns it.
    #[inline]
    fn run(&mut self) -> Result<u8, Fault> {
        self.at += plain(&self.json[self.at..]);
        match self.json.get(self.at) {
            Some(&byte @ (b'"' | b'\\')) => Ok(byte),
            Some(_) => Err(fault(self.at, Problem::ControlCharacter)),
            None => self.expected("a closing quote"),
        }
    }

    #[cold]
    fn unescape<'s>(&mut self, from: usize, scratch: &'s mut Vec<u8>) -> Result<&'s [u8], Fault> {
        scratch.clear();
        scratch.extend_from_slice(&self.json[from..self.at]);
        loop {
            let from = self.at;
            let stop = self.run()?;
            scratch.extend_from_slice(&self.json[from..self.at]);
            self.at += 1;
            if stop == b'"' {
                return Ok(scratch);
            }
            let byte = match self.json.get(self.at) {
                Some(&byte @ (b'"' | b'\\' | b'/')) => byte,
                Some(b'b') => 0x08,
                Some(b'f') => 0x0c,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'u') => {
                    self.at += 1;
                    let character = self.code_point()?;
                    scratch.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    continue;
                }
                _ => return self.expected("an escape sequence of JSON"),
            };
            scratch.push(byte);
            self.at += 1;
        }
    }

    /// The character of a `\u` escape, after the `u`. A surrogate without its partner is U+FFFD.
    fn code_point(&mut self) -> Result<char, Fault> {
        let first = self.four_digits()?;
        if let 0xd800..0xdc00 = first
            && self.json[self.at..].starts_with(b"\\u")
        {
            let back = self.at;
            self.at += 2;
            if let second @ 0xdc00..0xe000 = self.four_digits()? {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn four_digits(&mut self) -> Result<u32, Fault> {
        let digits = self.json[self.at..].first_chunk::<4>();
        let code = digits.and_then(|digits| {
            digits.iter().try_fold(0, |code, &digit| Some(code << 4 | char::from(digit).to_digit(16)?))
        });
        let Some(code) = code else { return self.expected("four hexadecimal digits") };
        self.at += 4;
        Ok(code)
    }

    /// Consumes a number that is nothing but digits; else consumes nothing. The quick way for most.
    #[inline]
    pub(super) fn plain_digits(&mut self) -> Option<u64> {
        let (value, len) = self.digits(self.at)?;
        let leading_zero = len > 1 && self.json[self.at] == b'0';
        if leading_zero || matches!(self.json.get(self.at + len), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        self.at += len;
        Some(value)
    }

    /// The same for digits in quotes.
    #[inline]
    pub(super) fn quoted_digits(&mut self) -> Option<u64> {
        let (value, len) = self.digits(self.at + 1)?;
        if self.json.get(self.at + 1 + len) != Some(&b'"') {
            return None;
        }
        self.at += len + 2;
        Some(value)
    }

    /// The value and the number of the digits at `from`, when there are any and they surely fit.
    #[inline]
    fn digits(&self, from: usize) -> Option<(u64, usize)> {
        /// Any number of so many digits fits into 64 bits.
        const MAX: usize = 19;
        let rest = self.json.get(from..)?;
        let mut value = 0;
        let mut len = 0;
        while let Some(digit @ b'0'..=b'9') = rest.get(len) {
            if len == MAX {
                return None;
            }
            value = value * 10 + u64::from(digit - b'0');
            len += 1;
        }
        (len > 0).then_some((value, len))
    }

    /// Consumes a number in JSON's form and returns its text.
    pub(super) fn number(&mut self, what: &'static str) -> Result<&'a [u8], Fault> {
        self.peek();
        let rest = &self.json[self.at..];
        let len =
            rest.iter().take_while(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')).count();
        if len > MAX_NUMBER_LENGTH {
            return Err(fault(self.at, Problem::LongNumber));
        }
        let token = &rest[..len];
        if !is_json(token) {
            return self.expected(what);
        }
        self.at += len;
        Ok(token)
    }

    /// Consumes any value.
    pub(super) fn skip(&mut self, scratch: &mut Vec<u8>) -> Result<(), Fault> {
        // One bit per open container, the innermost in bit 0: 1 for an object.
        let mut objects = 0u128;
        let mut depth = 0;
        loop {
            match self.peek() {
                open @ (b'{' | b'[') => {
                    if depth == MAX_SKIPPED_DEPTH {
                        return Err(fault(self.at, Problem::Depth(MAX_SKIPPED_DEPTH as usize)));
                    }
                    self.at += 1;
                    let object = open == b'{';
                    let close = if object { b'}' } else { b']' };
                    if self.peek() != close {
                        objects = objects << 1 | u128::from(object);
                        depth += 1;
                        if object {
                            self.name(scratch)?;
                        }
                        continue;
                    }
                    self.at += 1;
                }
                b'"' => {
                    self.string(scratch, "a string")?;
                }
                b'n' => self.literal(b"null", "null")?,
                b't' | b'f' => {
                    self.bool()?;
                }
                _ => {
                    self.number("a value")?;
                }
            }
            // A value has ended; so may the containers that it is in.
            loop {
                if depth == 0 {
                    return Ok(());
                }
                let object = objects & 1 == 1;
                let (close, what) = if object { (b'}', "',' or '}'") } else { (b']', "',' or ']'") };
                if self.another(close, what)? {
                    if object {
                        self.name(scratch)?;
                    }
                    break;
                }
                objects >>= 1;
                depth -= 1;
            }
        }
    }

    fn name(&mut self, scratch: &mut Vec<u8>) -> Result<(), Fault> {
        self.string(scratch, "a name")?;
        self.expect(b':', "':'")
    }
}
