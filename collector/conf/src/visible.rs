//! Text that a stranger may have written, for a terminal or a log.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character could move the cursor, colour the terminal, break the line, or turn the direction of reading.
pub fn is_misleading(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with such characters written out, as `\u202e`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_misleading) {
        return Cow::Borrowed(text);
    }
    let mut visible = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        if is_misleading(char) {
            write!(visible, "\\u{:04x}", u32::from(char)).expect("writing to a String cannot fail");
        } else {
            visible.push(char);
        }
    }
    Cow::Owned(visible)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_mislead_is_written_out_and_the_rest_stays() {
        assert_eq!(visible("a\u{1b}[31m\n\u{202e}\u{9b}b"), "a\\u001b[31m\\u000a\\u202e\\u009bb");
        assert!(matches!(visible("straße 日本 ok"), Cow::Borrowed(_)));
    }
}
