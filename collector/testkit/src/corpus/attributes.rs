//! Attributes, resources and scopes.

use etalon_pdata::proto::common::v1::any_value::Value;
use etalon_pdata::proto::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use etalon_pdata::proto::resource::v1::Resource;

use super::Random;

const KEYS: [&str; 40] = [
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "url.full",
    "url.path",
    "url.scheme",
    "server.address",
    "server.port",
    "client.address",
    "client.port",
    "network.peer.address",
    "network.protocol.version",
    "user_agent.original",
    "db.system.name",
    "db.namespace",
    "db.query.text",
    "db.operation.name",
    "db.collection.name",
    "messaging.system",
    "messaging.destination.name",
    "messaging.message.id",
    "messaging.batch.message_count",
    "rpc.system",
    "rpc.service",
    "rpc.method",
    "rpc.grpc.status_code",
    "thread.id",
    "thread.name",
    "code.function.name",
    "code.file.path",
    "code.line.number",
    "exception.type",
    "exception.message",
    "enduser.id",
    "session.id",
    "feature_flag.key",
    "error.type",
    "retry",
    "tenant",
    "cart.total",
];

const WORDS: [&str; 32] = [
    "GET",
    "POST",
    "checkout",
    "payment",
    "cart",
    "api",
    "v2",
    "users",
    "orders",
    "inventory",
    "frontend",
    "postgresql",
    "SELECT",
    "FROM",
    "WHERE",
    "kafka",
    "timeout",
    "connection",
    "refused",
    "eu-central-1",
    "prod",
    "canary",
    "1.24.3",
    "https://shop.example.com",
    "Mozilla/5.0",
    "(X11; Linux x86_64)",
    "10.3.2.117",
    "OK",
    "worker-3",
    "retrying",
    "upstream",
    "deadline",
];

const FOREIGN: [&str; 8] =
    ["Zürich", "naïve café", "東京都", "Привет", "señor", "🚀 launch", "Ελλάδα", "größer als 5 µs"];

/// Text of about this many bytes; a few per cent of texts are not ASCII.
pub(super) fn text(random: &mut Random, shortest: usize, longest: usize) -> String {
    let len = random.between(shortest, longest);
    let foreign = random.percent(3);
    let mut text = String::new();
    while text.len() < len {
        if !text.is_empty() {
            text.push(*random.pick(&[&' ', &'/', &'-', &'.', &'_']));
        }
        match foreign && random.percent(40) {
            true => text.push_str(random.pick(&FOREIGN)),
            false if random.percent(20) => {
                text.push_str(&format!("{:x}", random.bits() >> random.between(8, 56)));
            }
            false => text.push_str(random.pick(&WORDS)),
        }
    }
    text
}

/// Between `fewest` and `most` attributes, in random order, of random types.
pub(super) fn attributes(random: &mut Random, fewest: usize, most: usize) -> Vec<KeyValue> {
    (0..random.between(fewest, most)).map(|_| attribute(random)).collect()
}

fn attribute(random: &mut Random) -> KeyValue {
    let key = match random.percent(90) {
        true => random.pick(&KEYS).to_owned(),
        false => text(random, 1, 40),
    };
    KeyValue { key, value: Some(any_value(random, 2)), ..KeyValue::default() }
}

/// A value; arrays and maps nest at most `depth` levels.
pub(super) fn any_value(random: &mut Random, depth: u32) -> AnyValue {
    let value = match random.between(0, 99) {
        0..=61 => Value::StringValue(string_value(random)),
        62..=83 => Value::IntValue(int_value(random)),
        84..=89 => Value::BoolValue(random.percent(50)),
        90..=94 => Value::DoubleValue(random.fraction() * 1e4),
        95..=97 if depth > 0 => {
            let values = (0..random.between(0, 5)).map(|_| any_value(random, depth - 1)).collect();
            Value::ArrayValue(ArrayValue { values })
        }
        98 if depth > 0 => {
            let pair = |random: &mut Random| KeyValue {
                key: text(random, 1, 12),
                value: Some(any_value(random, depth - 1)),
                ..KeyValue::default()
            };
            let values = (0..random.between(0, 4)).map(|_| pair(random)).collect();
            Value::KvlistValue(KeyValueList { values })
        }
        99 => {
            let len = random.between(0, 40);
            Value::BytesValue(random.bytes(len))
        }
        _ => return AnyValue { value: None },
    };
    AnyValue { value: Some(value) }
}

fn string_value(random: &mut Random) -> String {
    match random.between(0, 99) {
        0..=59 => text(random, 1, 16),
        60..=89 => text(random, 12, 60),
        90..=97 => text(random, 60, 250),
        _ => text(random, 250, 1200),
    }
}

fn int_value(random: &mut Random) -> i64 {
    match random.between(0, 9) {
        0..=2 => random.between(0, 127) as i64,
        3..=7 => random.between(128, 70_000) as i64,
        8 => (random.bits() >> 20).cast_signed(),
        _ => random.bits().cast_signed(),
    }
}

pub(super) fn resource(random: &mut Random) -> Resource {
    Resource { attributes: attributes(random, 3, 14), ..Resource::default() }
}

pub(super) fn scope(random: &mut Random) -> InstrumentationScope {
    InstrumentationScope {
        name: text(random, 8, 50),
        version: format!("{}.{}.{}", random.between(0, 4), random.between(0, 80), random.between(0, 9)),
        attributes: if random.percent(10) { attributes(random, 1, 3) } else { Vec::new() },
        dropped_attributes_count: 0,
    }
}

/// A time in nanoseconds since the Unix epoch, somewhere in the same year.
pub(super) fn time(random: &mut Random) -> u64 {
    1_780_000_000_000_000_000 + (random.bits() >> 10)
}
