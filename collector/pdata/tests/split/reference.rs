//! What must hold for the parts of any request. The fuzz target runs this, too.

use std::num::NonZeroUsize;

use bytes::Bytes;
use etalon_pdata::proto::collector::logs::v1::ExportLogsServiceRequest;
use etalon_pdata::proto::collector::metrics::v1::ExportMetricsServiceRequest;
use etalon_pdata::proto::collector::trace::v1::ExportTraceServiceRequest;
use etalon_pdata::proto::metrics::v1::metric::Data;
use etalon_pdata::table::{Cardinality, Kind, Message};
use etalon_pdata::{LOGS, MAX_GROWTH, METRICS, Most, Part, Payload, Signal, TRACES, Utf8Policy, scan};
use prost::Message as _;

pub(crate) const SIGNALS: [Signal; 3] = [TRACES, METRICS, LOGS];

/// An item and the headers that it stands under, outermost first; all encoded.
type Placed = (Vec<Vec<u8>>, Vec<u8>);

/// What the fuzz corpus holds: the signal, the limit, and the request.
pub(crate) fn split_input(input: &[u8]) -> Option<(Signal, usize, &[u8])> {
    let (&[signal, low, high], request) = input.split_first_chunk()?;
    Some((
        SIGNALS[usize::from(signal) % SIGNALS.len()],
        usize::from(u16::from_le_bytes([low, high])),
        request,
    ))
}

/// Splits the request both ways and compares the parts with it. Bytes that are no request are left alone.
///
/// # Panics
/// When the parts are not what they should be.
pub(crate) fn check(signal: Signal, request: &[u8], limit: usize) {
    let Ok(found) = scan(signal, &mut request.to_vec(), Utf8Policy::Refuse) else { return };
    let limit = NonZeroUsize::new(limit).unwrap_or(NonZeroUsize::MIN);
    let payload = Payload::from_validated(signal, Bytes::copy_from_slice(request), found.items);

    let parts = compare(&payload, payload.clone().split_items(limit).collect());
    for (at, part) in parts.iter().enumerate() {
        match part {
            Part::Fits(part) if at + 1 < parts.len() => assert_eq!(part.items(), limit.get()),
            Part::Fits(part) => assert!(part.items() <= limit.get()),
            Part::TooLarge(part) => {
                assert!(part.items() > limit.get());
                assert!(has_grown(&payload, &parts), "only repeated headers end the splitting");
            }
        }
    }

    let parts = compare(&payload, payload.clone().split_bytes(limit).collect());
    for part in &parts {
        match part {
            Part::Fits(part) => assert!(part.len() <= limit.get()),
            Part::TooLarge(part) => {
                assert!(part.len() > limit.get());
                assert!(part.items() == 1 || has_grown(&payload, &parts), "else it could be split");
            }
        }
    }
}

/// Splits the request with a limit of its own for each part, taken from `limits` in turn.
///
/// # Panics
/// When the parts are not what they should be.
pub(crate) fn check_each_within_its_own(signal: Signal, request: &[u8], limits: &[Most]) {
    let found = scan(signal, &mut request.to_vec(), Utf8Policy::Refuse).expect("a valid request");
    let payload = Payload::from_validated(signal, Bytes::copy_from_slice(request), found.items);
    let (mut parts, mut cut) = (payload.clone().into_parts(), Vec::new());
    for limit in limits.iter().cycle() {
        let Some(part) = parts.next_within(*limit) else { break };
        if let Part::Fits(part) = &part {
            match limit {
                Most::Items(most) => assert!(part.items() <= most.get()),
                Most::Bytes(most) => assert!(part.len() <= most.get()),
            }
        }
        cut.push(part);
    }
    compare(&payload, cut);
}

/// Whether repeated headers may have ended the splitting.
fn has_grown(payload: &Payload, parts: &[Part]) -> bool {
    let total: usize = parts.iter().map(|part| payload_of(part).len()).sum();
    total > payload.len().saturating_mul(MAX_GROWTH)
}

pub(crate) fn payload_of(part: &Part) -> &Payload {
    let (Part::Fits(payload) | Part::TooLarge(payload)) = part;
    payload
}

fn compare(payload: &Payload, parts: Vec<Part>) -> Vec<Part> {
    let request = payload.contiguous();
    if let [Part::Fits(only)] = parts.as_slice()
        && only.contiguous() == request
    {
        return parts;
    }
    let signal = payload.signal();
    let (mut decoded, mut raw) = (Vec::new(), Vec::new());
    for part in &parts {
        let part = payload_of(part);
        let bytes = part.contiguous();
        assert_eq!(part.len(), bytes.len());
        let found = scan(signal, &mut bytes.to_vec(), Utf8Policy::Refuse).expect("a part is valid");
        assert_eq!(found.items, part.items(), "the count is right");
        assert!(found.items > 0, "no part is empty");
        decoded.extend(decode(signal, &bytes, true));
        walk(signal.request, &[&bytes], &mut Vec::new(), &mut raw);
        let requests = part.requests();
        let items: usize = requests.iter().map(|request| decode(signal, request, false).len()).sum();
        assert_eq!(items, part.items());
    }
    assert_eq!(decoded, decode(signal, &request, false), "prost sees the same items");
    let mut expected = Vec::new();
    walk(signal.request, &[&request], &mut Vec::new(), &mut expected);
    assert_eq!(raw, expected, "items and headers have the same bytes, unknown fields included");
    parts
}

/// The items as prost decodes them. With `full`, no message around them may be empty.
fn decode(signal: Signal, request: &[u8], full: bool) -> Vec<Placed> {
    if signal == TRACES {
        traces(ExportTraceServiceRequest::decode(request).expect("valid"), full)
    } else if signal == METRICS {
        metrics(ExportMetricsServiceRequest::decode(request).expect("valid"), full)
    } else {
        logs(ExportLogsServiceRequest::decode(request).expect("valid"), full)
    }
}

/// Takes the messages out of a list, leaving the header that holds it.
fn take<T>(list: &mut Vec<T>, full: bool) -> Vec<T> {
    assert!(!full || !list.is_empty(), "nothing empty is sent");
    std::mem::take(list)
}

fn traces(mut request: ExportTraceServiceRequest, full: bool) -> Vec<Placed> {
    let mut items = Vec::new();
    for mut resource in take(&mut request.resource_spans, full) {
        for mut scope in take(&mut resource.scope_spans, full) {
            for span in take(&mut scope.spans, full) {
                items.push((vec![resource.encode_to_vec(), scope.encode_to_vec()], span.encode_to_vec()));
            }
        }
    }
    items
}

fn logs(mut request: ExportLogsServiceRequest, full: bool) -> Vec<Placed> {
    let mut items = Vec::new();
    for mut resource in take(&mut request.resource_logs, full) {
        for mut scope in take(&mut resource.scope_logs, full) {
            for record in take(&mut scope.log_records, full) {
                items.push((vec![resource.encode_to_vec(), scope.encode_to_vec()], record.encode_to_vec()));
            }
        }
    }
    items
}

fn metrics(mut request: ExportMetricsServiceRequest, full: bool) -> Vec<Placed> {
    fn encoded<T: prost::Message>(points: &mut Vec<T>, full: bool) -> Vec<Vec<u8>> {
        take(points, full).iter().map(T::encode_to_vec).collect()
    }
    let mut items = Vec::new();
    for mut resource in take(&mut request.resource_metrics, full) {
        for mut scope in take(&mut resource.scope_metrics, full) {
            for mut metric in take(&mut scope.metrics, full) {
                let points = match &mut metric.data {
                    Some(Data::Gauge(data)) => encoded(&mut data.data_points, full),
                    Some(Data::Sum(data)) => encoded(&mut data.data_points, full),
                    Some(Data::Histogram(data)) => encoded(&mut data.data_points, full),
                    Some(Data::ExponentialHistogram(data)) => encoded(&mut data.data_points, full),
                    Some(Data::Summary(data)) => encoded(&mut data.data_points, full),
                    None => {
                        assert!(!full, "nothing empty is sent");
                        continue;
                    }
                };
                let headers = vec![resource.encode_to_vec(), scope.encode_to_vec(), metric.encode_to_vec()];
                items.extend(points.into_iter().map(|point| (headers.clone(), point)));
            }
        }
    }
    items
}

/// The items and their headers as they are on the wire. `message` consists of several pieces when it merges.
fn walk(table: &'static Message, message: &[&[u8]], headers: &mut Vec<Vec<u8>>, out: &mut Vec<Placed>) {
    let mut header = Vec::new();
    let mut children: Vec<(u64, &'static Message, Vec<&[u8]>, &[u8])> = Vec::new();
    for mut rest in message.iter().copied() {
        while !rest.is_empty() {
            let (key, content, field) = take_field(&mut rest);
            let number = key >> 3;
            let known = table.fields.iter().find(|known| u64::from(known.number) == number);
            let nested = known.and_then(|known| match known.kind {
                Kind::Message(nested) if holds_items(nested, 0) => Some((nested, known.cardinality)),
                _ => None,
            });
            match (nested, content) {
                (Some((nested, Cardinality::Oneof(_))), Some(content)) => match children.last_mut() {
                    Some((last, _, pieces, _)) if *last == number => pieces.push(content),
                    _ => children = vec![(number, nested, vec![content], field)],
                },
                (Some((nested, _)), Some(content)) => children.push((number, nested, vec![content], field)),
                _ => header.extend(field),
            }
        }
    }
    headers.push(header);
    for (_, nested, pieces, field) in children {
        if nested.is_item {
            out.push((headers.clone(), field.to_vec()));
        } else {
            walk(nested, &pieces, headers, out);
        }
    }
    headers.pop();
}

fn holds_items(table: &'static Message, depth: u32) -> bool {
    let nested = table.fields.iter().filter_map(|field| match field.kind {
        Kind::Message(nested) => Some(nested),
        _ => None,
    });
    // Items are not deep; attributes may hold themselves.
    table.is_item || (depth < 5 && nested.into_iter().any(|nested| holds_items(nested, depth + 1)))
}

/// Takes a field off the front of what has been validated: its key, what its length covers, and all of it.
fn take_field<'a>(rest: &mut &'a [u8]) -> (u64, Option<&'a [u8]>, &'a [u8]) {
    let all = *rest;
    let key = take_varint(rest);
    let mut content = None;
    match key & 7 {
        0 => {
            take_varint(rest);
        }
        1 => *rest = &rest[8..],
        2 => {
            let len = usize::try_from(take_varint(rest)).expect("it fits");
            content = Some(&rest[..len]);
            *rest = &rest[len..];
        }
        // Up to the end of the group, which is a key by itself.
        3 => while take_field(rest).0 & 7 != 4 {},
        5 => *rest = &rest[4..],
        _ => {}
    }
    (key, content, &all[..all.len() - rest.len()])
}

fn take_varint(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    for (index, byte) in rest.iter().enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            *rest = &rest[index + 1..];
            return value;
        }
    }
    panic!("a varint does not end")
}
