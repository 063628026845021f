//! The date until which this version is supported, of `support/releases.json`, as code.

use serde::Deserialize;

use super::rust::formatted;
use super::{Generated, Result, root};

/// The one place that says it.
const RELEASES: &str = "support/releases.json";
const CODE: &str = "collector/telemetry/src/generated/support.rs";

/// A released version, or the one that is made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    version: String,
    /// The last day, `2027-06-30`; nothing when no date is promised.
    supported_until: Option<String>,
}

pub(super) fn generate() -> Result<Vec<Generated>> {
    let release = current()?;
    let end = release.supported_until.as_deref().map(end_of).transpose()?.unwrap_or(0);
    let text = format!(
        "//! How long this version is supported.\n\n\
         /// Until when, in seconds since 1970; 0 when no date is promised.\n\
         pub const SUPPORT_END: u64 = {end};\n"
    );
    Ok(vec![Generated { path: CODE.to_owned(), content: formatted(&text)? }])
}

fn current() -> Result<Release> {
    let releases: Vec<Release> = serde_json::from_slice(&std::fs::read(root().join(RELEASES))?)?;
    let version = env!("CARGO_PKG_VERSION");
    let current = releases.into_iter().find(|release| release.version == version);
    current.ok_or_else(|| format!("{RELEASES} does not say until when {version} is supported").into())
}

/// The end of a day of the proleptic Gregorian calendar, in seconds since 1970. Days are counted in years that begin
/// on 1 March.
fn end_of(day: &str) -> Result<u64> {
    let wrong = || format!("{RELEASES}: {day:?} is no day, such as 2027-06-30");
    let mut parts = day.split('-').map(str::parse::<u64>);
    let mut part = || parts.next().and_then(std::result::Result::ok).ok_or_else(wrong);
    let (year, month, of_month) = (part()?, part()?, part()?);
    let widths: Vec<usize> = day.split('-').map(str::len).collect();
    if widths != [4, 2, 2] || year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&of_month) {
        return Err(wrong().into());
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + of_month;
    // From 1 March of the year 0 to 1 January 1970, and to the end of the day.
    Ok((days - 719_469 + 1) * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_day_is_the_beginning_of_the_next() {
        for (day, end) in
            [("1970-01-01", 86_400), ("2026-11-27", 1_795_824_000), ("2028-02-29", 1_835_481_600)]
        {
            assert_eq!(end_of(day).unwrap(), end, "{day}");
        }
        for wrong in ["", "2027", "27-06-30", "2027-13-01", "2027-06-32", "2027-6-030", "soon-to-come"] {
            assert!(end_of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_users_read_says_the_same() {
        let page = std::fs::read_to_string(root().join("SUPPORT.md")).unwrap();
        let Release { version, supported_until } = current().unwrap();
        let said = match supported_until {
            None => format!("Version {version} is a pre-release. No support date is promised for it"),
            Some(day) => format!("Version {version} is supported until {day}"),
        };
        assert!(page.contains(&said), "SUPPORT.md does not say: {said}");
    }
}
