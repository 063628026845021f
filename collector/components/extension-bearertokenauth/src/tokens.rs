//! The tokens that count at a time.

use std::fmt;

use etalon_component::BoxError;
use http::HeaderValue;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

type Fingerprint = [u8; 32];

/// Some tokens, at least one.
pub(crate) struct Tokens {
    /// Of each token, without the scheme.
    fingerprints: Vec<Fingerprint>,
    /// What a client sends: the scheme and the first token.
    first: HeaderValue,
}

/// The tokens cannot be used. They are not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokensError {
    #[error("there is no token")]
    None,
    #[error("a token is empty")]
    Empty,
    #[error("a token has characters that a header field cannot have")]
    Characters,
}

impl Tokens {
    pub(crate) fn new<'a>(
        scheme: &str,
        tokens: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, TokensError> {
        let mut fingerprints = Vec::new();
        let mut first = None;
        for token in tokens {
            if token.is_empty() {
                return Err(TokensError::Empty);
            }
            let separator = if scheme.is_empty() { "" } else { " " };
            let mut value = HeaderValue::try_from(format!("{scheme}{separator}{token}"))
                .map_err(|_| TokensError::Characters)?;
            value.set_sensitive(true);
            first.get_or_insert(value);
            fingerprints.push(Sha256::digest(token).into());
        }
        Ok(Self { fingerprints, first: first.ok_or(TokensError::None)? })
    }

    /// Of a file: each line is a token; blank lines are none.
    pub(crate) fn of_file(scheme: &str, content: &[u8]) -> Result<Self, BoxError> {
        let lines = std::str::from_utf8(content)?.lines().map(str::trim).filter(|line| !line.is_empty());
        Ok(Self::new(scheme, lines)?)
    }

    /// Whether `given` is one of them. The time that this takes tells nothing of them but their number.
    pub(crate) fn contains(&self, given: &[u8]) -> bool {
        let given: Fingerprint = Sha256::digest(given).into();
        let one_of_them = |found: Choice, token: &Fingerprint| found | token.ct_eq(&given);
        self.fingerprints.iter().fold(Choice::from(0), one_of_them).into()
    }

    /// What a client sends.
    pub(crate) fn first(&self) -> &HeaderValue {
        &self.first
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("count", &self.fingerprints.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_a_file_is_a_token_and_an_empty_one_is_none() {
        let tokens = Tokens::of_file("Bearer", b"one\r\n\n  two \n").unwrap();
        assert!(tokens.contains(b"one") && tokens.contains(b"two"));
        assert!(!tokens.contains(b"") && !tokens.contains(b"on") && !tokens.contains(b"onetwo"));
        assert_eq!(tokens.first(), "Bearer one");
        assert!(Tokens::of_file("Bearer", b"\n").is_err());
        assert_eq!(Tokens::new("", ["a\n"]).unwrap_err(), TokensError::Characters);
        assert_eq!(Tokens::new("", [""]).unwrap_err(), TokensError::Empty);
        assert!(!format!("{tokens:?}").contains("one"));
    }
}
