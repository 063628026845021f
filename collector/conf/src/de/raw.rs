//! A part of the tree that nobody types.

use std::fmt;

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::context;
use crate::{Content, Node};

/// The name under which a [`Node`] asks for itself.
pub(super) const NODE: &str = "$etalon_conf::Node";

/// A part of the tree as it was written, places included; nothing where nothing was written. Defaults do not reach it.
impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Taken;

        impl Visitor<'_> for Taken {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a part of a configuration that this crate reads")
            }

            fn visit_unit<E>(self) -> Result<Node, E> {
                Ok(context::handed_over().unwrap_or_default())
            }
        }

        deserializer.deserialize_newtype_struct(NODE, Taken)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.content {
            Content::Null => serializer.serialize_none(),
            Content::Bool(bool) => serializer.serialize_bool(*bool),
            Content::Int(int) => match i64::try_from(*int) {
                Ok(int) => serializer.serialize_i64(int),
                Err(_) => serializer.serialize_i128(*int),
            },
            Content::Float(float) => serializer.serialize_f64(*float),
            Content::String(text) => serializer.serialize_str(text),
            Content::List(items) => serializer.collect_seq(items),
            Content::Map(entries) => {
                serializer.collect_map(entries.iter().map(|entry| (&entry.key, &entry.value)))
            }
        }
    }
}
