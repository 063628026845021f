//! How the metrics of a contract look to a reader.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::{Contract, Instrument, Level, Metric, Presence, Requirement, Stability};

/// How a Prometheus reader names metrics.
///
/// The rules are those of OpenTelemetry's specification, "Prometheus and OpenMetrics Compatibility", and of the options
/// of the Go collector's reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exposition {
    /// Name of the exposition.
    pub id: String,
    /// What becomes of characters that classic Prometheus does not know in names.
    #[serde(default)]
    pub escaping: Escaping,
    /// Whether the unit is appended, in words.
    #[serde(default)]
    pub unit_suffix: bool,
    /// Whether the unit is appended even where it is an annotation in braces, as some versions of the Go collector did.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub annotation_suffix: bool,
    /// Whether `_total` is appended to counters.
    #[serde(default)]
    pub type_suffix: bool,
    /// Labels of the scope on every series.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope_labels: Vec<String>,
    /// Labels of the resource on every series.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_labels: Vec<String>,
}

/// What becomes of characters that classic Prometheus does not know in names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Escaping {
    /// They become underscores.
    #[default]
    Underscores,
    /// They stay.
    Utf8,
}

/// A metric as a Prometheus reader sees it. A histogram is one family: its parts are `_bucket`, `_sum` and `_count`.
#[derive(Clone, Debug, PartialEq)]
pub struct Family<'a> {
    /// Name.
    pub name: String,
    /// Type.
    pub kind: FamilyKind,
    /// Labels of its series, without `le`.
    pub labels: Vec<Label<'a>>,
    /// The metric.
    pub metric: &'a Metric,
}

/// Type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyKind {
    /// Only grows.
    Counter,
    /// Grows and shrinks.
    Gauge,
    /// A distribution.
    Histogram,
}

/// A label of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label<'a> {
    /// Name.
    pub name: String,
    /// Whether each series has it.
    pub required: bool,
    /// The only values it has; nothing when they are not listed.
    pub values: Option<Vec<&'a str>>,
}

impl Contract {
    /// The exposition of a name.
    pub fn exposition(&self, id: &str) -> Option<&Exposition> {
        self.expositions.iter().find(|exposition| exposition.id == id)
    }

    /// The metrics as seen through an exposition, by name of the metric.
    pub fn families(&self, exposition: &Exposition) -> Vec<Family<'_>> {
        self.metrics.values().map(|metric| self.family(metric, exposition)).collect()
    }

    /// One metric as seen through an exposition.
    pub fn family<'a>(&'a self, metric: &'a Metric, exposition: &Exposition) -> Family<'a> {
        let of_metric = metric.attributes.iter().map(|attribute| Label {
            name: exposition.label(&attribute.key),
            required: attribute.requirement_level == Requirement::Required,
            values: self.attributes.get(&attribute.key).and_then(crate::Attribute::values),
        });
        let of_all = exposition.scope_labels.iter().chain(&exposition.resource_labels);
        let of_all = of_all.map(|name| Label { name: name.clone(), required: true, values: None });
        Family {
            name: exposition.name_of(metric),
            kind: metric.instrument.family_kind(),
            labels: of_metric.chain(of_all).collect(),
            metric,
        }
    }
}

impl Family<'_> {
    /// The lowest level at which it is there.
    pub fn level(&self) -> Level {
        self.metric.annotations.contract.level
    }

    /// From when on its series are there.
    pub fn presence(&self) -> &Presence {
        &self.metric.annotations.contract.presence
    }

    /// How much may be relied on it.
    pub fn stability(&self) -> Stability {
        self.metric.stability
    }
}

impl Instrument {
    pub(crate) fn family_kind(self) -> FamilyKind {
        match self {
            Self::Counter => FamilyKind::Counter,
            Self::UpDownCounter | Self::Gauge => FamilyKind::Gauge,
            Self::Histogram => FamilyKind::Histogram,
        }
    }
}

impl FamilyKind {
    /// As Prometheus has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Exposition {
    /// The name of the family of a metric.
    pub fn name_of(&self, metric: &Metric) -> String {
        self.name(&metric.name, &metric.unit, metric.instrument)
    }

    /// The name of the family of the metric with this name and unit, as OTLP has them.
    pub fn name(&self, name: &str, unit: &str, instrument: Instrument) -> String {
        let mut name = self.escaped(name);
        if let Some(unit) = self.unit_suffix_of(unit)
            && !name.ends_with(&format!("_{unit}"))
        {
            name = format!("{name}_{unit}");
        }
        if self.type_suffix && instrument == Instrument::Counter && !name.ends_with("_total") {
            name.push_str("_total");
        }
        name
    }

    /// The name of the label of an attribute.
    pub fn label(&self, key: &str) -> String {
        if self.escaping == Escaping::Utf8 {
            return key.to_owned();
        }
        let mut label = key.replace(|char: char| !char.is_ascii_alphanumeric() && char != '_', "_");
        if label.starts_with(|first: char| first.is_ascii_digit()) {
            label.insert_str(0, "key_");
        }
        label
    }

    /// The name of a metric, with characters that this exposition has.
    pub fn escaped(&self, name: &str) -> String {
        match self.escaping {
            Escaping::Utf8 => name.to_owned(),
            Escaping::Underscores => {
                let known = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == ':';
                let mut escaped: String =
                    name.chars().map(|char| if known(char) { char } else { '_' }).collect();
                if escaped.starts_with(|first: char| first.is_ascii_digit()) {
                    escaped.insert(0, '_');
                }
                escaped
            }
        }
    }

    fn unit_suffix_of(&self, unit: &str) -> Option<String> {
        if unit.starts_with('{') {
            return self.annotation_suffix.then(|| self.escaped(unit));
        }
        self.unit_suffix.then(|| unit_word(unit)).flatten().map(|word| self.escaped(word))
    }
}

/// A unit in words, as Prometheus has it in names: `seconds` for `s`. Nothing for a number without a unit.
pub fn unit_word(unit: &str) -> Option<&str> {
    match unit {
        "" | "1" => None,
        annotation if annotation.starts_with('{') => None,
        "s" => Some("seconds"),
        "ms" => Some("milliseconds"),
        "By" => Some("bytes"),
        "MiBy" => Some("mebibytes"),
        "%" => Some("percent"),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Annotated;
    use crate::{MetricNote, ValueType};

    fn metric(name: &str, instrument: Instrument, unit: &str) -> Metric {
        let contract = MetricNote {
            since: semver::Version::new(0, 1, 0),
            deprecated_since: None,
            removed_in: None,
            level: Level::Basic,
            value_type: ValueType::Int,
            asynchronous: false,
            buckets: Vec::new(),
            binding: None,
            presence: Presence::AtStart,
            recorded: String::new(),
            invariants: Vec::new(),
            tests: Vec::new(),
            how_to_use: None,
            alert: None,
            upstream: None,
        };
        Metric {
            name: name.to_owned(),
            brief: String::new(),
            note: None,
            instrument,
            unit: unit.to_owned(),
            stability: Stability::Stable,
            attributes: Vec::new(),
            deprecated: None,
            annotations: Annotated { contract },
        }
    }

    fn exposition(unit_suffix: bool, type_suffix: bool) -> Exposition {
        Exposition {
            id: "test".to_owned(),
            escaping: Escaping::Underscores,
            unit_suffix,
            annotation_suffix: false,
            type_suffix,
            scope_labels: Vec::new(),
            resource_labels: Vec::new(),
        }
    }

    #[test]
    fn names_are_those_of_the_specification() {
        let (plain, suffixed) = (exposition(false, false), exposition(true, true));
        for (name, instrument, unit, expected) in [
            ("otelcol_process_uptime", Instrument::Counter, "s", "otelcol_process_uptime_seconds_total"),
            ("otelcol_process_cpu_seconds", Instrument::Counter, "s", "otelcol_process_cpu_seconds_total"),
            ("otelcol_process_memory_rss", Instrument::Gauge, "By", "otelcol_process_memory_rss_bytes"),
            (
                "otelcol_exporter_sent_spans",
                Instrument::Counter,
                "{span}",
                "otelcol_exporter_sent_spans_total",
            ),
            ("otelcol_exporter_queue_size", Instrument::Gauge, "{batch}", "otelcol_exporter_queue_size"),
        ] {
            let metric = metric(name, instrument, unit);
            assert_eq!(plain.name_of(&metric), name);
            assert_eq!(suffixed.name_of(&metric), expected);
        }
    }

    #[test]
    fn dots_become_underscores_unless_the_reader_knows_them() {
        let metric = metric("otelcol.receiver.produced.items", Instrument::Counter, "{item}");
        let classic = exposition(false, false);
        assert_eq!(classic.name_of(&metric), "otelcol_receiver_produced_items");
        let modern = Exposition { escaping: Escaping::Utf8, ..classic };
        assert_eq!(modern.name_of(&metric), "otelcol.receiver.produced.items");
    }

    #[test]
    fn labels_have_characters_that_the_reader_knows() {
        let classic = exposition(false, false);
        assert_eq!(classic.label("server.address"), "server_address");
        assert_eq!(classic.label("1st: größe"), "key_1st__gr__e");
        let modern = Exposition { escaping: Escaping::Utf8, ..classic };
        assert_eq!(modern.label("server.address"), "server.address");
    }

    #[test]
    fn an_annotation_as_unit_leaks_where_it_did() {
        let metric = metric("otelcol_exporter_sent_spans", Instrument::Counter, "{spans}");
        let leaking = Exposition { annotation_suffix: true, ..exposition(true, true) };
        assert_eq!(leaking.name_of(&metric), "otelcol_exporter_sent_spans__spans__total");
    }
}
