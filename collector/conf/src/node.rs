//! A YAML tree whose every key and value knows where it was written.

use std::fmt;
use std::sync::Arc;

use crate::{Origin, Value};

/// A value and where it was written.
#[derive(Clone, Default, PartialEq)]
pub struct Node {
    pub(crate) content: Content,
    pub(crate) origin: Option<Origin>,
    pub(crate) text: Option<Arc<str>>,
}

/// What a [`Node`] holds, typed as YAML types it.
#[derive(Clone, Default, PartialEq)]
pub enum Content {
    /// `null`, `~`, or nothing.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number from `i64::MIN` to `u64::MAX`.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// Any other scalar.
    String(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the text, without duplicate keys.
    Map(Vec<Entry>),
}

/// A key of a mapping, and its value.
#[derive(Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key was written.
    pub origin: Option<Origin>,
    /// The value.
    pub value: Node,
}

impl Node {
    /// A value that was written nowhere.
    pub fn new(content: Content) -> Self {
        Self { content, origin: None, text: None }
    }

    pub(crate) fn at(content: Content, origin: Origin) -> Self {
        Self { content, origin: Some(origin), text: None }
    }

    /// What it holds.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Where it was written.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// The text that a string-typed key gets when the value is a whole `${…}` reference: what the reference yielded,
    /// before YAML typed it. Nothing for any other value.
    pub fn original_text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Whether nothing is there.
    pub fn is_null(&self) -> bool {
        matches!(self.content, Content::Null)
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The value at the end of `path`, whose parts are joined by `::`.
    pub fn find(&self, path: &str) -> Option<&Node> {
        path.split("::").try_fold(self, |node, key| node.get(key))
    }

    /// The entries of a mapping; none when it is something else.
    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of a list; none when it is something else.
    pub fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// The same tree without places, for printing.
    pub fn to_value(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(bool) => Value::Bool(*bool),
            Content::Int(int) => Value::Int(*int),
            Content::Float(float) => Value::Float(*float),
            Content::String(text) => Value::String(text.clone()),
            Content::List(items) => Value::List(items.iter().map(Node::to_value).collect()),
            Content::Map(entries) => {
                Value::Map(entries.iter().map(|entry| (entry.key.clone(), entry.value.to_value())).collect())
            }
        }
    }
}

impl Content {
    /// What people call it: `a string`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// Values may be secrets: only the shape is shown.
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{:?} at {origin}", self.content),
            None => self.content.fmt(f),
        }
    }
}

/// Values may be secrets: only the shape is shown.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Map(entries) => {
                f.debug_map().entries(entries.iter().map(|entry| (&entry.key, &entry.value))).finish()
            }
            scalar => f.write_str(scalar.kind()),
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.key, self.value)
    }
}
