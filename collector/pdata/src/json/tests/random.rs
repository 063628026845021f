//! Random protobuf messages of a table, made of bytes that proptest picks and shrinks.

use crate::table::{Cardinality, Field, Kind, Message};
use crate::wire::{put_len, put_tag, put_varint, wire_type};

/// Choices, one byte each; zero when they have run out, which always means "no more".
pub(super) struct Choices<'a>(std::slice::Iter<'a, u8>);

impl<'a> Choices<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }

    fn below(&mut self, bound: u8) -> u8 {
        self.0.next().copied().unwrap_or(0) % bound
    }

    fn number(&mut self) -> u64 {
        const CORNERS: [u64; 7] =
            [0, 1, u64::MAX, i64::MAX as u64, 1 << 63, u32::MAX as u64, (i32::MIN as i64).cast_unsigned()];
        match self.below(9) {
            corner @ 0..7 => CORNERS[usize::from(corner)],
            7 => u64::from(self.below(255)),
            _ => (0..8).fold(0, |number, _| number << 8 | u64::from(self.below(255))),
        }
    }

    fn double(&mut self) -> f64 {
        const CORNERS: [f64; 9] =
            [0.0, -0.0, 1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324, 1e21];
        match self.below(10) {
            corner @ 0..9 => CORNERS[usize::from(corner)],
            // Every NaN is the same NaN in JSON.
            _ => Some(f64::from_bits(self.number())).filter(|value| !value.is_nan()).unwrap_or(0.1),
        }
    }

    fn text(&mut self) -> String {
        const PIECES: [&str; 10] =
            ["", "a", "service.name", "\"", "\\", "\n", "\u{0}", "é", "\u{1f600}", "\u{7f}"];
        (0..self.below(6)).map(|_| PIECES[usize::from(self.below(10))]).collect()
    }

    fn bytes(&mut self, len: u8) -> Vec<u8> {
        (0..len).map(|_| self.below(255)).collect()
    }
}

/// A message whose fields come in any order and number, which is legal, if unusual.
pub(super) fn message(table: &'static Message, choices: &mut Choices<'_>, depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let in_order = choices.below(2) == 0;
    let mut next = 0;
    for _ in 0..choices.below(20) {
        let index = if in_order { next } else { 0 } + usize::from(choices.below(4));
        next = index;
        if let Some(field) = table.fields.get(index % (table.fields.len() + 1)) {
            put_field(field, choices, depth, &mut out);
        }
    }
    out
}

fn put_field(field: &'static Field, choices: &mut Choices<'_>, depth: usize, out: &mut Vec<u8>) {
    if depth == 0 && matches!(field.kind, Kind::Message(_)) {
        return;
    }
    let wire_type = wire_type(field.kind);
    if field.cardinality == Cardinality::Repeated && wire_type != 2 && choices.below(2) == 1 {
        let mut packed = Vec::new();
        for _ in 0..choices.below(5) {
            put_value(field.kind, choices, depth, &mut packed);
        }
        put_tag(out, field.number, 2);
        put_len(out, packed.len());
        out.extend_from_slice(&packed);
        return;
    }
    put_tag(out, field.number, wire_type);
    put_value(field.kind, choices, depth, out);
}

fn put_value(kind: Kind, choices: &mut Choices<'_>, depth: usize, out: &mut Vec<u8>) {
    let content = match kind {
        Kind::Double => return out.extend_from_slice(&choices.double().to_le_bytes()),
        #[expect(clippy::cast_possible_truncation, reason = "any value will do")]
        Kind::Float => return out.extend_from_slice(&(choices.double() as f32).to_le_bytes()),
        Kind::Fixed32 | Kind::Sfixed32 => return out.extend_from_slice(&choices.number().to_le_bytes()[..4]),
        Kind::Fixed64 | Kind::Sfixed64 => return out.extend_from_slice(&choices.number().to_le_bytes()),
        Kind::String => choices.text().into_bytes(),
        Kind::Bytes => {
            let len = choices.below(8);
            choices.bytes(len)
        }
        Kind::Id(len) => {
            let len = if choices.below(4) == 0 { 0 } else { len };
            choices.bytes(len)
        }
        Kind::Message(table) => message(table, choices, depth - 1),
        _ => return put_varint(out, choices.number()),
    };
    put_len(out, content.len());
    out.extend_from_slice(&content);
}
