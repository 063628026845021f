//! From text to tokens.

use super::ast::Span;
use super::{ParseError, number};

/// A token, and where it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// A word: a name or a keyword.
    Word,
    /// A number, or a duration in seconds.
    Number(f64),
    /// A string, without quotes and escapes.
    String(String),
    /// Anything else: `(`, `=~`.
    Symbol(&'static str),
    /// Behind the last one.
    End,
}

/// The longest first, where one starts with another.
const SYMBOLS: [&str; 24] = [
    "==", "=~", "!=", "!~", "<=", ">=", "(", ")", "{", "}", "[", "]", ",", "=", "<", ">", "+", "-", "*", "/",
    "%", "^", "@", ":",
];

/// The tokens of a text; the last one is [`TokenKind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ParseError> {
    let mut lexer = Lexer { text, at: 0, in_brackets: false };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        let is_end = token.kind == TokenKind::End;
        tokens.push(token);
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// In `[5m:1m]` a colon is no part of a name.
    in_brackets: bool,
}

impl Lexer<'_> {
    fn next(&mut self) -> Result<Token, ParseError> {
        self.skip_space();
        let start = self.at;
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else { return Ok(self.token(TokenKind::End, 0)) };
        let second_is_digit = rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        if first.is_ascii_digit() || first == '.' && second_is_digit {
            return self.number(rest);
        }
        if matches!(first, '"' | '\'' | '`') {
            return self.string(first);
        }
        let colon = !self.in_brackets;
        let starts_word = |char: char| char.is_ascii_alphabetic() || char == '_' || colon && char == ':';
        if starts_word(first) {
            let ends = |char: char| !(starts_word(char) || char.is_ascii_digit());
            let length = rest.find(ends).unwrap_or(rest.len());
            return Ok(self.token(TokenKind::Word, length));
        }
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            self.in_brackets = match *symbol {
                "[" => true,
                "]" => false,
                _ => self.in_brackets,
            };
            return Ok(self.token(TokenKind::Symbol(symbol), symbol.len()));
        }
        let span = Span::new(start, start + first.len_utf8());
        Err(ParseError::new(span, format!("unexpected character {first:?}")))
    }

    fn token(&mut self, kind: TokenKind, length: usize) -> Token {
        let span = Span::new(self.at, self.at + length);
        self.at = span.end;
        Token { kind, span }
    }

    /// Blanks, and comments from `#` to the end of the line.
    fn skip_space(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    fn number(&mut self, rest: &str) -> Result<Token, ParseError> {
        let length = number::length(rest);
        let text = &rest[..length];
        let token = self.token(TokenKind::Number(0.0), length);
        let value = number::value(text).ok_or_else(|| {
            ParseError::new(token.span, format!("{text:?} is no number and no duration, such as 1h30m"))
        })?;
        Ok(Token { kind: TokenKind::Number(value), span: token.span })
    }

    fn string(&mut self, quote: char) -> Result<Token, ParseError> {
        let start = self.at;
        let mut value = String::new();
        let mut chars = self.text[start + 1..].char_indices();
        while let Some((offset, char)) = chars.next() {
            let at = start + 1 + offset;
            match char {
                _ if char == quote => {
                    return Ok(self.token(TokenKind::String(value), at + 1 - start));
                }
                '\n' if quote != '`' => break,
                '\\' if quote != '`' => {
                    let escape = Escape::read(&self.text[at..], quote);
                    let escape = escape.map_err(|length| {
                        ParseError::new(Span::new(at, at + length), "unknown escape sequence in a string")
                    })?;
                    value.push(escape.char);
                    // The backslash is read already.
                    for _ in 0..escape.chars - 1 {
                        chars.next();
                    }
                }
                _ => value.push(char),
            }
        }
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |length| start + length);
        Err(ParseError::new(Span::new(start, line_end), format!("the string has no closing {quote}")))
    }
}

/// An escape sequence, as in Go's strings.
struct Escape {
    char: char,
    /// How many characters it has, with the backslash.
    chars: usize,
}

impl Escape {
    /// The one at the start of `text`, or how many bytes of it are none.
    fn read(text: &str, quote: char) -> Result<Self, usize> {
        let kind = text.chars().nth(1).ok_or(1_usize)?;
        let unknown = 1 + kind.len_utf8();
        let simple = |char| Ok(Self { char, chars: 2 });
        let code = |skip: usize, digits: usize, radix| {
            let code = text.get(skip..skip + digits).and_then(|code| u32::from_str_radix(code, radix).ok());
            let char = code.and_then(char::from_u32).ok_or(unknown)?;
            Ok(Self { char, chars: skip + digits })
        };
        match kind {
            'a' => simple('\u{7}'),
            'b' => simple('\u{8}'),
            'f' => simple('\u{c}'),
            'n' => simple('\n'),
            'r' => simple('\r'),
            't' => simple('\t'),
            'v' => simple('\u{b}'),
            '\\' => simple('\\'),
            _ if kind == quote => simple(kind),
            'x' => code(2, 2, 16),
            'u' => code(2, 4, 16),
            'U' => code(2, 8, 16),
            '0'..='7' => code(1, 3, 8),
            _ => Err(unknown),
        }
    }
}
