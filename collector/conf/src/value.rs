//! A configuration with every default filled in, as it is printed.

use serde::Serialize;

use crate::secret::REDACTED;
use crate::{Duration, Secret, emit, ser};

/// A tree of values without places: what a typed configuration is before it becomes text.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// A string.
    String(String),
    /// A span of time.
    Duration(Duration),
    /// A string that must not be shown.
    Secret(Secret),
    /// A list.
    List(Vec<Value>),
    /// A mapping, in order.
    Map(Vec<(String, Value)>),
    /// A block that is off, with the defaults it has when it is turned on. Prints as nothing.
    Off(Option<Box<Value>>),
}

/// Whether secrets are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// As `[REDACTED]`.
    Redacted,
    /// As they are.
    Exposed,
}

impl Value {
    /// Whether nothing is there; a block that is off is not there.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null | Self::Off(_))
    }

    /// The value of `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(known, _)| known == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// As YAML in block style, with a line break at the end. Durations are written as `1m30s`.
    pub fn to_yaml(&self, secrets: Secrets) -> String {
        emit::yaml(self, secrets)
    }

    /// As JSON without blanks. Durations are whole nanoseconds; numbers that JSON does not have are strings.
    pub fn to_json(&self, secrets: Secrets) -> String {
        emit::json(self, secrets)
    }
}

impl Secrets {
    pub(crate) fn text(self, secret: &Secret) -> &str {
        match self {
            // One that is not there has nothing to hide, and reads back as it is.
            Self::Redacted if !secret.is_empty() => REDACTED,
            Self::Redacted | Self::Exposed => secret.expose(),
        }
    }
}

/// The tree of `config`, secrets and the defaults of blocks that are off included.
///
/// # Panics
///
/// When the `Serialize` of a type in `config` fails of itself; none that is derived does.
pub fn to_value(config: &(impl Serialize + ?Sized)) -> Value {
    match config.serialize(ser::ToValue) {
        Ok(value) => value,
        Err(error) => panic!("a configuration type does not serialize: {error}"),
    }
}

/// `config` as YAML; see [`Value::to_yaml`].
pub fn to_yaml(config: &(impl Serialize + ?Sized), secrets: Secrets) -> String {
    to_value(config).to_yaml(secrets)
}

/// `config` as JSON; see [`Value::to_json`].
pub fn to_json(config: &(impl Serialize + ?Sized), secrets: Secrets) -> String {
    to_value(config).to_json(secrets)
}
