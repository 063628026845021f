//! One way to look at a written value and at a default.

use crate::{Content, Node, Value};

/// The kind of a value, and the value if it is a scalar.
#[derive(Clone, Copy, Debug)]
pub(super) enum View<'a> {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(&'a str),
    List,
    Map,
}

impl<'a> View<'a> {
    pub(super) fn of_node(node: &'a Node) -> Self {
        match &node.content {
            Content::Null => Self::Null,
            Content::Bool(bool) => Self::Bool(*bool),
            Content::Int(int) => Self::Int(*int),
            Content::Float(float) => Self::Float(*float),
            Content::String(text) => Self::Str(text),
            Content::List(_) => Self::List,
            Content::Map(_) => Self::Map,
        }
    }

    pub(super) fn of_value(value: &'a Value) -> Self {
        match value {
            Value::Null | Value::Off(_) => Self::Null,
            Value::Bool(bool) => Self::Bool(*bool),
            Value::Int(int) => Self::Int(*int),
            Value::Float(float) => Self::Float(*float),
            Value::String(text) => Self::Str(text),
            Value::Secret(secret) => Self::Str(secret.expose()),
            Value::Duration(duration) => Self::Int(duration.as_nanos().into()),
            Value::List(_) => Self::List,
            Value::Map(_) => Self::Map,
        }
    }
}
