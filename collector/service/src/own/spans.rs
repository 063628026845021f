//! Spans as an OTLP request.

use std::sync::Arc;

use etalon_pdata::proto::collector::trace::v1::ExportTraceServiceRequest;
use etalon_pdata::proto::common::v1::any_value;
use etalon_pdata::proto::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span, status};
use etalon_telemetry::{AttributeValue, SpanContext, SpanData, SpanKind, SpanSink, Telemetry};
use prost::Message as _;

use super::encoded::{attribute, nanoseconds, resource, scope, text};
use super::queue::{Encode, Queue};

/// The context of the parent is of another process, and whether that is known: bits of `flags`.
const IS_REMOTE: u32 = 0x200;
const HAS_IS_REMOTE: u32 = 0x100;
const SAMPLED: u32 = 1;

/// Takes spans that have ended.
pub(super) struct SpanQueue(pub(super) Arc<Queue<Arc<SpanData>>>);

impl SpanSink for SpanQueue {
    fn ended(&self, span: &Arc<SpanData>) {
        self.0.put(span.clone());
    }
}

pub(super) fn encoder(telemetry: &Telemetry) -> Encode<Arc<SpanData>> {
    let resource = resource(telemetry);
    Box::new(move |spans| {
        let spans = spans.iter().map(|span| encoded(span)).collect();
        let scope_spans = vec![ScopeSpans { scope: Some(scope()), spans, ..ScopeSpans::default() }];
        let resource_spans =
            vec![ResourceSpans { resource: Some(resource.clone()), scope_spans, ..ResourceSpans::default() }];
        ExportTraceServiceRequest { resource_spans }.encode_to_vec()
    })
}

fn encoded(data: &SpanData) -> Span {
    let ids = |context: &SpanContext| {
        let ids = context.ids();
        ids.map(|(trace_id, span_id)| (trace_id.bytes().to_vec(), span_id.bytes().to_vec()))
            .unwrap_or_default()
    };
    let (trace_id, span_id) = ids(&data.context);
    let parent = data.parent.as_deref();
    let is_remote = parent.is_some_and(SpanContext::is_remote);
    let kind = match data.definition.kind {
        SpanKind::Internal => span::SpanKind::Internal,
        SpanKind::Server => span::SpanKind::Server,
        SpanKind::Client => span::SpanKind::Client,
    };
    Span {
        trace_id,
        span_id,
        trace_state: data.context.state().as_deref().unwrap_or_default().to_owned(),
        parent_span_id: parent.map(|parent| ids(parent).1).unwrap_or_default(),
        flags: SAMPLED | HAS_IS_REMOTE | if is_remote { IS_REMOTE } else { 0 },
        name: data.name.clone().into_owned(),
        kind: kind.into(),
        start_time_unix_nano: nanoseconds(data.start),
        end_time_unix_nano: nanoseconds(data.end),
        attributes: data.attributes.iter().map(|(key, value)| attribute(key, any(value))).collect(),
        dropped_attributes_count: data.dropped_attributes,
        status: data
            .error
            .as_deref()
            .map(|message| Status { message: message.to_owned(), code: status::StatusCode::Error.into() }),
        ..Span::default()
    }
}

fn any(value: &AttributeValue) -> any_value::Value {
    match value {
        AttributeValue::Text(value) => text(value),
        AttributeValue::Int(value) => any_value::Value::IntValue(*value),
        AttributeValue::Double(value) => any_value::Value::DoubleValue(*value),
        AttributeValue::Bool(value) => any_value::Value::BoolValue(*value),
    }
}
