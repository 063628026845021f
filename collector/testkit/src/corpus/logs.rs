//! Log records.

use etalon_pdata::proto::collector::logs::v1::ExportLogsServiceRequest;
use etalon_pdata::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};

use super::attributes::{any_value, attributes, resource, scope, text, time};
use super::{Random, groups};

const SEVERITIES: [&str; 5] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"];

pub(super) fn request(random: &mut Random, items: usize) -> ExportLogsServiceRequest {
    let resource_logs = groups(random, items, 200)
        .into_iter()
        .map(|items| ResourceLogs {
            resource: Some(resource(random)),
            scope_logs: groups(random, items, 60)
                .into_iter()
                .map(|items| scope_logs(random, items))
                .collect(),
            schema_url: String::new(),
        })
        .collect();
    ExportLogsServiceRequest { resource_logs }
}

fn scope_logs(random: &mut Random, items: usize) -> ScopeLogs {
    ScopeLogs {
        scope: random.percent(90).then(|| scope(random)),
        log_records: (0..items).map(|_| log_record(random)).collect(),
        schema_url: String::new(),
    }
}

fn log_record(random: &mut Random) -> LogRecord {
    use etalon_pdata::proto::common::v1::{AnyValue, any_value::Value};

    let at = time(random);
    let severity = random.between(0, SEVERITIES.len() - 1);
    let body = match random.percent(90) {
        true => AnyValue { value: Some(Value::StringValue(text(random, 10, 300))) },
        false => any_value(random, 3),
    };
    let traced = random.percent(60);
    LogRecord {
        time_unix_nano: at,
        observed_time_unix_nano: at + (random.bits() >> 40),
        severity_number: (1 + 4 * severity) as i32,
        severity_text: if random.percent(80) { SEVERITIES[severity].to_owned() } else { String::new() },
        body: Some(body),
        attributes: attributes(random, 0, 10),
        dropped_attributes_count: if random.percent(2) { 5 } else { 0 },
        flags: u32::from(traced),
        trace_id: if traced { random.bytes(16) } else { Vec::new() },
        span_id: if traced { random.bytes(8) } else { Vec::new() },
        event_name: if random.percent(10) { text(random, 5, 25) } else { String::new() },
    }
}
