//! `service.telemetry.metrics.readers`: who gets the collector's own metrics, and how.

mod periodic;

use etalon_conf::{Check, Validate};
use etalon_telemetry::{PrometheusReader, Selection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::periodic::{PeriodicConfig, Temporality};

/// One element of `service.telemetry.metrics.readers`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ReaderConfig {
    /// Metrics that somebody fetches.
    pull: Option<PullConfig>,
    /// Metrics that are pushed.
    pub(super) periodic: Option<PeriodicConfig>,
}

/// `pull` of a reader.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct PullConfig {
    /// How they are offered.
    exporter: PullExporterConfig,
}

/// `pull.exporter` of a reader.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct PullExporterConfig {
    /// A Prometheus endpoint.
    prometheus: Option<PrometheusConfig>,
}

/// `pull.exporter.prometheus` of a reader: an endpoint that serves `/metrics`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct PrometheusConfig {
    /// Host name or address to bind. Must be given.
    host: Option<String>,
    /// Port to bind. Must be given.
    port: Option<u16>,
    /// Whether the scope is left out: else each series has `otel_scope_name` and `otel_scope_version`. Unset is
    /// `true`.
    without_scope_info: Option<bool>,
    /// Whether units are left out of the names: else they end in `_seconds` or `_bytes`. Unset is `true`.
    without_units: Option<bool>,
    /// Whether `_total` is left out of the names of counters. Unset is `true`.
    without_type_suffix: Option<bool>,
    /// Attributes of the resource that each series has as labels. Unset is none of them.
    with_resource_constant_labels: Option<IncludeExclude>,
}

/// Some names of attributes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct IncludeExclude {
    /// Those that are told. None named is all.
    included: Vec<String>,
    /// Those that are not told.
    excluded: Vec<String>,
}

/// An endpoint for Prometheus.
pub(crate) struct PullReader {
    /// Where, as `host:port`.
    pub(crate) endpoint: String,
    /// What it tells.
    pub(crate) reader: PrometheusReader,
}

impl ReaderConfig {
    /// An endpoint for Prometheus, with the defaults.
    pub(super) fn pull(host: &str, port: u16) -> Self {
        let prometheus =
            PrometheusConfig { host: Some(host.to_owned()), port: Some(port), ..PrometheusConfig::default() };
        let pull = PullConfig { exporter: PullExporterConfig { prometheus: Some(prometheus) } };
        Self { pull: Some(pull), periodic: None }
    }

    /// Where Prometheus finds it, as `host:port`.
    pub(super) fn endpoint(&self) -> Option<String> {
        self.prometheus()?.endpoint()
    }

    pub(super) fn pull_reader(
        &self,
        selection: &Selection,
        resource: &[(String, String)],
    ) -> Option<PullReader> {
        let endpoint = self.endpoint()?;
        let reader = self.prometheus()?.reader(selection.clone(), resource);
        Some(PullReader { endpoint, reader })
    }

    fn prometheus(&self) -> Option<&PrometheusConfig> {
        self.pull.as_ref()?.exporter.prometheus.as_ref()
    }
}

impl PrometheusConfig {
    fn endpoint(&self) -> Option<String> {
        let (host, port) = (self.host.as_deref()?, self.port?);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some(if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
    }

    fn reader(&self, selection: Selection, resource: &[(String, String)]) -> PrometheusReader {
        let mut reader = PrometheusReader { selection, ..PrometheusReader::default() };
        reader.exposition.unit_suffix = self.without_units == Some(false);
        reader.exposition.type_suffix = self.without_type_suffix == Some(false);
        if self.without_scope_info == Some(false) {
            reader.exposition.scope_labels = PrometheusReader::SCOPE_LABELS.map(str::to_owned).to_vec();
        }
        if let Some(labels) = &self.with_resource_constant_labels {
            let keys = resource.iter().map(|(key, _)| key).filter(|key| labels.has(key));
            reader.exposition.resource_labels = keys.cloned().collect();
        }
        reader
    }
}

impl IncludeExclude {
    fn has(&self, name: &String) -> bool {
        (self.included.is_empty() || self.included.contains(name)) && !self.excluded.contains(name)
    }
}

impl Validate for ReaderConfig {
    fn validate(&self, check: &mut Check) {
        match (&self.pull, &self.periodic) {
            (Some(_), Some(_)) => check.error("cannot have both pull and periodic: write two readers"),
            (None, None) => check.error("must have pull or periodic"),
            (None, Some(periodic)) => check.field("periodic", periodic),
            (Some(_), None) => match self.prometheus() {
                Some(prometheus) => check.field("pull::exporter::prometheus", prometheus),
                None => check.error("must have pull::exporter::prometheus"),
            },
        }
    }
}

impl Validate for PrometheusConfig {
    fn validate(&self, check: &mut Check) {
        for (key, is_set) in [("host", self.host.is_some()), ("port", self.port.is_some())] {
            if !is_set {
                check.at(key, |check| check.error("is required"));
            }
        }
        let Some(IncludeExclude { included, excluded }) = &self.with_resource_constant_labels else { return };
        check.at("with_resource_constant_labels", |check| {
            for name in included.iter().filter(|name| excluded.contains(name)) {
                check.error(format!("\"{name}\" cannot be both included and excluded"));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use etalon_conf::Node;
    use etalon_telemetry::{Format, Telemetry, observe_process};

    use super::*;

    fn uptime(prometheus: &str) -> String {
        let yaml = format!("pull: {{exporter: {{prometheus: {{host: localhost, port: 1{prometheus}}}}}}}");
        let config: ReaderConfig = Node::parse("c.yaml", &yaml).unwrap().decode_valid().unwrap();
        let telemetry = Telemetry::new(&[("service.name", "etalon"), ("region", "eu")]);
        let _process = observe_process(&telemetry, "0.1.0");
        let PullReader { reader, .. } =
            config.pull_reader(&Selection::default(), telemetry.resource()).unwrap();
        let text = reader.text(&telemetry, Format::TEXT);
        let line = text.lines().find(|line| line.starts_with("otelcol_process_uptime")).unwrap();
        line.split(' ').next().unwrap().to_owned()
    }

    #[test]
    fn each_option_of_the_endpoint_changes_what_it_tells() {
        for (options, expected) in [
            ("", "otelcol_process_uptime"),
            (", without_units: true, without_type_suffix: true", "otelcol_process_uptime"),
            (", without_units: false", "otelcol_process_uptime_seconds"),
            (", without_type_suffix: false", "otelcol_process_uptime_total"),
            (
                ", with_resource_constant_labels: {included: [region]}",
                "otelcol_process_uptime{region=\"eu\"}",
            ),
            (
                ", with_resource_constant_labels: {excluded: [region]}",
                "otelcol_process_uptime{service_name=\"etalon\"}",
            ),
            (
                ", with_resource_constant_labels: {}",
                "otelcol_process_uptime{region=\"eu\",service_name=\"etalon\"}",
            ),
        ] {
            assert_eq!(uptime(options), expected, "{options}");
        }
        let scoped = uptime(", without_scope_info: false");
        assert!(
            scoped.starts_with("otelcol_process_uptime{otel_scope_name=\"etalon\",otel_scope_version=\"")
        );
    }

    #[test]
    fn the_host_may_be_an_ipv6_address_with_or_without_brackets() {
        for (host, expected) in [("::1", "[::1]:1"), ("[::1]", "[::1]:1"), ("localhost", "localhost:1")] {
            assert_eq!(ReaderConfig::pull(host, 1).endpoint().unwrap(), expected);
        }
    }
}
