//! Defaults that a part brings itself, where nothing above it has any for it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use super::context;
use crate::to_value;

/// The name under which a part brings its own defaults.
pub(super) const LAYERED: &str = "$etalon_conf::Layered";

/// A part that starts from its own defaults when nothing above it has any for it.
pub(crate) struct Layered<T>(pub(crate) T);

impl<'de, T: DeserializeOwned + Default + Serialize> Deserialize<'de> for Layered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Inner<T>(PhantomData<T>);

        impl<'de, T: DeserializeOwned> Visitor<'de> for Inner<T> {
            type Value = Layered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Self::Value, D::Error> {
                T::deserialize(deserializer).map(Layered)
            }
        }

        context::set_pending_layer(to_value(&T::default()));
        deserializer.deserialize_newtype_struct(LAYERED, Inner(PhantomData))
    }
}
