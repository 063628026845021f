//! Keys of the Go collector that cannot be honoured yet: they are known, and refused when they ask for something.

use std::borrow::Cow;

use etalon_conf::{Check, Validate};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

/// The value of a key that is refused unless it is absent, null, false, zero, or empty, which asks for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsupported {
    asked_for: bool,
}

impl Validate for Unsupported {
    fn validate(&self, check: &mut Check) {
        if self.asked_for {
            check.error_with_help("this key is not supported yet by this version", "remove it");
        }
    }
}

impl Serialize for Unsupported {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_none()
    }
}

impl<'de> Deserialize<'de> for Unsupported {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Asks;

        impl<'de> Visitor<'de> for Asks {
            type Value = bool;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("nothing")
            }

            fn visit_unit<E>(self) -> Result<bool, E> {
                Ok(false)
            }

            fn visit_none<E>(self) -> Result<bool, E> {
                Ok(false)
            }

            fn visit_bool<E>(self, value: bool) -> Result<bool, E> {
                Ok(value)
            }

            fn visit_i64<E>(self, value: i64) -> Result<bool, E> {
                Ok(value != 0)
            }

            fn visit_u64<E>(self, value: u64) -> Result<bool, E> {
                Ok(value != 0)
            }

            fn visit_f64<E>(self, value: f64) -> Result<bool, E> {
                Ok(value != 0.0)
            }

            fn visit_str<E>(self, value: &str) -> Result<bool, E> {
                Ok(!matches!(value, "" | "0" | "0s"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
                let mut asks = false;
                while items.next_element::<Unsupported>()?.is_some() {
                    asks = true;
                }
                Ok(asks)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<bool, A::Error> {
                let mut asks = false;
                while let Some((_, value)) = entries.next_entry::<String, Unsupported>()? {
                    asks |= value.asked_for;
                }
                Ok(asks)
            }
        }

        deserializer.deserialize_any(Asks).map(|asked_for| Self { asked_for })
    }
}

impl JsonSchema for Unsupported {
    fn schema_name() -> Cow<'static, str> {
        "Unsupported".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        etalon_conf::unsupported()
    }
}
