//! Logs as text.

use super::detailed::Lines;
use super::go::{Id, Timestamp};
use super::value::{Plain, Typed};
use super::{Count, TextError, TextForm, normal, objects};
use crate::proto::collector::logs::v1::ExportLogsServiceRequest;
use crate::proto::logs::v1::LogRecord;
use crate::tables::EXPORT_LOGS_SERVICE_REQUEST;

pub(crate) static LOGS: TextForm = TextForm {
    title: "Logs",
    counts: &[Count { name: "resource logs", path: &[1] }],
    items: "log records",
    normal: normal_text,
    detailed: detailed_text,
};

fn request(request: &[u8]) -> Result<ExportLogsServiceRequest, TextError> {
    objects(&EXPORT_LOGS_SERVICE_REQUEST, request)
}

fn normal_text(bytes: &[u8]) -> Result<String, TextError> {
    let mut out = String::new();
    for (index, resource) in request(bytes)?.resource_logs.iter().enumerate() {
        normal::resource(&mut out, "ResourceLog", index, &resource.schema_url, resource.resource.as_ref());
        for (index, scope) in resource.scope_logs.iter().enumerate() {
            normal::scope(&mut out, "ScopeLog", index, &scope.schema_url, scope.scope.as_ref());
            for record in &scope.log_records {
                let attributes = normal::Pairs(&record.attributes, " ");
                normal::line(&mut out, format_args!("{} {attributes}", Plain(record.body.as_ref())));
            }
        }
    }
    Ok(out)
}

fn detailed_text(bytes: &[u8]) -> Result<String, TextError> {
    let mut lines = Lines::default();
    for (index, resource) in request(bytes)?.resource_logs.iter().enumerate() {
        lines.line(format_args!("ResourceLog #{index}"));
        lines.resource(&resource.schema_url, resource.resource.as_ref());
        for (index, scope) in resource.scope_logs.iter().enumerate() {
            lines.line(format_args!("ScopeLogs #{index}"));
            lines.line(format_args!("ScopeLogs SchemaURL: {}", scope.schema_url));
            lines.scope(scope.scope.as_ref());
            for (index, record) in scope.log_records.iter().enumerate() {
                lines.line(format_args!("LogRecord #{index}"));
                put_record(record, &mut lines);
            }
        }
    }
    Ok(lines.into_text())
}

fn put_record(record: &LogRecord, lines: &mut Lines) {
    let severity = record.severity_number;
    lines.line(format_args!("ObservedTimestamp: {}", Timestamp(record.observed_time_unix_nano)));
    lines.line(format_args!("Timestamp: {}", Timestamp(record.time_unix_nano)));
    lines.line(format_args!("SeverityText: {}", record.severity_text));
    lines.line(format_args!("SeverityNumber: {}({severity})", severity_name(severity)));
    if !record.event_name.is_empty() {
        lines.line(format_args!("EventName: {}", record.event_name));
    }
    lines.line(format_args!("Body: {}", Typed(record.body.as_ref())));
    lines.attributes("Attributes", &record.attributes);
    lines.line(format_args!("Trace ID: {}", Id(&record.trace_id)));
    lines.line(format_args!("Span ID: {}", Id(&record.span_id)));
    lines.line(format_args!("Flags: {}", record.flags));
}

/// `Info`, `Info2`, …: six names of four steps each. Empty for an unknown number.
fn severity_name(number: i32) -> String {
    const NAMES: [&str; 6] = ["Trace", "Debug", "Info", "Warn", "Error", "Fatal"];
    match usize::try_from(number) {
        Ok(0) => "Unspecified".to_owned(),
        Ok(number @ 1..=24) => {
            let name = NAMES[(number - 1) / 4];
            match (number - 1) % 4 {
                0 => name.to_owned(),
                step => format!("{name}{}", step + 1),
            }
        }
        _ => String::new(),
    }
}
