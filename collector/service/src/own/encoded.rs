//! Own telemetry in the form of OTLP.

use std::time::{SystemTime, UNIX_EPOCH};

use etalon_pdata::proto::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use etalon_pdata::proto::resource::v1::Resource;
use etalon_telemetry::{SCOPE_NAME, SCOPE_VERSION, Telemetry};

pub(crate) fn resource(telemetry: &Telemetry) -> Resource {
    let of = telemetry.resource().iter();
    let attributes = of.map(|(key, value)| attribute(key, text(value))).collect();
    Resource { attributes, ..Resource::default() }
}

pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: SCOPE_NAME.to_owned(),
        version: SCOPE_VERSION.to_owned(),
        ..InstrumentationScope::default()
    }
}

pub(crate) fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

pub(crate) fn text(text: &str) -> any_value::Value {
    any_value::Value::StringValue(text.to_owned())
}

pub(crate) fn nanoseconds(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}
