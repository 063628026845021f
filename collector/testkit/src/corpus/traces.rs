//! Spans.

use etalon_pdata::proto::collector::trace::v1::ExportTraceServiceRequest;
use etalon_pdata::proto::trace::v1::span::{Event, Link};
use etalon_pdata::proto::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::attributes::{attributes, resource, scope, text, time};
use super::{Random, groups};

pub(super) fn request(random: &mut Random, items: usize) -> ExportTraceServiceRequest {
    let resource_spans = groups(random, items, 200)
        .into_iter()
        .map(|items| ResourceSpans {
            resource: Some(resource(random)),
            scope_spans: groups(random, items, 40)
                .into_iter()
                .map(|items| scope_spans(random, items))
                .collect(),
            schema_url: String::new(),
        })
        .collect();
    ExportTraceServiceRequest { resource_spans }
}

fn scope_spans(random: &mut Random, items: usize) -> ScopeSpans {
    let schema_url = if random.percent(30) { "https://opentelemetry.io/schemas/1.30.0" } else { "" };
    ScopeSpans {
        scope: Some(scope(random)),
        spans: (0..items).map(|_| span(random)).collect(),
        schema_url: schema_url.to_owned(),
    }
}

fn span(random: &mut Random) -> Span {
    let start = time(random);
    let few =
        |random: &mut Random, chance, most| if random.percent(chance) { random.between(1, most) } else { 0 };
    Span {
        trace_id: random.bytes(16),
        span_id: random.bytes(8),
        trace_state: if random.percent(5) { text(random, 5, 40) } else { String::new() },
        parent_span_id: if random.percent(80) { random.bytes(8) } else { Vec::new() },
        flags: if random.percent(60) { 0x101 } else { 0 },
        name: text(random, 3, 40),
        kind: random.between(0, 5) as i32,
        start_time_unix_nano: start,
        end_time_unix_nano: start + (random.bits() >> random.between(24, 50)),
        attributes: attributes(random, 0, 20),
        dropped_attributes_count: few(random, 3, 300) as u32,
        events: (0..few(random, 20, 4)).map(|_| event(random)).collect(),
        dropped_events_count: few(random, 1, 9) as u32,
        links: (0..few(random, 10, 3)).map(|_| link(random)).collect(),
        dropped_links_count: 0,
        status: random.percent(50).then(|| status(random)),
    }
}

fn event(random: &mut Random) -> Event {
    Event {
        time_unix_nano: time(random),
        name: text(random, 3, 20),
        attributes: attributes(random, 0, 5),
        dropped_attributes_count: 0,
    }
}

fn link(random: &mut Random) -> Link {
    Link {
        trace_id: random.bytes(16),
        span_id: random.bytes(8),
        trace_state: String::new(),
        attributes: attributes(random, 0, 3),
        dropped_attributes_count: 0,
        flags: if random.percent(50) { 0x301 } else { 0 },
    }
}

fn status(random: &mut Random) -> Status {
    let code = random.between(0, 2) as i32;
    Status { message: if code == 2 { text(random, 5, 80) } else { String::new() }, code }
}
