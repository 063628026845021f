//! Traces as text.

use super::detailed::Lines;
use super::go::{Id, Timestamp};
use super::{Count, TextError, TextForm, normal, objects};
use crate::proto::collector::trace::v1::ExportTraceServiceRequest;
use crate::proto::trace::v1::{Span, span, status};
use crate::tables::EXPORT_TRACE_SERVICE_REQUEST;

pub(crate) static TRACES: TextForm = TextForm {
    title: "Traces",
    counts: &[Count { name: "resource spans", path: &[1] }],
    items: "spans",
    normal: normal_text,
    detailed: detailed_text,
};

fn request(request: &[u8]) -> Result<ExportTraceServiceRequest, TextError> {
    objects(&EXPORT_TRACE_SERVICE_REQUEST, request)
}

fn normal_text(bytes: &[u8]) -> Result<String, TextError> {
    let mut out = String::new();
    for (index, resource) in request(bytes)?.resource_spans.iter().enumerate() {
        normal::resource(&mut out, "ResourceTraces", index, &resource.schema_url, resource.resource.as_ref());
        for (index, scope) in resource.scope_spans.iter().enumerate() {
            normal::scope(&mut out, "ScopeTraces", index, &scope.schema_url, scope.scope.as_ref());
            for span in &scope.spans {
                let (trace_id, span_id) = (Id(&span.trace_id), Id(&span.span_id));
                let attributes = normal::Trailing(&span.attributes);
                normal::line(&mut out, format_args!("{} {trace_id} {span_id}{attributes}", span.name));
            }
        }
    }
    Ok(out)
}

fn detailed_text(bytes: &[u8]) -> Result<String, TextError> {
    let mut lines = Lines::default();
    for (index, resource) in request(bytes)?.resource_spans.iter().enumerate() {
        lines.line(format_args!("ResourceSpans #{index}"));
        lines.resource(&resource.schema_url, resource.resource.as_ref());
        for (index, scope) in resource.scope_spans.iter().enumerate() {
            lines.line(format_args!("ScopeSpans #{index}"));
            lines.line(format_args!("ScopeSpans SchemaURL: {}", scope.schema_url));
            lines.scope(scope.scope.as_ref());
            for (index, span) in scope.spans.iter().enumerate() {
                lines.line(format_args!("Span #{index}"));
                put_span(span, &mut lines);
            }
        }
    }
    Ok(lines.into_text())
}

fn put_span(span: &Span, lines: &mut Lines) {
    lines.field("Trace ID", Id(&span.trace_id));
    lines.field("Parent ID", Id(&span.parent_span_id));
    lines.field("ID", Id(&span.span_id));
    lines.field("Name", &span.name);
    lines.field("Kind", kind(span.kind));
    if !span.trace_state.is_empty() {
        lines.field("TraceState", &span.trace_state);
    }
    lines.field("Start time", Timestamp(span.start_time_unix_nano));
    lines.field("End time", Timestamp(span.end_time_unix_nano));
    let (code, message) =
        span.status.as_ref().map_or((0, ""), |status| (status.code, status.message.as_str()));
    lines.field("Status code", status_code(code));
    lines.field("Status message", message);
    lines.field("DroppedAttributesCount", span.dropped_attributes_count);
    lines.field("DroppedEventsCount", span.dropped_events_count);
    lines.field("DroppedLinksCount", span.dropped_links_count);
    lines.attributes("Attributes", &span.attributes);
    put_events(&span.events, lines);
    put_links(&span.links, lines);
}

fn put_events(events: &[span::Event], lines: &mut Lines) {
    if !events.is_empty() {
        lines.line(format_args!("Events:"));
    }
    for (index, event) in events.iter().enumerate() {
        lines.line(format_args!("SpanEvent #{index}"));
        lines.line(format_args!("     -> Name: {}", event.name));
        lines.line(format_args!("     -> Timestamp: {}", Timestamp(event.time_unix_nano)));
        lines.line(format_args!("     -> DroppedAttributesCount: {}", event.dropped_attributes_count));
        lines.attributes("     -> Attributes:", &event.attributes);
    }
}

fn put_links(links: &[span::Link], lines: &mut Lines) {
    if !links.is_empty() {
        lines.line(format_args!("Links:"));
    }
    for (index, link) in links.iter().enumerate() {
        lines.line(format_args!("SpanLink #{index}"));
        lines.line(format_args!("     -> Trace ID: {}", Id(&link.trace_id)));
        lines.line(format_args!("     -> ID: {}", Id(&link.span_id)));
        lines.line(format_args!("     -> TraceState: {}", link.trace_state));
        lines.line(format_args!("     -> DroppedAttributesCount: {}", link.dropped_attributes_count));
        lines.attributes("     -> Attributes:", &link.attributes);
    }
}

/// Name of a span kind; empty for an unknown one.
fn kind(number: i32) -> &'static str {
    match span::SpanKind::try_from(number) {
        Ok(span::SpanKind::Unspecified) => "Unspecified",
        Ok(span::SpanKind::Internal) => "Internal",
        Ok(span::SpanKind::Server) => "Server",
        Ok(span::SpanKind::Client) => "Client",
        Ok(span::SpanKind::Producer) => "Producer",
        Ok(span::SpanKind::Consumer) => "Consumer",
        Err(_) => "",
    }
}

/// Name of a status code; empty for an unknown one.
fn status_code(number: i32) -> &'static str {
    match status::StatusCode::try_from(number) {
        Ok(status::StatusCode::Unset) => "Unset",
        Ok(status::StatusCode::Ok) => "Ok",
        Ok(status::StatusCode::Error) => "Error",
        Err(_) => "",
    }
}
