//! Measures how long the way from JSON to protobuf and back takes:
//! `cargo run --release -p etalon-pdata --example json_speed`.
//!
//! The spans differ in number, type and length of their attributes, so that a branch predictor
//! cannot learn them. Prints the median of the rounds.

#![allow(clippy::print_stdout, reason = "a measurement speaks on stdout")]
#![allow(clippy::cast_possible_truncation, reason = "the numbers are small")]

use std::hint::black_box;
use std::time::Duration;

use etalon_pdata::proto::collector::trace::v1::ExportTraceServiceRequest;
use etalon_pdata::proto::common::v1::any_value::Value;
use etalon_pdata::proto::common::v1::{AnyValue, ArrayValue, KeyValue};
use etalon_pdata::proto::resource::v1::Resource;
use etalon_pdata::proto::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use etalon_pdata::{TRACES, json};
use prost::Message as _;

const SPANS: usize = 1000;
const ROUNDS: usize = 51;

fn main() {
    let protobuf = request().encode_to_vec();
    let mut text = Vec::new();
    json::encode(TRACES.request, &protobuf, &mut text).expect("prost writes valid protobuf");
    let again = json::decode(TRACES.request, &text).expect("what is written can be read");
    assert_eq!(again, protobuf);
    println!("{SPANS} spans: {} bytes of JSON, {} bytes of protobuf", text.len(), protobuf.len());
    report("decode", text.len(), || {
        black_box(json::decode(TRACES.request, black_box(&text)).expect("valid"));
    });
    let mut out = Vec::new();
    report("encode", text.len(), || {
        out.clear();
        json::encode(TRACES.request, black_box(&protobuf), &mut out).expect("valid");
    });
}

fn report(what: &str, bytes: usize, mut run: impl FnMut()) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            #[expect(clippy::disallowed_methods, reason = "this is a stopwatch")]
            let start = std::time::Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort();
    let (best, median) = (times[0].as_secs_f64(), times[ROUNDS / 2].as_secs_f64());
    println!(
        "{what}: {:.2} µs/span median, {:.2} best, {:.2} GB of JSON per second",
        median * 1e6 / SPANS as f64,
        best * 1e6 / SPANS as f64,
        bytes as f64 / median / 1e9
    );
}

/// A generator of numbers that look random (xorshift64), the same ones each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn text(&mut self, shortest: u64, longest: u64) -> String {
        let len = shortest + self.below(longest - shortest + 1);
        (0..len)
            .map(|_| char::from(b"abcdefghijklmnopqrstuvwxyz./-_:0123456789"[self.below(41) as usize]))
            .collect()
    }

    fn value(&mut self) -> AnyValue {
        let value = match self.below(20) {
            0..12 => Value::StringValue(self.text(3, 60)),
            12..16 => Value::IntValue(self.below(100_000).cast_signed()),
            16 => Value::BoolValue(self.below(2) == 0),
            17 => Value::DoubleValue(self.below(1 << 50) as f64 / 1000.0),
            18 => Value::StringValue(format!("{}\n\"{}\" é", self.text(5, 40), self.text(5, 20))),
            _ => Value::ArrayValue(ArrayValue {
                values: (0..3)
                    .map(|_| AnyValue { value: Some(Value::StringValue(self.text(2, 9))) })
                    .collect(),
            }),
        };
        AnyValue { value: Some(value) }
    }

    fn attributes(&mut self, least: u64, most: u64) -> Vec<KeyValue> {
        let count = least + self.below(most - least + 1);
        (0..count)
            .map(|_| KeyValue { key: self.text(6, 28), value: Some(self.value()), key_strindex: 0 })
            .collect()
    }
}

fn request() -> ExportTraceServiceRequest {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let resource_spans = (0..10).map(|_| resource_spans(&mut dice, SPANS / 10)).collect();
    ExportTraceServiceRequest { resource_spans }
}

fn resource_spans(dice: &mut Dice, spans: usize) -> ResourceSpans {
    ResourceSpans {
        resource: Some(Resource { attributes: dice.attributes(5, 9), ..Resource::default() }),
        scope_spans: vec![ScopeSpans {
            spans: (0..spans).map(|_| span(dice)).collect(),
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    }
}

fn span(dice: &mut Dice) -> Span {
    let start = 1_700_000_000_000_000_000 + dice.below(1_000_000_000_000);
    let events = (0..dice.below(3))
        .map(|_| span::Event {
            time_unix_nano: start,
            name: dice.text(4, 12),
            attributes: dice.attributes(0, 3),
            ..span::Event::default()
        })
        .collect();
    Span {
        trace_id: (0..16).map(|_| dice.below(256) as u8).collect(),
        span_id: (0..8).map(|_| dice.below(256) as u8).collect(),
        parent_span_id: if dice.below(5) > 0 {
            (0..8).map(|_| dice.below(256) as u8).collect()
        } else {
            Vec::new()
        },
        name: dice.text(5, 40),
        kind: dice.below(6) as i32,
        start_time_unix_nano: start,
        end_time_unix_nano: start + dice.below(1_000_000_000),
        attributes: dice.attributes(10, 17),
        events,
        status: (dice.below(3) == 0).then(|| Status { code: 2, message: dice.text(0, 40) }),
        ..Span::default()
    }
}
