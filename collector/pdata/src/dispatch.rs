//! What the scanner does for a field, looked up by the field's key in one load.

use crate::table::{Cardinality, Field, Kind, Message};

/// Keys below this, that is fields with numbers below 32, are looked up; others are searched for.
const KEYS: usize = 256;
const NUMBERS: usize = KEYS / 8;

/// What to do with a field of a known number and wire type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// No field has this number: skip it, whatever it is.
    Unknown,
    /// The field exists, but not with this wire type.
    WrongWireType,
    Varint,
    Fixed32,
    Fixed64,
    Bytes,
    String,
    Id8,
    Id16,
    PackedVarint,
    PackedFixed32,
    PackedFixed64,
    Message,
    /// A message that is a key-value pair.
    KeyValue,
    /// A message in a oneof: it replaces another member, with the items in it.
    OneofMessage,
}

/// The wire types of protobuf.
pub(crate) mod wire {
    pub(crate) const VARINT: u32 = 0;
    pub(crate) const FIXED64: u32 = 1;
    pub(crate) const LEN: u32 = 2;
    pub(crate) const START_GROUP: u32 = 3;
    pub(crate) const END_GROUP: u32 = 4;
    pub(crate) const FIXED32: u32 = 5;
}

/// What to do with a field, and a short cut for the most common form of it: when the byte behind the key,
/// under `mask`, is `expected`, then the value is `skip` bytes long, that byte included, and valid.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(crate) op: Op,
    pub(crate) mask: u8,
    pub(crate) expected: u8,
    pub(crate) skip: u8,
}

impl Step {
    const fn new(op: Op) -> Self {
        let (mask, expected, skip) = match op {
            Op::Varint => (0x80, 0, 1),
            Op::Fixed32 => (0, 0, 4),
            Op::Fixed64 => (0, 0, 8),
            Op::Id8 => (0xff, 8, 9),
            Op::Id16 => (0xff, 16, 17),
            // Nothing is expected that a masked byte could be.
            _ => (0, 1, 0),
        };
        Self { op, mask, expected, skip }
    }
}

/// The dense part of a [`Message`]'s table, computed when the crate is compiled.
pub(crate) struct Dispatch {
    steps: [Step; KEYS],
    nested: [Option<&'static Message>; NUMBERS],
}

// The nested tables are recursive: printing them would not end.
impl std::fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatch").finish_non_exhaustive()
    }
}

impl Dispatch {
    pub(crate) const fn new(fields: &'static [Field]) -> Self {
        let mut steps = [Step::new(Op::Unknown); KEYS];
        let mut nested = [None; NUMBERS];
        let mut at = 0;
        while at < fields.len() {
            let field = &fields[at];
            let number = field.number as usize;
            if number < NUMBERS {
                let mut key = field.number << 3;
                while key >> 3 == field.number {
                    steps[key as usize] = Step::new(op(field, key & 7));
                    key += 1;
                }
                if let Kind::Message(message) = field.kind {
                    nested[number] = Some(message);
                }
            }
            at += 1;
        }
        Self { steps, nested }
    }

    pub(crate) const fn key_values(mut self, number: u32) -> Self {
        let key = (number << 3 | wire::LEN) as usize;
        assert!(key < 0x80, "the scanner compares one byte with the key");
        assert!(matches!(self.steps[key].op, Op::Message), "only a message can be a pair");
        self.steps[key] = Step::new(Op::KeyValue);
        self
    }
}

impl Message {
    /// What to do with a field of this key (`number << 3 | wire type`).
    #[inline]
    pub(crate) fn step(&self, key: u32) -> Step {
        match self.dispatch.steps.get(key as usize) {
            Some(step) => *step,
            None => Step::new(self.field(key >> 3).map_or(Op::Unknown, |field| op(field, key & 7))),
        }
    }

    /// [`Message::step`] for a key of one byte.
    #[inline]
    pub(crate) fn short_step(&self, key: u8) -> Step {
        self.dispatch.steps[usize::from(key)]
    }

    /// The table of the message that the field with this number holds.
    #[inline]
    pub(crate) fn nested(&self, number: u32) -> Option<&'static Message> {
        match self.dispatch.nested.get(number as usize) {
            Some(nested) => *nested,
            None => self.field(number).and_then(|field| match field.kind {
                Kind::Message(message) => Some(message),
                _ => None,
            }),
        }
    }
}

const fn op(field: &Field, wire_type: u32) -> Op {
    let repeated = matches!(field.cardinality, Cardinality::Repeated);
    let (own_wire_type, one, packed) = match field.kind {
        Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Bool
        | Kind::Enum(_) => (wire::VARINT, Op::Varint, Op::PackedVarint),
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => (wire::FIXED64, Op::Fixed64, Op::PackedFixed64),
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => (wire::FIXED32, Op::Fixed32, Op::PackedFixed32),
        Kind::String => (wire::LEN, Op::String, Op::WrongWireType),
        Kind::Bytes => (wire::LEN, Op::Bytes, Op::WrongWireType),
        Kind::Id(8) => (wire::LEN, Op::Id8, Op::WrongWireType),
        Kind::Id(16) => (wire::LEN, Op::Id16, Op::WrongWireType),
        Kind::Id(_) => panic!("an id has 8 or 16 bytes"),
        Kind::Message(_) => match field.cardinality {
            Cardinality::Oneof(_) => (wire::LEN, Op::OneofMessage, Op::WrongWireType),
            _ => (wire::LEN, Op::Message, Op::WrongWireType),
        },
    };
    match wire_type {
        _ if wire_type == own_wire_type => one,
        wire::LEN if repeated => packed,
        _ => Op::WrongWireType,
    }
}
