//! What stops one run of decoding.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::view::View;
use crate::suggest::{listed, nearest};

/// Why a value could not be read.
#[derive(Debug)]
pub(crate) enum DecodeError {
    /// It is already among the problems.
    Recorded,
    /// In words.
    Message(String),
    /// In words, and what to do.
    Advice(String, String),
    /// A key that must be there is not.
    Missing(&'static str),
}

impl DecodeError {
    pub(super) fn mismatch(got: View<'_>, expected: &str) -> Self {
        let (got, is_typed) = match got {
            View::Null => ("nothing".to_owned(), false),
            View::Bool(bool) => (format!("the boolean {bool}"), true),
            View::Int(int) => (format!("the number {int}"), true),
            View::Float(float) => (format!("the number {float}"), true),
            View::Str(text) => (format!("the string {text:?}"), false),
            View::List => ("a list".to_owned(), false),
            View::Map => ("a mapping".to_owned(), false),
        };
        let message = format!("expected {expected}, got {got}");
        if is_typed && expected == "a string" {
            return Self::Advice(message, "put it in quotes".to_owned());
        }
        Self::Message(message)
    }
}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Message(message.to_string())
    }

    fn invalid_type(got: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let view = match got {
            Unexpected::Bool(bool) => View::Bool(bool),
            Unexpected::Unsigned(int) => View::Int(int.into()),
            Unexpected::Signed(int) => View::Int(int.into()),
            Unexpected::Float(float) => View::Float(float),
            Unexpected::Str(text) => View::Str(text),
            Unexpected::Seq => View::List,
            Unexpected::Map => View::Map,
            Unexpected::Unit | Unexpected::Option => View::Null,
            other => return Self::Message(format!("expected {expected}, got {other}")),
        };
        Self::mismatch(view, &expected.to_string())
    }

    fn invalid_value(got: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(got, expected)
    }

    fn invalid_length(len: usize, expected: &dyn Expected) -> Self {
        Self::Message(format!("expected {expected}, got {len}"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let help = match nearest(variant, expected.iter().copied()) {
            Some(word) => format!("did you mean {word:?}?"),
            None => format!("valid values are {}", listed(expected.iter().copied())),
        };
        Self::Advice(format!("unknown value {variant:?}"), help)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recorded => f.write_str("already reported"),
            Self::Message(message) => f.write_str(message),
            Self::Advice(message, help) => write!(f, "{message}; {help}"),
            Self::Missing(field) => write!(f, "missing key {field:?}"),
        }
    }
}

impl std::error::Error for DecodeError {}
