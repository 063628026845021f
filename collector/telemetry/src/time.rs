//! Times for people.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use etalon_telemetry_schema::released::Date;

/// `2026-11-20T08:30:00.125Z`.
pub fn iso8601(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let date = Date::of_days(u32::try_from(days).unwrap_or(u32::MAX));
    let mut text = String::with_capacity(24);
    write!(text, "{date}T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
        .and_then(|()| write!(text, ".{:03}Z", since.subsec_millis()))
        .expect("writing to a String cannot fail");
    text
}
