//! JSON into a [`Tree`].

use super::tree::{InputError, Text, Tree};

/// Most lists and objects inside one another.
pub(super) const MAX_DEPTH: usize = 128;

/// Reads a text that is one JSON value.
pub(super) fn parse(text: &str) -> Result<Tree, InputError> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    let tree = reader.value()?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(reader.error("nothing may follow the value"));
    }
    Ok(tree)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn error(&self, message: &str) -> InputError {
        InputError::at(self.text, self.at, format!("not valid JSON: {message}"))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Whether the next thing is `byte`, which is then behind us.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self) -> Result<Tree, InputError> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::list),
            Some(b'"') => Ok(Tree::Text(self.string()?)),
            Some(_) => self.literal(),
            None => Err(self.error("it ends too early")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Tree, InputError>) -> Result<Tree, InputError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("too many lists and objects inside one another"));
        }
        self.at += 1;
        let tree = read(self)?;
        self.depth -= 1;
        Ok(tree)
    }

    fn object(&mut self) -> Result<Tree, InputError> {
        let mut entries = Vec::new();
        if self.take(b'}') {
            return Ok(Tree::Map(entries));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a key in double quotes"));
            }
            let key = self.string()?.text;
            if !self.take(b':') {
                return Err(self.error("expected a colon after the key"));
            }
            entries.push((key, self.value()?));
            if self.take(b'}') {
                return Ok(Tree::Map(entries));
            }
            if !self.take(b',') {
                return Err(self.error("expected a comma or a closing brace"));
            }
        }
    }

    fn list(&mut self) -> Result<Tree, InputError> {
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Tree::List(items));
        }
        loop {
            items.push(self.value()?);
            if self.take(b']') {
                return Ok(Tree::List(items));
            }
            if !self.take(b',') {
                return Err(self.error("expected a comma or a closing bracket"));
            }
        }
    }

    /// A number, `true`, `false` or `null`.
    fn literal(&mut self) -> Result<Tree, InputError> {
        let rest = &self.text[self.at..];
        let is_part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '+' | '.');
        let word = &rest[..rest.find(|char| !is_part(char)).unwrap_or(rest.len())];
        let tree = match word {
            "true" => Tree::Bool(true),
            "false" | "null" => Tree::Other,
            _ if word.starts_with(|char: char| char.is_ascii_digit() || char == '-')
                && word.parse::<f64>().is_ok() =>
            {
                Tree::Other
            }
            _ => return Err(self.error("expected a value")),
        };
        self.at += word.len();
        Ok(tree)
    }

    fn string(&mut self) -> Result<Text, InputError> {
        let start = self.at;
        let mut text = String::new();
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(|char: char| matches!(char, '"' | '\\') || char < ' ');
            let plain = plain.ok_or_else(|| self.error("a string has no end"))?;
            text.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Text { text, start });
                }
                Some(b'\\') => {
                    let (char, length) = escape(&self.text[self.at..])
                        .ok_or_else(|| self.error("unknown escape sequence in a string"))?;
                    text.push(char);
                    self.at += length;
                }
                _ => return Err(self.error("a string has a control character")),
            }
        }
    }
}

/// The character of the escape sequence at the start of `text`, and its bytes.
pub(super) fn escape(text: &str) -> Option<(char, usize)> {
    let simple = |char| Some((char, 2));
    match text.as_bytes().get(1)? {
        b'"' => simple('"'),
        b'\\' => simple('\\'),
        b'/' => simple('/'),
        b'b' => simple('\u{8}'),
        b'f' => simple('\u{c}'),
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'u' => {
            let unit = |at: usize| u32::from_str_radix(text.get(at..at + 4)?, 16).ok();
            let first = unit(2)?;
            // Two of them are one character outside of the first 65536; half of one is none.
            if (0xd800..0xdc00).contains(&first)
                && text.get(6..8) == Some("\\u")
                && let Some(second) = unit(8).filter(|second| (0xdc00..0xe000).contains(second))
            {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Some((char::from_u32(code)?, 12));
            }
            Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6))
        }
        _ => None,
    }
}
