//! What dashboards and rule files have in common: a tree whose texts know where they were written.

use std::fmt;

use etalon_conf::{Content, Node};

use super::json;
use crate::promql::Span;

/// Most bytes of a file.
pub const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Map(Vec<(String, Tree)>),
    List(Vec<Tree>),
    Text(Text),
    Bool(bool),
    /// A number, or nothing.
    Other,
}

/// A text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text {
    pub(super) text: String,
    /// Where it begins in the file, with its quotes: bytes.
    pub(super) start: usize,
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct InputError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// `3:7: not valid JSON`.
impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl InputError {
    pub(super) fn at(text: &str, at: usize, message: String) -> Self {
        let (line, column) = position(text, at);
        Self { line, column, message }
    }
}

/// Where the lines of a text begin.
pub(super) fn line_starts(text: &str) -> Vec<usize> {
    [0].into_iter().chain(text.match_indices('\n').map(|(newline, _)| newline + 1)).collect()
}

/// Line and column of a byte, from 1, the column in characters.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Reads YAML, of which there may be several documents.
pub(super) fn parse_yaml(text: &str) -> Result<Vec<Tree>, InputError> {
    let mut trees = Vec::new();
    let lines = line_starts(text);
    for (start, document) in documents(text) {
        // The lines before keep their numbers.
        let padded = "\n".repeat(text[..start].matches('\n').count()) + document;
        let node = Node::parse("file", &padded).map_err(|problems| {
            let first = problems.iter().next();
            let origin = first.and_then(|problem| problem.origin());
            InputError {
                line: origin.map_or(1, |origin| origin.line() as usize),
                column: origin.map_or(1, |origin| origin.column() as usize),
                message: first.map(|problem| problem.message().to_owned()).unwrap_or_default(),
            }
        })?;
        trees.push(of_node(&node, text, &lines));
    }
    Ok(trees)
}

/// The documents of a YAML text, and where each begins.
fn documents(text: &str) -> Vec<(usize, &str)> {
    let mut documents = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" {
            documents.push((start, &text[start..at]));
            start = at + line.len();
        }
        at += line.len();
    }
    documents.push((start, &text[start..]));
    documents.retain(|(_, document)| !document.trim().is_empty());
    documents
}

fn of_node(node: &Node, text: &str, lines: &[usize]) -> Tree {
    match node.content() {
        Content::Map(entries) => Tree::Map(
            entries.iter().map(|entry| (entry.key.clone(), of_node(&entry.value, text, lines))).collect(),
        ),
        Content::List(items) => Tree::List(items.iter().map(|item| of_node(item, text, lines)).collect()),
        Content::String(string) => {
            let start = node.origin().map_or(0, |origin| {
                let line = lines.get(origin.line() as usize - 1).copied().unwrap_or(0);
                let columns = text[line..].char_indices().nth(origin.column() as usize - 1);
                line + columns.map_or(0, |(column, _)| column)
            });
            Tree::Text(Text { text: string.clone(), start })
        }
        Content::Bool(bool) => Tree::Bool(*bool),
        // A number is an expression too.
        Content::Null | Content::Int(_) | Content::Float(_) => Tree::Other,
    }
}

impl Tree {
    pub(super) fn get(&self, key: &str) -> Option<&Tree> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// What is at the end of a path of keys, joined by dots.
    pub(super) fn find(&self, path: &str) -> Option<&Tree> {
        path.split('.').try_fold(self, |tree, key| tree.get(key))
    }

    pub(super) fn entries(&self) -> &[(String, Tree)] {
        match self {
            Self::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn items(&self) -> &[Tree] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn text(&self) -> Option<&Text> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        self.text().map(|text| text.text.as_str())
    }

    /// The text of a key.
    pub(super) fn str_of(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Tree::as_str)
    }
}

/// A text, and for each of its bytes where it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Written {
    pub(super) text: String,
    /// For each byte of the text, the bytes of the file that it stands for.
    places: Vec<Span>,
}

impl Written {
    /// A whole text that stands in the file as it is.
    pub(super) fn plain(text: &str, start: usize) -> Self {
        let places = (start..start + text.len()).map(|at| Span::new(at, at + 1)).collect();
        Self { text: text.to_owned(), places }
    }

    /// A text of a tree, found again in the file.
    pub(super) fn of(text: &Text, file: &str) -> Self {
        let start = text.start.min(file.len());
        let places = align(&text.text, file, start)
            .unwrap_or_else(|| vec![Span::new(start, (start + 1).min(file.len())); text.text.len()]);
        Self { text: text.text.clone(), places }
    }

    /// A part of it.
    pub(super) fn part(&self, span: Span) -> Self {
        Self { text: self.text[span.range()].to_owned(), places: self.places[span.range()].to_vec() }
    }

    /// Appends text that stands for `place`.
    pub(super) fn push(&mut self, text: &str, place: Span) {
        self.text.push_str(text);
        self.places.extend(std::iter::repeat_n(place, text.len()));
    }

    /// Appends a part of another.
    pub(super) fn push_part(&mut self, other: &Self, span: Span) {
        self.text.push_str(&other.text[span.range()]);
        self.places.extend_from_slice(&other.places[span.range()]);
    }

    /// Where a part of it was written.
    pub(super) fn place(&self, span: Span) -> Span {
        let last = self.places.len().saturating_sub(1);
        match (self.places.get(span.start.min(last)), self.places.get(span.end.saturating_sub(1).min(last))) {
            (Some(first), Some(last)) => first.to(*last),
            _ => Span::default(),
        }
    }

    /// Where a part of it was written, if it stands there letter by letter, so that it may be rewritten.
    pub(super) fn literal(&self, span: Span, file: &str) -> Option<Span> {
        let place = self.place(span);
        (file.get(place.range()) == self.text.get(span.range())).then_some(place)
    }
}

/// For each byte of a scalar, where it is in the file, which has it from `start` on; nothing when it is not found.
fn align(text: &str, file: &str, start: usize) -> Option<Vec<Span>> {
    let rest = file.get(start..)?;
    let style = rest.chars().next()?;
    let mut at = match style {
        '"' | '\'' => start + 1,
        '|' | '>' => start + rest.find('\n')? + 1,
        _ => start,
    };
    let mut places = Vec::with_capacity(text.len());
    for char in text.chars() {
        // Indentation, and line breaks where they are folded, belong to nothing.
        if !char.is_whitespace() {
            let rest = &file[at..];
            at += rest.len() - rest.trim_start().len();
        }
        let length = match file[at..].chars().next() {
            Some('\\') if style == '"' => {
                let (found, length) = json::escape(&file[at..])?;
                (found == char).then_some(length)?
            }
            Some('\'') if style == '\'' => 2,
            Some(found) if found == char || found.is_whitespace() && char.is_whitespace() => found.len_utf8(),
            // The line break at the end of a block.
            _ if char.is_whitespace() => 0,
            _ => return None,
        };
        places.extend(std::iter::repeat_n(Span::new(at, at + length), char.len_utf8()));
        at += length;
    }
    Some(places)
}
