//! Metrics as Prometheus reads them: its text format, and `OpenMetrics` 1.0.

mod negotiation;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use etalon_telemetry_schema::{Escaping, Exposition, Instrument as Kind, unit_word};

pub use negotiation::{Format, prefers_gzip};

use self::negotiation::Syntax;
use crate::definition::Instrument;
use crate::registry::Telemetry;
use crate::selection::{SCOPE_NAME, SCOPE_VERSION, Selection};
use crate::snapshot::{FamilySnapshot, Point, Value};

/// What one endpoint for Prometheus tells, and under which names.
#[derive(Clone, Debug, PartialEq)]
pub struct PrometheusReader {
    /// How metrics are named. Its `escaping` is that of each client instead, and its `resource_labels` are the names
    /// of attributes, as OTLP has them.
    pub exposition: Exposition,
    /// Which metrics are told.
    pub selection: Selection,
}

/// Labels, or attributes on their way to become some.
type Pairs = Vec<(String, String)>;

impl Default for PrometheusReader {
    /// As the Go collector's default: no suffixes, no labels of scope and resource.
    fn default() -> Self {
        let exposition = Exposition {
            id: "prometheus".to_owned(),
            escaping: Escaping::Underscores,
            unit_suffix: false,
            annotation_suffix: false,
            type_suffix: false,
            scope_labels: Vec::new(),
            resource_labels: Vec::new(),
        };
        Self { exposition, selection: Selection::default() }
    }
}

impl PrometheusReader {
    /// The labels of the scope on every series, where they are told.
    pub const SCOPE_LABELS: [&str; 2] = ["otel_scope_name", "otel_scope_version"];

    /// The format for a client with this `Accept`.
    ///
    /// A counter of `OpenMetrics` ends in `_total`. Names are the same in each format, so where they do not end so,
    /// text is preferred: it alone can tell the type of such a counter.
    pub fn negotiate(&self, accept: &str) -> Format {
        Format::negotiate(accept, !self.exposition.type_suffix)
    }

    /// All that is selected, in a format.
    pub fn text(&self, telemetry: &Telemetry, format: Format) -> String {
        let exposition = Exposition { escaping: format.escaping(), ..self.exposition.clone() };
        let common = common_labels(&exposition, telemetry);
        let mut text = Text { out: String::with_capacity(16 * 1024), format, exposition, common };
        text.target_info(telemetry);
        for family in telemetry.snapshot(&self.selection).families {
            text.family(&family);
        }
        if format.syntax == Syntax::OpenMetrics {
            text.out.push_str("# EOF\n");
        }
        text.out
    }
}

/// The labels that every series has.
fn common_labels(exposition: &Exposition, telemetry: &Telemetry) -> Pairs {
    let scope = exposition.scope_labels.iter().filter_map(|label| {
        let value = PrometheusReader::SCOPE_LABELS.iter().zip([SCOPE_NAME, SCOPE_VERSION]);
        value
            .into_iter()
            .find(|(known, _)| *known == label)
            .map(|(_, value)| (label.clone(), value.to_owned()))
    });
    let is_told = |(key, _): &&(String, String)| exposition.resource_labels.contains(key);
    let resource = telemetry.resource().iter().filter(is_told);
    scope.chain(joined(exposition, resource)).collect()
}

/// Attributes as labels. Where several have one name as labels, their values are joined, as the Go collector joins
/// them.
fn joined<'a>(
    exposition: &Exposition,
    attributes: impl Iterator<Item = &'a (String, String)>,
) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::<String, String>::new();
    for (key, value) in attributes.filter(|(key, _)| !key.is_empty()) {
        match labels.get_mut(&exposition.label(key)) {
            Some(joined) => {
                joined.push(';');
                joined.push_str(value);
            }
            None => _ = labels.insert(exposition.label(key), value.clone()),
        }
    }
    labels
}

struct Text {
    out: String,
    format: Format,
    exposition: Exposition,
    common: Pairs,
}

impl Text {
    fn target_info(&mut self, telemetry: &Telemetry) {
        let labels: Pairs = joined(&self.exposition, telemetry.resource().iter()).into_iter().collect();
        let (family, kind) = match self.format.syntax {
            Syntax::OpenMetrics => ("target", "info"),
            Syntax::Text | Syntax::QuotedText => ("target_info", "gauge"),
        };
        self.head(family, kind, None, "Attributes of the resource that these metrics describe.");
        self.sample("target_info", "", &labels, None, "1");
    }

    fn family(&mut self, FamilySnapshot { definition, points }: &FamilySnapshot) {
        let instrument = match definition.instrument {
            Instrument::Counter => Kind::Counter,
            Instrument::UpDownCounter => Kind::UpDownCounter,
            Instrument::Gauge => Kind::Gauge,
            Instrument::Histogram => Kind::Histogram,
        };
        let name = self.exposition.name(definition.name, definition.unit, instrument);
        let (family, kind) = match (instrument, self.format.syntax) {
            (Kind::Counter, Syntax::OpenMetrics) => match name.strip_suffix("_total") {
                Some(family) => (family, "counter"),
                None => (&*name, "unknown"),
            },
            (Kind::Counter, _) => (&*name, "counter"),
            (Kind::UpDownCounter | Kind::Gauge, _) => (&*name, "gauge"),
            (Kind::Histogram, _) => (&*name, "histogram"),
        };
        let unit = unit_word(definition.unit).filter(|unit| family.ends_with(&format!("_{unit}")));
        self.head(family, kind, unit, definition.brief);
        for point in points {
            self.point(&name, definition.buckets, point);
        }
    }

    fn head(&mut self, family: &str, kind: &str, unit: Option<&str>, help: &str) {
        let family = if is_classic(family) { family.to_owned() } else { quoted(family) };
        let mut help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let mut unit_line = String::new();
        if self.format.syntax == Syntax::OpenMetrics {
            help = help.replace('"', "\\\"");
            unit_line = unit.map(|unit| format!("# UNIT {family} {unit}\n")).unwrap_or_default();
        }
        self.out.push_str(&format!("# HELP {family} {help}\n# TYPE {family} {kind}\n{unit_line}"));
    }

    fn point(&mut self, name: &str, bounds: &[f64], point: &Point) {
        let own = point.labels.iter().map(|(key, value)| (self.exposition.label(key), value.clone()));
        let mut labels: Pairs = own.collect();
        let common = self.common.iter().filter(|(key, _)| !labels.iter().any(|(own, _)| own == key));
        let common: Pairs = common.cloned().collect();
        labels.extend(common);
        match &point.value {
            Value::Int(value) => self.sample(name, "", &labels, None, &value.to_string()),
            Value::Double(value) => self.sample(name, "", &labels, None, &self.number(*value)),
            Value::Histogram { counts, sum } => {
                let mut count = 0;
                for (bound, counted) in bounds.iter().chain([&f64::INFINITY]).zip(counts) {
                    count += counted;
                    let bound = self.number(*bound);
                    self.sample(name, "_bucket", &labels, Some(&bound), &count.to_string());
                }
                self.sample(name, "_sum", &labels, None, &self.number(*sum));
                self.sample(name, "_count", &labels, None, &count.to_string());
            }
        }
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: &Pairs, bound: Option<&str>, value: &str) {
        let out = &mut self.out;
        let mut parts: Vec<String> = Vec::with_capacity(labels.len() + 2);
        if is_classic(name) {
            out.push_str(name);
            out.push_str(suffix);
        } else {
            parts.push(quoted(&format!("{name}{suffix}")));
        }
        for (key, value) in labels {
            let key = if is_classic(key) && !key.contains(':') { key.clone() } else { quoted(key) };
            parts.push(format!("{key}={}", quoted(value)));
        }
        parts.extend(bound.map(|bound| format!("le=\"{bound}\"")));
        if !parts.is_empty() {
            write!(out, "{{{}}}", parts.join(",")).expect("writing to a String cannot fail");
        }
        out.push(' ');
        out.push_str(value);
        out.push('\n');
    }

    fn number(&self, value: f64) -> String {
        if value.is_infinite() {
            return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
        }
        match self.format.syntax {
            // With a point, as its canonical numbers have one.
            Syntax::OpenMetrics => format!("{value:?}"),
            Syntax::Text | Syntax::QuotedText => value.to_string(),
        }
    }
}

/// Whether every reader of Prometheus knows this as a name.
fn is_classic(name: &str) -> bool {
    let known = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == ':';
    !name.is_empty() && name.chars().all(known) && !name.starts_with(|first: char| first.is_ascii_digit())
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests;
