//! Wire tables: static descriptions of protobuf messages, generated from `proto/`.
//!
//! A [`Message`] is a list of [`Field`]s sorted by number. Tables refer to one another by reference,
//! so recursive messages need no indirection. The scanner, the JSON converter and the text printer
//! are walks over these tables; none of them knows a signal.

use crate::dispatch::Dispatch;

/// A protobuf message.
#[derive(Debug)]
pub struct Message {
    /// Full protobuf name, for example `opentelemetry.proto.trace.v1.Span`.
    pub name: &'static str,
    /// Fields by ascending number.
    pub fields: &'static [Field],
    /// Whether one message of this type is one item of its signal: a span, a data point, a log record.
    pub is_item: bool,
    pub(crate) dispatch: Dispatch,
    /// A bit for the number of each field whose messages are items, or hold some.
    carriers: u64,
}

/// A field of a [`Message`].
#[derive(Debug)]
pub struct Field {
    /// Field number, 1 to 2^29 - 1.
    pub number: u32,
    /// Name in the .proto file (`snake_case`).
    pub name: &'static str,
    /// Name in JSON (`lowerCamelCase`).
    pub json_name: &'static str,
    /// What a value of the field is.
    pub kind: Kind,
    /// How often the field may occur.
    pub cardinality: Cardinality,
}

/// How often a field may occur, and what an absent value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cardinality {
    /// Absent means the zero value; the last occurrence wins (messages merge).
    Singular,
    /// `optional` in proto3: absent is told apart from zero.
    Optional,
    /// Any number of values. Numeric kinds may come packed or not.
    Repeated,
    /// Member of a oneof; the index tells the oneofs of one message apart.
    Oneof(u8),
}

/// What a value of a field is.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `double`
    Double,
    /// `float`
    Float,
    /// `int32`
    Int32,
    /// `int64`
    Int64,
    /// `uint32`
    Uint32,
    /// `uint64`
    Uint64,
    /// `sint32`
    Sint32,
    /// `sint64`
    Sint64,
    /// `fixed32`
    Fixed32,
    /// `fixed64`
    Fixed64,
    /// `sfixed32`
    Sfixed32,
    /// `sfixed64`
    Sfixed64,
    /// `bool`
    Bool,
    /// `string`: UTF-8.
    String,
    /// `bytes`: in JSON base64.
    Bytes,
    /// `bytes` that hold an id: empty or exactly this many bytes; in JSON hexadecimal.
    Id(u8),
    /// An enum, `int32` on the wire.
    Enum(&'static Enum),
    /// A nested message.
    Message(&'static Message),
}

/// An enum: its names and numbers. Unknown numbers are legal on the wire.
#[derive(Debug)]
pub struct Enum {
    /// Full protobuf name.
    pub name: &'static str,
    /// `(name, number)` in the order of declaration.
    pub values: &'static [(&'static str, i32)],
}

impl Message {
    /// A message with these fields, which must be sorted by number.
    pub const fn new(name: &'static str, fields: &'static [Field]) -> Self {
        Self { name, fields, is_item: false, dispatch: Dispatch::new(fields), carriers: 0 }
    }

    /// The same message as an item of its signal.
    pub const fn item(mut self) -> Self {
        self.is_item = true;
        self
    }

    /// The same message, whose field with this number holds messages of the shape of
    /// `opentelemetry.proto.common.v1.KeyValue`; the number is below 16. The scanner has a fast path for them.
    pub const fn key_values(mut self, number: u32) -> Self {
        self.dispatch = self.dispatch.key_values(number);
        self
    }

    /// The same message, whose fields with these numbers, below 64, hold messages that are items or hold
    /// some. Such fields are repeated, or else they are the members of one oneof.
    pub const fn carriers(mut self, numbers: &[u32]) -> Self {
        let mut at = 0;
        while at < numbers.len() {
            self.carriers |= 1 << numbers[at];
            at += 1;
        }
        self
    }

    /// Whether the field with this number holds messages that are items, or hold some.
    pub(crate) fn carries(&self, number: u32) -> bool {
        number < u64::BITS && self.carriers >> number & 1 == 1
    }

    /// The field with this number.
    pub fn field(&self, number: u32) -> Option<&'static Field> {
        match self.fields.get(number.wrapping_sub(1) as usize) {
            Some(field) if field.number == number => Some(field),
            _ => self
                .fields
                .binary_search_by_key(&number, |field| field.number)
                .ok()
                .map(|at| &self.fields[at]),
        }
    }

    /// The field with this JSON name or .proto name.
    pub fn field_by_name(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.json_name == name || field.name == name)
    }
}
