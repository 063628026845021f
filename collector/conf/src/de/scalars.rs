//! Scalars: nothing is converted, but what a `${…}` reference yielded is a string where a string is wanted.

use serde::de::Visitor;

use super::Overlay;
use super::error::DecodeError;
use super::view::View;
use crate::{Content, Node};

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            match self.int()?.try_into() {
                Ok(int) => visitor.$visit(int),
                Err(_) => Err(self.mismatch(&format!("a whole number from {} to {}", <$type>::MIN, <$type>::MAX))),
            }
        }
    )*};
}
pub(super) use integers;

pub(super) fn visit_int<'de, V: Visitor<'de>>(int: i128, visitor: V) -> Result<V::Value, DecodeError> {
    match (i64::try_from(int), u64::try_from(int)) {
        (Ok(int), _) => visitor.visit_i64(int),
        (_, Ok(int)) => visitor.visit_u64(int),
        _ => visitor.visit_i128(int),
    }
}

impl<'a> Overlay<'a> {
    pub(super) fn int(self) -> Result<i128, DecodeError> {
        match self.view() {
            View::Int(int) => Ok(int),
            #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and fits")]
            View::Float(float) if float.fract() == 0.0 && float.abs() < 1e18 => Ok(float as i128),
            View::Null => Ok(0),
            _ => Err(self.mismatch("a whole number")),
        }
    }

    pub(super) fn float(self) -> Result<f64, DecodeError> {
        match self.view() {
            View::Float(float) => Ok(float),
            View::Int(int) => Ok(int as f64),
            View::Null => Ok(0.0),
            _ => Err(self.mismatch("a number")),
        }
    }

    pub(super) fn text(self) -> Result<&'a str, DecodeError> {
        if let Some(text) = self.node.and_then(Node::original_text) {
            return Ok(text);
        }
        match self.view() {
            View::Str(text) => Ok(text),
            View::Null => Ok(""),
            _ => Err(self.mismatch("a string")),
        }
    }
}

/// The parts of `text` between commas, at the place of `whole`.
pub(super) fn split(text: &str, whole: Option<&Node>) -> Vec<Node> {
    if text.is_empty() {
        return Vec::new();
    }
    let origin = whole.and_then(Node::origin);
    text.split(',')
        .map(|part| Node { content: Content::String(part.to_owned()), origin: origin.cloned(), text: None })
        .collect()
}
