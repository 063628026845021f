//! The names of components and pipelines.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::TYPE_KEYWORD;

/// The name under which this crate's deserializer knows a [`ComponentId`].
pub(crate) const COMPONENT_ID: &str = "$etalon_conf::ComponentId";

/// Most characters of a type.
pub const MAX_TYPE_CHARS: usize = 63;
/// Most bytes of a name.
pub const MAX_NAME_BYTES: usize = 1024;

/// Which component: `type` or `type/name`, such as `otlp_grpc/backup`. Cheap to clone.
///
/// Blanks around either part do not count. Ordered by type, then by name.
#[derive(Clone, PartialEq, Eq)]
pub struct ComponentId {
    text: Arc<str>,
    kind_len: usize,
}

/// A text is no component id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing there.
    #[error("id must not be empty")]
    Empty,
    /// Nothing before the slash.
    #[error("in {0:?} id: the part before / should not be empty")]
    TypeEmpty(String),
    /// Nothing after the slash.
    #[error("in {0:?} id: the part after / should not be empty")]
    NameEmpty(String),
    /// A type is an ASCII letter, then up to 62 ASCII letters, digits and underscores.
    #[error("invalid character(s) in type {0:?}")]
    Type(String),
    /// A name has at most [`MAX_NAME_BYTES`] and no blanks, control characters or symbols.
    #[error("invalid character(s) in name {0:?}")]
    Name(String),
}

impl ComponentId {
    /// An id of a type without a name.
    pub fn of_type(kind: &str) -> Result<Self, IdError> {
        kind.parse().and_then(
            |id: Self| if id.name().is_empty() { Ok(id) } else { Err(IdError::Type(kind.to_owned())) },
        )
    }

    /// The type: `otlp_grpc`.
    pub fn kind(&self) -> &str {
        &self.text[..self.kind_len]
    }

    /// The name: `backup`; empty when there is none.
    pub fn name(&self) -> &str {
        self.text.get(self.kind_len + 1..).unwrap_or_default()
    }

    /// The whole, without blanks: `otlp_grpc/backup`.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for ComponentId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (kind, name) = match text.split_once('/') {
            Some((kind, name)) => (kind.trim(), Some(name.trim())),
            None => (text.trim(), None),
        };
        if kind.is_empty() {
            return Err(if name.is_some() { IdError::TypeEmpty(text.to_owned()) } else { IdError::Empty });
        }
        if !is_type(kind) {
            return Err(IdError::Type(kind.to_owned()));
        }
        let Some(name) = name else {
            return Ok(Self { text: kind.into(), kind_len: kind.len() });
        };
        if name.is_empty() {
            return Err(IdError::NameEmpty(text.to_owned()));
        }
        if name.len() > MAX_NAME_BYTES || !name.chars().all(is_of_name) {
            return Err(IdError::Name(name.to_owned()));
        }
        Ok(Self { text: format!("{kind}/{name}").into(), kind_len: kind.len() })
    }
}

fn is_type(text: &str) -> bool {
    text.len() <= MAX_TYPE_CHARS
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_of_name(char: char) -> bool {
    match char.general_category_group() {
        GeneralCategoryGroup::Separator | GeneralCategoryGroup::Symbol => false,
        // Code points that Unicode has not assigned yet may become letters.
        GeneralCategoryGroup::Other => char.general_category() == GeneralCategory::Unassigned,
        _ => true,
    }
}

impl PartialOrd for ComponentId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ComponentId {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.kind(), self.name()).cmp(&(other.kind(), other.name()))
    }
}

impl Hash for ComponentId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for ComponentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for ComponentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Id;

        impl<'de> Visitor<'de> for Id {
            type Value = ComponentId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id: type or type/name")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ComponentId, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<ComponentId, D::Error> {
                deserializer.deserialize_str(self)
            }
        }

        deserializer.deserialize_newtype_struct(COMPONENT_ID, Id)
    }
}

impl JsonSchema for ComponentId {
    fn schema_name() -> Cow<'static, str> {
        "ComponentId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", TYPE_KEYWORD: "component id" })
    }
}

#[cfg(test)]
mod tests;
