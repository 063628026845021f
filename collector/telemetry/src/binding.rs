//! What generated code needs to bind series.

/// The labels that have a value.
pub(crate) fn present<'a>(labels: &[(&'a str, Option<&'a str>)]) -> Vec<(&'a str, &'a str)> {
    labels.iter().filter_map(|(key, value)| value.map(|value| (*key, value))).collect()
}
