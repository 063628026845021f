//! Where configuration comes from: `scheme:opaque`.

/// A scheme, and what only its provider understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) scheme: String,
    pub(crate) opaque: String,
}

impl Location {
    /// A location that a user gave: a path needs no scheme, and one letter before a colon is a drive.
    pub(crate) fn of_argument(uri: &str) -> Option<Self> {
        let is_drive = matches!(uri.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
        if is_drive || !uri.contains(':') {
            return Some(Self { scheme: "file".to_owned(), opaque: uri.to_owned() });
        }
        Self::parse(uri)
    }

    /// `scheme:opaque`: the scheme is a letter, then one or more letters, digits, `+`, `.` and `-`.
    pub(crate) fn parse(uri: &str) -> Option<Self> {
        let (scheme, opaque) = uri.split_once(':')?;
        let is_scheme = scheme.len() >= 2
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-'));
        is_scheme.then(|| Self { scheme: scheme.to_owned(), opaque: opaque.to_owned() })
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.scheme, self.opaque)
    }
}
