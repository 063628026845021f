//! From a [`Node`] to a typed configuration, over the defaults of its type.
//!
//! The defaults are a layer below what the user wrote: `T::default()` as a [`Value`]. [`Overlay`] is a serde
//! deserializer of both at once, so every nested default comes from the parent that set it. A value that is wrong
//! is recorded and then treated as if it were not there, and the whole is read again, until nothing else is wrong:
//! this is how one run reports every problem.

mod access;
mod context;
mod error;
mod layered;
mod raw;
mod scalars;
mod view;

use std::cell::RefCell;

use serde::Serialize;
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};

use self::access::{Elements, Flavored, Keyed, Siblings, Tuple, Variant};
use self::context::{Context, Path};
use self::error::DecodeError;
use self::layered::LAYERED;
pub(crate) use self::layered::Layered;
use self::raw::NODE;
use self::view::View;
use crate::id::COMPONENT_ID;
use crate::map_list::MAP_LIST;
use crate::optional::{Flavor, OPTIONAL};
use crate::problem::Shown;
use crate::secret::SECRET;
use crate::{Check, Content, Node, Problems, Validate, Value, to_value};

/// Most problems that one decoding reports.
pub const MAX_PROBLEMS: usize = 100;

impl Node {
    /// Reads a `T` over `T::default()`. All problems at once (at most [`MAX_PROBLEMS`]): unknown keys, wrong types,
    /// values that a type refuses.
    ///
    /// * What is not written, or is `null`, keeps its default. Mappings are merged, lists are replaced.
    /// * A key that a struct does not have is a problem. Do not use `serde(flatten)`, `serde(untagged)` or
    ///   `serde(deny_unknown_fields)`: they hide keys or places. A tuple of structs that meets a mapping reads all of
    ///   them from it, and serializes as one mapping: `#[serde(from = "(A, B)", into = "(A, B)")]` joins blocks,
    ///   with [`joined`](crate::joined).
    /// * Elements of lists and new entries of mappings start from the defaults that their type gives to serde:
    ///   write `#[serde(default)]` on structs.
    /// * Nothing is converted, but: a string is split at commas where a list is expected; a string-typed key gets the
    ///   original text of a `${…}` reference; a whole number is also a duration in nanoseconds.
    pub fn decode<T: DeserializeOwned + Default + Serialize>(&self) -> Result<T, Problems> {
        self.decode_over(&T::default())
    }

    /// Reads a `T` over other defaults than `T::default()`.
    pub fn decode_over<T: DeserializeOwned + Serialize>(&self, defaults: &T) -> Result<T, Problems> {
        let defaults = to_value(defaults);
        let context = Context::default();
        for _ in 0..MAX_PROBLEMS {
            context.begin();
            let overlay = Overlay::root(self, &defaults, &context);
            let attempt = T::deserialize(overlay).map_err(|error| overlay.record(error));
            if attempt.is_ok() || context.is_stuck() {
                return context.finish(attempt.ok());
            }
        }
        context.finish(None)
    }

    /// Reads a `T` and runs its rules. The problems know their places.
    pub fn decode_valid<T: DeserializeOwned + Default + Serialize + Validate>(&self) -> Result<T, Problems> {
        let config: T = self.decode()?;
        Check::run(&config).map_err(|problems| problems.locate(self))?;
        Ok(config)
    }
}

/// What the user wrote, over a default; either may be missing.
#[derive(Clone, Copy)]
pub(crate) struct Overlay<'a> {
    node: Option<&'a Node>,
    default: Option<&'a Value>,
    context: &'a Context,
    path: &'a Path<'a>,
    /// The struct whose field this is.
    of_struct: Option<&'a Keyed<'a>>,
    /// What other structs read the same mapping.
    siblings: Option<&'a RefCell<Siblings>>,
    /// Whether `enabled` is not a key of this block but the switch of the optional block around it.
    switched: bool,
}

impl<'a> Overlay<'a> {
    fn root(node: &'a Node, default: &'a Value, context: &'a Context) -> Self {
        let node = (!context.is_masked(&Path::ROOT)).then_some(node);
        let default = Some(default);
        Self { node, default, context, path: &Path::ROOT, of_struct: None, siblings: None, switched: false }
    }

    /// A part of this at `path`.
    fn part(self, node: Option<&'a Node>, default: Option<&'a Value>, path: &'a Path<'a>) -> Self {
        let node = node.filter(|_| !self.context.is_masked(path));
        Self { node, default, context: self.context, path, of_struct: None, siblings: None, switched: false }
    }

    /// What decides: what the user wrote, or the default where they wrote nothing.
    fn view(self) -> View<'a> {
        match self.node {
            Some(node) if !(node.is_null() && self.default.is_some_and(|default| !default.is_null())) => {
                View::of_node(node)
            }
            _ => self.default.map_or(View::Null, View::of_value),
        }
    }

    /// Records what is wrong with this value, unless something in it already was.
    fn record(self, error: DecodeError) -> DecodeError {
        self.context.record(error, self.path, self.node)
    }

    fn mismatch(self, expected: &str) -> DecodeError {
        DecodeError::mismatch(self.view(), expected)
    }

    fn optional<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let carried = match self.default {
            Some(Value::Off(carried)) => carried.as_deref(),
            default => default.filter(|default| !default.is_null()),
        };
        let (starts_on, is_block) = match self.default {
            Some(Value::Off(_) | Value::Null) | None => (false, true),
            Some(default) => (true, matches!(default, Value::Map(_))),
        };
        let is_block = is_block && carried.is_none_or(|carried| matches!(carried, Value::Map(_)));
        let inner = Self { default: carried, ..self };
        let flavor = match self.node.map(|node| (&node.content, node)) {
            None if starts_on => Flavor::On,
            None => carried.map_or(Flavor::None, |_| Flavor::Off),
            // For a block, the key alone turns it on; for a scalar, nothing means off.
            Some((Content::Null, _)) => {
                if is_block && carried.is_some() {
                    Flavor::On
                } else {
                    Flavor::None
                }
            }
            Some((Content::Map(_), node)) => match self.switch(node) {
                None | Some(Content::Bool(true)) => carried.map_or(Flavor::OnFresh, |_| Flavor::On),
                Some(Content::Bool(false)) => Flavor::Dropped,
                Some(other) => return Err(self.switch_is_wrong(other)),
            },
            Some(_) => carried.map_or(Flavor::OnFresh, |_| Flavor::On),
        };
        let inner = Self { switched: true, ..inner };
        visitor.visit_seq(Flavored::new(flavor, inner))
    }

    /// The value of `enabled`, unless an earlier run refused it.
    fn switch(self, block: &'a Node) -> Option<&'a Content> {
        let is_masked = self.context.is_masked(&self.path.then("enabled"));
        block.get("enabled").filter(|_| !is_masked).map(Node::content)
    }

    fn switch_is_wrong(self, written: &Content) -> DecodeError {
        let path = self.path.then("enabled");
        let node = self.node.and_then(|node| node.get("enabled"));
        let message = format!("expected true or false, got {}", written.kind());
        self.context.record(DecodeError::Message(message), &path, node)
    }
}

impl<'de> Deserializer<'de> for Overlay<'_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.view() {
            View::Null => visitor.visit_unit(),
            View::Bool(bool) => visitor.visit_bool(bool),
            View::Int(int) => scalars::visit_int(int, visitor),
            View::Float(float) => visitor.visit_f64(float),
            View::Str(text) => visitor.visit_str(text),
            View::List => self.deserialize_seq(visitor),
            View::Map => self.deserialize_map(visitor),
        }
    }

    scalars::integers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64, deserialize_i128 visit_i128 i128,
        deserialize_u128 visit_u128 u128
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.view() {
            View::Bool(bool) => visitor.visit_bool(bool),
            View::Null => visitor.visit_bool(false),
            _ => Err(self.mismatch("true or false")),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_bytes(self.text()?.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.view() {
            View::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.view() {
            View::Null => visitor.visit_unit(),
            _ => Err(self.mismatch("nothing")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match name {
            OPTIONAL => self.optional(visitor),
            MAP_LIST => {
                let default = self.default.filter(|_| self.node.is_none_or(Node::is_null));
                visitor.visit_newtype_struct(Self { default, ..self })
            }
            SECRET => visitor
                .visit_newtype_struct(self)
                .map_err(|error| self.context.record_showing(error, self.path, self.node, Shown::Nothing)),
            LAYERED => {
                let layer = context::pending_layer();
                let default = self.default.or(layer.as_ref());
                visitor.visit_newtype_struct(Overlay { default, ..self })
            }
            NODE => {
                context::hand_over(self.node.cloned());
                visitor.visit_unit()
            }
            COMPONENT_ID => visitor.visit_newtype_struct(self),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.view() {
            View::List => visitor.visit_seq(Elements::new(self)),
            View::Null => visitor.visit_seq(Elements::none(self)),
            View::Str(text) => {
                let parts = scalars::split(text, self.node);
                let list = Node { content: Content::List(parts), ..Node::default() };
                visitor.visit_seq(Elements::new(Overlay { node: Some(&list), default: None, ..self }))
            }
            _ => Err(self.mismatch("a list")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        match self.view() {
            View::Map => self.tuple(len, visitor),
            View::Null if !matches!(self.default, Some(Value::List(_))) => self.tuple(len, visitor),
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.keyed(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.keyed(Some(fields), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.view() {
            View::Map => visitor.visit_enum(Variant::of(self)?),
            View::Null | View::List => Err(self.mismatch("a string")),
            _ => visitor.visit_enum(self.text()?.into_deserializer()),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    /// A struct ignores what it does not know: this is where unknown keys are found.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if let (Some(parent), Some(_)) = (self.of_struct, self.node) {
            parent.unknown_key();
        }
        visitor.visit_unit()
    }
}

impl Overlay<'_> {
    fn keyed<'de, V: Visitor<'de>>(
        self,
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.view() {
            View::Map | View::Null => visitor.visit_map(access::Entries::new(self, fields)),
            _ => Err(self.mismatch("a mapping")),
        }
    }

    fn tuple<'de, V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        let siblings = RefCell::new(Siblings::default());
        let value = visitor.visit_seq(Tuple::new(self, len, &siblings))?;
        siblings.into_inner().report(len, self);
        Ok(value)
    }
}

#[cfg(test)]
mod tests;
