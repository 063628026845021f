//! From a typed configuration to a [`Value`].

use std::fmt::Display;

use serde::ser::{self, Serialize, Serializer};

use crate::Value;
use crate::duration::DURATION;
use crate::optional::OFF;
use crate::secret::{SECRET, confide};

/// A type's own `Serialize` gave up.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SerializeError(String);

impl ser::Error for SerializeError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Result<T = Value> = std::result::Result<T, SerializeError>;

/// Serializes into a [`Value`].
pub(crate) struct ToValue;

macro_rules! scalars {
    ($($method:ident($type:ty) => |$name:ident| $value:expr;)*) => {
        $(fn $method(self, $name: $type) -> Result { Ok($value) })*
    };
}

impl Serializer for ToValue {
    type Ok = Value;
    type Error = SerializeError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Variant<Items>;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Variant<Entries>;

    scalars! {
        serialize_bool(bool) => |bool| Value::Bool(bool);
        serialize_i8(i8) => |int| Value::Int(int.into());
        serialize_i16(i16) => |int| Value::Int(int.into());
        serialize_i32(i32) => |int| Value::Int(int.into());
        serialize_i64(i64) => |int| Value::Int(int.into());
        serialize_i128(i128) => |int| Value::Int(int);
        serialize_u8(u8) => |int| Value::Int(int.into());
        serialize_u16(u16) => |int| Value::Int(int.into());
        serialize_u32(u32) => |int| Value::Int(int.into());
        serialize_u64(u64) => |int| Value::Int(int.into());
        serialize_f32(f32) => |float| Value::Float(float.into());
        serialize_f64(f64) => |float| Value::Float(float);
        serialize_char(char) => |char| Value::String(char.into());
        serialize_str(&str) => |text| Value::String(text.to_owned());
        serialize_bytes(&[u8]) => |bytes| Value::List(bytes.iter().map(|byte| Value::Int((*byte).into())).collect());
        serialize_unit_struct(&'static str) => |_name| Value::Null;
    }

    fn serialize_none(self) -> Result {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result {
        Ok(Value::String(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result {
        match name {
            SECRET => Ok(match confide(|| value.serialize(self))? {
                Value::String(text) => Value::Secret(text.into()),
                other => other,
            }),
            DURATION => Ok(match value.serialize(self)? {
                Value::String(text) => text.parse().map(Value::Duration).map_err(ser::Error::custom)?,
                other => other,
            }),
            OFF => Ok(match confide(|| value.serialize(self))? {
                Value::Null => Value::Off(None),
                carried => Value::Off(Some(Box::new(carried))),
            }),
            _ => value.serialize(self),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result {
        Ok(Value::Map(vec![(variant.to_owned(), value.serialize(self)?)]))
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Items> {
        Ok(Items::default())
    }

    fn serialize_tuple(self, _len: usize) -> Result<Items> {
        Ok(Items { tuple: true, ..Items::default() })
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Items> {
        Ok(Items::default())
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Variant<Items>> {
        Ok(Variant { variant, inner: Items::default() })
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Entries> {
        Ok(Entries::default())
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Entries> {
        Ok(Entries::default())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Variant<Entries>> {
        Ok(Variant { variant, inner: Entries::default() })
    }
}

#[derive(Default)]
pub(crate) struct Items {
    items: Vec<Value>,
    tuple: bool,
}

impl Items {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.items.push(value.serialize(ToValue)?);
        Ok(())
    }

    /// A tuple of mappings is one mapping: each element is a part of the same block.
    fn finish(self) -> Value {
        if !self.tuple
            || self.items.is_empty()
            || !self.items.iter().all(|item| matches!(item, Value::Map(_)))
        {
            return Value::List(self.items);
        }
        let mut union = Vec::<(String, Value)>::new();
        for item in self.items {
            let Value::Map(entries) = item else { continue };
            for (key, value) in entries {
                if union.iter().all(|(known, _)| *known != key) {
                    union.push((key, value));
                }
            }
        }
        Value::Map(union)
    }
}

impl ser::SerializeSeq for Items {
    type Ok = Value;
    type Error = SerializeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.push(value)
    }

    fn end(self) -> Result {
        Ok(self.finish())
    }
}

impl ser::SerializeTuple for Items {
    type Ok = Value;
    type Error = SerializeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.push(value)
    }

    fn end(self) -> Result {
        Ok(self.finish())
    }
}

impl ser::SerializeTupleStruct for Items {
    type Ok = Value;
    type Error = SerializeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.push(value)
    }

    fn end(self) -> Result {
        Ok(self.finish())
    }
}

/// `{variant: inner}`.
pub(crate) struct Variant<T> {
    variant: &'static str,
    inner: T,
}

impl<T> Variant<T> {
    fn holding(&self, inner: Value) -> Value {
        Value::Map(vec![(self.variant.to_owned(), inner)])
    }
}

impl ser::SerializeTupleVariant for Variant<Items> {
    type Ok = Value;
    type Error = SerializeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.inner.push(value)
    }

    fn end(mut self) -> Result {
        let inner = std::mem::take(&mut self.inner);
        Ok(self.holding(inner.finish()))
    }
}

#[derive(Default)]
pub(crate) struct Entries {
    entries: Vec<(String, Value)>,
    key: String,
}

impl ser::SerializeMap for Entries {
    type Ok = Value;
    type Error = SerializeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.key = match key.serialize(ToValue)? {
            Value::String(text) => text,
            Value::Bool(bool) => bool.to_string(),
            Value::Int(int) => int.to_string(),
            Value::Duration(duration) => duration.to_string(),
            _ => return Err(ser::Error::custom("a key of a mapping is not a string")),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.entries.push((std::mem::take(&mut self.key), value.serialize(ToValue)?));
        Ok(())
    }

    fn end(self) -> Result {
        Ok(Value::Map(self.entries))
    }
}

impl ser::SerializeStruct for Entries {
    type Ok = Value;
    type Error = SerializeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        self.entries.push((key.to_owned(), value.serialize(ToValue)?));
        Ok(())
    }

    fn end(self) -> Result {
        Ok(Value::Map(self.entries))
    }
}

impl ser::SerializeStructVariant for Variant<Entries> {
    type Ok = Value;
    type Error = SerializeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        self.inner.entries.push((key.to_owned(), value.serialize(ToValue)?));
        Ok(())
    }

    fn end(mut self) -> Result {
        let inner = std::mem::take(&mut self.inner);
        Ok(self.holding(Value::Map(inner.entries)))
    }
}
