//! Random messages by the wire tables, in every spelling that protobuf allows: fields in any order and more
//! than once, varints longer than needed, packed and unpacked, unknown fields and groups. On demand with
//! a few errors.

#![allow(clippy::cast_possible_truncation, reason = "sample numbers are small, and low bits are as random")]

use etalon_pdata::table::{Cardinality, Field, Kind, Message};
use etalon_testkit::corpus::Random;

/// What may be in a message beside what is valid, each per mille of the fields.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Errors {
    pub(crate) text: u64,
    pub(crate) structure: u64,
}

/// A random message. Without errors it is valid.
pub(crate) fn message(random: &mut Random, table: &'static Message, depth: u32, errors: Errors) -> Vec<u8> {
    let mut out = Vec::new();
    let most = if depth > 4 { 2 } else { 6 };
    for _ in 0..random.between(0, most) {
        let unknown = table.fields.is_empty() || random.percent(6);
        if unknown {
            let number = unknown_number(random, table);
            unknown_field(random, number, 3, &mut out);
        } else {
            let field = &table.fields[random.between(0, table.fields.len() - 1)];
            known_field(random, field, depth, errors, &mut out);
        }
        if per_mille(random, errors.structure) {
            damage(random, table, &mut out);
        }
    }
    out
}

fn known_field(random: &mut Random, field: &Field, depth: u32, errors: Errors, out: &mut Vec<u8>) {
    let repeated = field.cardinality == Cardinality::Repeated;
    let scalar = match field.kind {
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => Some((1, 8)),
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => Some((5, 4)),
        Kind::String | Kind::Bytes | Kind::Id(_) | Kind::Message(_) => None,
        _ => Some((0, 0)),
    };
    if let Some((wire_type, width)) = scalar {
        let one = |random: &mut Random, out: &mut Vec<u8>| match width {
            0 => any_varint(random, out),
            width => out.extend(random.bytes(width)),
        };
        if repeated && random.percent(60) {
            let mut packed = Vec::new();
            (0..random.between(0, 40)).for_each(|_| one(random, &mut packed));
            delimited(random, field.number, &packed, out);
        } else {
            key(random, field.number, wire_type, out);
            one(random, out);
        }
        return;
    }
    let content = match field.kind {
        Kind::String => string(random, errors),
        Kind::Id(len) => match random.between(0, 9) {
            0 => Vec::new(),
            1 if per_mille(random, errors.structure) => random.bytes(usize::from(len) - 1),
            _ => random.bytes(usize::from(len)),
        },
        Kind::Message(_) if depth > 40 => Vec::new(),
        Kind::Message(nested) => message(random, nested, depth + 1, errors),
        _ => {
            let len = random.between(0, 50);
            random.bytes(len)
        }
    };
    delimited(random, field.number, &content, out);
}

fn string(random: &mut Random, errors: Errors) -> Vec<u8> {
    let len = match random.between(0, 9) {
        0..=5 => random.between(0, 20),
        6..=8 => random.between(20, 140),
        _ => random.between(140, 700),
    };
    let mut text: Vec<u8> = (0..len).map(|_| b' ' + (random.bits() % 95) as u8).collect();
    if random.percent(20) {
        let at = random.between(0, len);
        text.splice(at..at, random.pick(&["é", "東京", "🚀", "\u{10ffff}", "\0"]).bytes());
    }
    if per_mille(random, errors.text) {
        let at = random.between(0, text.len());
        let broken: &[&[u8]] = &[
            b"\xff",
            b"\xc3",
            b"\xe2\x82",
            b"\xf0\x9f\x9a",
            b"\xed\xa0\x80",
            b"\xc0\xaf",
            b"\xf4\x90\x80\x80",
        ];
        text.splice(at..at, random.pick(broken).iter().copied());
    }
    text
}

fn unknown_number(random: &mut Random, table: &Message) -> u32 {
    loop {
        let number = match random.between(0, 2) {
            0 => random.between(1, 40) as u32,
            1 => random.between(1, 3000) as u32,
            _ => random.between(1, (1 << 29) - 1) as u32,
        };
        if table.field(number).is_none() {
            return number;
        }
    }
}

fn unknown_field(random: &mut Random, number: u32, depth: u32, out: &mut Vec<u8>) {
    match random.between(0, 4) {
        0 => {
            key(random, number, 0, out);
            any_varint(random, out);
        }
        1 => {
            key(random, number, 1, out);
            out.extend(random.bytes(8));
        }
        2 => {
            let len = random.between(0, 30);
            let content = random.bytes(len);
            delimited(random, number, &content, out);
        }
        3 if depth > 0 => {
            key(random, number, 3, out);
            for _ in 0..random.between(0, 3) {
                let inner = random.between(1, 500) as u32;
                unknown_field(random, inner, depth - 1, out);
            }
            key(random, number, 4, out);
        }
        _ => {
            key(random, number, 5, out);
            out.extend(random.bytes(4));
        }
    }
}

/// One thing that is wrong, or may be.
fn damage(random: &mut Random, table: &Message, out: &mut Vec<u8>) {
    let number = random.between(0, 20) as u32;
    match random.between(0, 6) {
        0 => key(random, number, random.clone().between(0, 7) as u32, out),
        1 => key(random, table.fields.first().map_or(1, |field| field.number), 4, out),
        2 => out.extend([0xff; 9].iter().chain(&[random.between(0, 3) as u8])),
        3 => out.extend(random.bytes(3)),
        4 => out.truncate(out.len().saturating_sub(1)),
        5 => varint((1 << 32) | u64::from(number << 3), 0, out),
        _ => {
            key(random, number.max(1), 2, out);
            varint(random.bits() >> random.between(0, 60), 0, out);
        }
    }
}

fn per_mille(random: &mut Random, chance: u64) -> bool {
    random.bits() % 1000 < chance
}

fn key(random: &mut Random, number: u32, wire_type: u32, out: &mut Vec<u8>) {
    let padding = if random.percent(3) { random.between(0, 4) } else { 0 };
    varint(u64::from(number << 3 | wire_type), padding, out);
}

fn delimited(random: &mut Random, number: u32, content: &[u8], out: &mut Vec<u8>) {
    key(random, number, 2, out);
    let padding = if random.percent(3) { random.between(0, 5) } else { 0 };
    varint(content.len() as u64, padding, out);
    out.extend(content);
}

fn any_varint(random: &mut Random, out: &mut Vec<u8>) {
    let value = random.bits() >> random.between(0, 63);
    let padding = if random.percent(5) { random.between(0, 9) } else { 0 };
    varint(value, padding, out);
}

/// A varint that is at most this many bytes longer than it must be; ten bytes at most.
pub(crate) fn varint(mut value: u64, padding: usize, out: &mut Vec<u8>) {
    let start = out.len();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    for _ in 0..padding.min(10 - (out.len() - start)) {
        *out.last_mut().expect("a byte was pushed") |= 0x80;
        out.push(0);
    }
}
