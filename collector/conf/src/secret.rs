//! A string that does not show itself.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::TYPE_KEYWORD;

/// What stands for a secret wherever it is printed.
pub const REDACTED: &str = "[REDACTED]";

/// The name under which this crate's serializer and deserializer know a [`Secret`].
pub(crate) const SECRET: &str = "$etalon_conf::Secret";

/// A string that prints as `[REDACTED]`, whatever prints it. Only [`Secret::expose`] gives the text.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret(String);

impl Secret {
    /// Without a text.
    pub const EMPTY: Self = Self(String::new());

    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(SECRET, &Text(&self.0))
    }
}

struct Text<'a>(&'a str);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if confided() { self.0 } else { REDACTED })
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Hidden;

        impl<'de> Visitor<'de> for Hidden {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Secret, D::Error> {
                String::deserialize(deserializer).map(Secret)
            }
        }

        deserializer.deserialize_newtype_struct(SECRET, Hidden)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", TYPE_KEYWORD: "secret" })
    }
}

thread_local! {
    /// Set for the one call in which this crate's own serializer takes what others must not see.
    static CONFIDED: Cell<bool> = const { Cell::new(false) };
}

/// Lets the next call of [`confided`] within `take` say yes.
pub(crate) fn confide<T>(take: impl FnOnce() -> T) -> T {
    CONFIDED.set(true);
    let taken = take();
    CONFIDED.set(false);
    taken
}

/// Whether the caller serializes into this crate's own tree. Says so once, so that nothing below inherits it.
pub(crate) fn confided() -> bool {
    CONFIDED.take()
}
