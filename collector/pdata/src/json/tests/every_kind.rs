//! A message with a field of every kind and cardinality.

use crate::table::{Cardinality, Enum, Field, Kind, Message};

pub(super) static COLOR: Enum =
    Enum { name: "test.Color", values: &[("COLOR_NONE", 0), ("COLOR_RED", 1), ("COLOR_BLUE", -2)] };

const fn field(number: u32, name: &'static str, json_name: &'static str, kind: Kind) -> Field {
    Field { number, name, json_name, kind, cardinality: Cardinality::Singular }
}

const fn with(cardinality: Cardinality, mut field: Field) -> Field {
    field.cardinality = cardinality;
    field
}

pub(super) static EVERY_KIND: Message = Message::new(
    "test.EveryKind",
    &[
        field(1, "double_field", "doubleField", Kind::Double),
        field(2, "float_field", "floatField", Kind::Float),
        field(3, "int32_field", "int32Field", Kind::Int32),
        field(4, "int64_field", "int64Field", Kind::Int64),
        field(5, "uint32_field", "uint32Field", Kind::Uint32),
        field(6, "uint64_field", "uint64Field", Kind::Uint64),
        field(7, "sint32_field", "sint32Field", Kind::Sint32),
        field(8, "sint64_field", "sint64Field", Kind::Sint64),
        field(9, "fixed32_field", "fixed32Field", Kind::Fixed32),
        field(10, "fixed64_field", "fixed64Field", Kind::Fixed64),
        field(11, "sfixed32_field", "sfixed32Field", Kind::Sfixed32),
        field(12, "sfixed64_field", "sfixed64Field", Kind::Sfixed64),
        field(13, "bool_field", "boolField", Kind::Bool),
        field(14, "text", "text", Kind::String),
        field(15, "raw", "raw", Kind::Bytes),
        field(16, "id", "id", Kind::Id(8)),
        field(17, "color", "color", Kind::Enum(&COLOR)),
        field(18, "child", "child", Kind::Message(&EVERY_KIND)),
        with(Cardinality::Optional, field(19, "maybe_double", "maybeDouble", Kind::Double)),
        with(Cardinality::Optional, field(20, "maybe_text", "maybeText", Kind::String)),
        with(Cardinality::Oneof(0), field(21, "one_int", "oneInt", Kind::Int64)),
        with(Cardinality::Oneof(0), field(22, "one_text", "oneText", Kind::String)),
        with(Cardinality::Oneof(0), field(23, "one_child", "oneChild", Kind::Message(&EVERY_KIND))),
        with(Cardinality::Repeated, field(24, "doubles", "doubles", Kind::Double)),
        with(Cardinality::Repeated, field(25, "ints", "ints", Kind::Int64)),
        with(Cardinality::Repeated, field(26, "fixeds", "fixeds", Kind::Fixed64)),
        with(Cardinality::Repeated, field(27, "texts", "texts", Kind::String)),
        with(Cardinality::Repeated, field(28, "ids", "ids", Kind::Id(8))),
        with(Cardinality::Repeated, field(29, "colors", "colors", Kind::Enum(&COLOR))),
        with(Cardinality::Repeated, field(30, "children", "children", Kind::Message(&EVERY_KIND))),
        with(Cardinality::Repeated, field(31, "bools", "bools", Kind::Bool)),
        with(Cardinality::Repeated, field(1000, "raws", "raws", Kind::Bytes)),
    ],
);
