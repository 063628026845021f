//! Where a value was written.

use std::fmt;
use std::sync::Arc;

/// A text that configuration was read from, with the name that people know it by.
#[derive(PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
}

impl Source {
    /// A source called `name`, such as a file's path. A byte order mark is no part of the text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let mut text = text.into();
        if text.starts_with('\u{feff}') {
            text.remove(0);
        }
        Arc::new(Self { name: name.into(), text })
    }

    /// The name: `collector.yaml`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// One line, counted from 1, without its line break.
    pub(crate) fn line(&self, number: u32) -> Option<&str> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.text.lines().nth(index)
    }
}

/// The text may hold secrets: only the name is shown.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A place in a [`Source`]: of a value, or of the `${…}` reference that the value came through.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    source: Arc<Source>,
    line: u32,
    column: u32,
    width: u32,
    via: Option<Arc<str>>,
}

impl Origin {
    /// A place. `line` and `column` count from 1, `column` and `width` in characters.
    pub(crate) fn new(source: Arc<Source>, line: u32, column: u32, width: u32) -> Self {
        Self { source, line, column, width, via: None }
    }

    /// The same place, for a value that `reference` brought there and that the text does not show.
    pub(crate) fn through(mut self, reference: &str) -> Self {
        self.via = Some(reference.into());
        self
    }

    /// The text that holds the place.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The line, counted from 1.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The column, counted from 1 in characters.
    pub fn column(&self) -> u32 {
        self.column
    }

    /// How many characters of the line belong to what is meant; at least 1.
    pub(crate) fn width(&self) -> u32 {
        self.width.max(1)
    }

    /// The reference that brought the value, as written: `${env:TOKEN}`. Nothing when the text holds the value itself.
    pub fn via(&self) -> Option<&str> {
        self.via.as_deref()
    }
}

/// `collector.yaml:12:9`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.name, self.line, self.column)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
