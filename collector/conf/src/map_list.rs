//! Named values in an order, such as headers.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::suggest::listed;
use crate::{Secret, TYPE_KEYWORD};

/// The name under which this crate's deserializer knows a [`MapList`].
pub(crate) const MAP_LIST: &str = "$etalon_conf::MapList";

/// Names and their secret values, such as headers. Written as a mapping, or as a list of `{name, value}`; no name twice.
///
/// What the user writes replaces the default as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapList(Vec<(String, Secret)>);

impl MapList {
    /// Without anything in it.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// In the order they were written.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The value of `name`, which must match exactly.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A later value of a name replaces an earlier one.
impl<N: Into<String>, V: Into<Secret>> FromIterator<(N, V)> for MapList {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut list = Vec::<(String, Secret)>::new();
        for (name, value) in pairs {
            let (name, value) = (name.into(), value.into());
            match list.iter_mut().find(|(known, _)| *known == name) {
                Some((_, earlier)) => *earlier = value,
                None => list.push((name, value)),
            }
        }
        Self(list)
    }
}

#[derive(Serialize, Deserialize)]
struct Pair {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: Secret,
}

impl Serialize for MapList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_seq(self.0.iter().map(|(name, value)| Pair { name: name.clone(), value: value.clone() }))
    }
}

impl<'de> Deserialize<'de> for MapList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = MapList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping, or a list of name and value")
            }

            fn visit_unit<E: de::Error>(self) -> Result<MapList, E> {
                Ok(MapList::new())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<MapList, A::Error> {
                let mut list = Vec::new();
                while let Some(pair) = entries.next_entry()? {
                    list.push(pair);
                }
                distinct(list)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<MapList, A::Error> {
                let mut list = Vec::new();
                while let Some(Pair { name, value }) = items.next_element()? {
                    list.push((name, value));
                }
                distinct(list)
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<MapList, D::Error> {
                deserializer.deserialize_any(self)
            }
        }

        deserializer.deserialize_newtype_struct(MAP_LIST, Pairs)
    }
}

impl JsonSchema for MapList {
    fn schema_name() -> Cow<'static, str> {
        "MapList".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["object", "array"],
            "additionalProperties": { "type": "string" },
            "items": {
                "type": "object",
                "properties": { "name": { "type": "string" }, "value": { "type": "string" } },
            },
            TYPE_KEYWORD: "mapping, or list of name and value",
        })
    }
}

fn distinct<E: de::Error>(list: Vec<(String, Secret)>) -> Result<MapList, E> {
    let mut names: Vec<&str> = list.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let mut twice: Vec<&str> =
        names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    twice.dedup();
    if twice.is_empty() {
        return Ok(MapList(list));
    }
    Err(E::custom(format!("duplicate keys in map-style list: {}", listed(twice))))
}
