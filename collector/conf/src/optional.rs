//! A block that may be off, and that may carry defaults while it is.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, DeserializeOwned, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::de::Layered;
use crate::secret::confided;
use crate::{Check, OPTIONAL_KEYWORD, Validate};

/// The name under which this crate's deserializer knows an [`Optional`].
pub(crate) const OPTIONAL: &str = "$etalon_conf::Optional";
/// The name under which this crate's serializer knows an [`Optional`] that is off.
pub(crate) const OFF: &str = "$etalon_conf::Off";

/// A block that is on or off. A default of one of the three kinds decides what the user must write to turn it on:
///
/// | written | [`Optional::none`] | [`Optional::off`] | [`Optional::on`] |
/// |---|---|---|---|
/// | no key | off | off | on, with the default |
/// | `key:` | off | on, with the default | on, with the default |
/// | `key: {}` | on, with `T::default()` | on, with the default | on, with the default |
/// | `key: {…}` | on, over `T::default()` | on, over the default | on, over the default |
/// | `enabled: false` in it | off | off | off |
/// | `enabled: true` in it | on | on | on |
///
/// A block that is off is read (so that a mistyped key in it is found) and not validated. It is printed as `null`, or where
/// that would turn it on, as `{enabled: false}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Optional<T>(State<T>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum State<T> {
    None,
    Off(T),
    On(T),
}

/// How the deserializer tells an [`Optional`] which it shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Flavor {
    /// Off, without a value.
    None,
    /// Off, with a value.
    Off,
    /// On, over the value of the default.
    On,
    /// On, over `T::default()`.
    OnFresh,
    /// Off, whatever else is written.
    Dropped,
}

impl<T> Optional<T> {
    /// Off until the user writes a mapping.
    pub const fn none() -> Self {
        Self(State::None)
    }

    /// Off until the user writes the key; then `value` unless they override it.
    pub const fn off(value: T) -> Self {
        Self(State::Off(value))
    }

    /// On.
    pub const fn on(value: T) -> Self {
        Self(State::On(value))
    }

    /// Whether it is on.
    pub const fn is_on(&self) -> bool {
        matches!(self.0, State::On(_))
    }

    /// The block, when it is on.
    pub const fn get(&self) -> Option<&T> {
        match &self.0 {
            State::On(value) => Some(value),
            State::None | State::Off(_) => None,
        }
    }

    /// The block, when it is on.
    pub const fn get_mut(&mut self) -> Option<&mut T> {
        match &mut self.0 {
            State::On(value) => Some(value),
            State::None | State::Off(_) => None,
        }
    }
}

impl<T> Default for Optional<T> {
    fn default() -> Self {
        Self::none()
    }
}

impl<T: Validate> Validate for Optional<T> {
    fn validate(&self, check: &mut Check) {
        if let Some(value) = self.get() {
            value.validate(check);
        }
    }
}

impl<T: Serialize> Serialize for Optional<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            State::On(value) => value.serialize(serializer),
            State::Off(value) => serializer.serialize_newtype_struct(OFF, &Carried(Some(value))),
            State::None => serializer.serialize_newtype_struct(OFF, &Carried(None::<&T>)),
        }
    }
}

/// The defaults of a block that is off: only this crate's own tree takes them; for all others there is nothing.
struct Carried<'a, T>(Option<&'a T>);

impl<T: Serialize> Serialize for Carried<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(value) if confided() => serializer.serialize_some(value),
            _ => serializer.serialize_none(),
        }
    }
}

impl<'de, T: DeserializeOwned + Default + Serialize> Deserialize<'de> for Optional<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(OPTIONAL, Block(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Optional<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Optional_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert(OPTIONAL_KEYWORD.to_owned(), true.into());
        schema
    }
}

struct Block<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned + Default + Serialize> Visitor<'de> for Block<T> {
    type Value = Optional<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping, or nothing")
    }

    /// From this crate's deserializer: a [`Flavor`], then the value if there is one.
    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let missing = || de::Error::custom("an optional block without a value");
        let flavor: u8 = parts.next_element()?.ok_or_else(missing)?;
        if flavor == Flavor::None as u8 {
            return Ok(Optional::none());
        }
        let fresh = flavor == Flavor::OnFresh as u8 || flavor == Flavor::Dropped as u8;
        let value =
            if fresh { parts.next_element()?.map(|Layered(value)| value) } else { parts.next_element()? };
        let value: T = value.ok_or_else(missing)?;
        Ok(match flavor {
            flavor if flavor == Flavor::Off as u8 || flavor == Flavor::Dropped as u8 => Optional::off(value),
            _ => Optional::on(value),
        })
    }

    /// From any other deserializer: nothing is off, anything else is on.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        Option::<T>::deserialize(deserializer).map(|value| value.map_or_else(Optional::none, Optional::on))
    }
}
