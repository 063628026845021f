//! OTLP requests against a contract.

use std::collections::BTreeSet;

use etalon_pdata::json;
use etalon_pdata::proto::collector::logs::v1::ExportLogsServiceRequest;
use etalon_pdata::proto::collector::metrics::v1::ExportMetricsServiceRequest;
use etalon_pdata::proto::collector::trace::v1::ExportTraceServiceRequest;
use etalon_pdata::proto::common::v1::{InstrumentationScope, any_value};
use etalon_pdata::proto::metrics::v1::{Metric, metric, number_data_point};
use etalon_pdata::proto::resource::v1::Resource;
use etalon_pdata::{LOGS, METRICS, Signal, TRACES};
use prost::{DecodeError, Message as _};

use super::event::{self, Told};
use super::findings::{Findings, Place, Report};
use super::input::signal_of;
use super::span::Spans;
use super::{Rule, attributes, metric as of_metric};
use crate::contract::{Contract, Level, Presence};

/// The metric that tells which contract a collector keeps.
pub(super) const CONTRACT_INFO: &str = "etalon_contract_info";

/// The attribute of [`CONTRACT_INFO`] with the version.
pub(super) const CONTRACT_VERSION: &str = "version";

/// The part of a contract that a capture is compared with.
const EXPOSITION: &str = "otlp";

/// Since when sums and histograms count, as the configuration of a reader says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temporality {
    /// Since the start.
    Cumulative,
    /// Since the last push, where a sum only grows.
    Delta,
    /// As [`Delta`](Self::Delta) for what is recorded when it happens, and as [`Cumulative`](Self::Cumulative) for what is
    /// read when it is exported.
    LowMemory,
}

/// OTLP requests that are compared one after the other.
#[derive(Debug)]
pub(super) struct Capture<'a> {
    contract: &'a Contract,
    level: Level,
    temporality: Option<Temporality>,
    spans: Spans<'a>,
    findings: Findings,
    /// Metrics that have had a point.
    seen: BTreeSet<&'a str>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    requests: usize,
    requests_of_metrics: usize,
    points: usize,
    spans: usize,
    records: usize,
    foreign: usize,
}

/// What is known of the scope that something is in.
struct InScope<'s> {
    name: &'s str,
    is_own: bool,
    /// Whether the resource is of a collector as it is without configuration, so that the scope must be its own.
    must_be_own: bool,
}

impl<'a> Capture<'a> {
    /// Compares with a contract. Metrics above `level` may be there and need not.
    pub(super) fn new(contract: &'a Contract, level: Level, temporality: Option<Temporality>) -> Self {
        Self {
            contract,
            level,
            temporality,
            spans: Spans::of(contract),
            findings: Findings::default(),
            seen: BTreeSet::new(),
            counts: Counts::default(),
        }
    }

    /// Takes a line with a request as JSON. Whether it is one; if not, that is told.
    pub(super) fn line(&mut self, number: usize, line: &[u8]) -> bool {
        let request = signal_of(line).and_then(|signal| match json::decode(signal.request, line) {
            Ok(request) => Ok((signal, request)),
            Err(error) => Err(format!("a request of {}; {error}", signal.name)),
        });
        let taken = request.and_then(|(signal, request)| {
            self.protobuf(signal, &request, Some(number)).map_err(|error| error.to_string())
        });
        if let Err(expected) = &taken {
            self.findings.malformed(number, expected);
        }
        taken.is_ok()
    }

    /// Takes a request as protobuf.
    ///
    /// # Errors
    /// It is no such request.
    pub(super) fn protobuf(
        &mut self,
        signal: Signal,
        request: &[u8],
        line: Option<usize>,
    ) -> Result<(), DecodeError> {
        if signal == METRICS {
            self.metrics(&ExportMetricsServiceRequest::decode(request)?, line);
        } else if signal == TRACES {
            self.traces(&ExportTraceServiceRequest::decode(request)?, line);
        } else if signal == LOGS {
            self.logs(&ExportLogsServiceRequest::decode(request)?, line);
        }
        self.counts.requests += 1;
        Ok(())
    }

    /// What came out. Metrics that are not there are missed only where metrics are.
    pub(super) fn finish(mut self) -> Report {
        let expected_at_start = self.contract.metrics.values().filter(|metric| {
            let note = &metric.annotations.contract;
            note.presence == Presence::AtStart && note.level <= self.level
        });
        if self.counts.requests_of_metrics > 0 {
            for metric in expected_at_start.filter(|metric| !self.seen.contains(metric.name.as_str())) {
                let at = Place { name: &metric.name, instance: "", line: None };
                let expected = format!("{}, from the start", of_metric::word(metric.instrument));
                self.findings.push(Rule::MissingMetric, at, "it is not there".to_owned(), expected);
            }
        }
        let (findings, left_out) = self.findings.finish();
        let Counts { requests, points, spans, records, foreign, .. } = self.counts;
        let counts = vec![
            ("requests", requests),
            ("metrics", self.seen.len()),
            ("data points", points),
            ("spans", spans),
            ("log records", records),
        ];
        Report { exposition: EXPOSITION.to_owned(), counts, findings, left_out, foreign }
    }

    fn metrics(&mut self, request: &ExportMetricsServiceRequest, line: Option<usize>) {
        let before = self.counts.points;
        for of_resource in &request.resource_metrics {
            for of_scope in &of_resource.scope_metrics {
                let scope = self.scope(of_resource.resource.as_ref(), of_scope.scope.as_ref());
                for metric in &of_scope.metrics {
                    self.metric(metric, &scope, line);
                }
            }
        }
        self.counts.requests_of_metrics += usize::from(self.counts.points > before);
    }

    fn metric(&mut self, metric: &Metric, scope: &InScope<'_>, line: Option<usize>) {
        let at = Place { name: &metric.name, instance: "", line };
        if !self.is_to_check(scope, at) {
            return;
        }
        let contract = self.contract;
        let Some(declared) = contract.metrics.get(&metric.name) else {
            self.counts.points += of_metric::points(metric);
            let message = "the contract does not have it".to_owned();
            return self.findings.push(
                Rule::UndeclaredMetric,
                at,
                message,
                "a metric of the contract".to_owned(),
            );
        };
        let points = of_metric::Pair { contract, declared, found: metric, temporality: self.temporality }
            .compare(line, &mut self.findings);
        self.counts.points += points;
        if points > 0 {
            self.seen.insert(&declared.name);
        }
    }

    fn traces(&mut self, request: &ExportTraceServiceRequest, line: Option<usize>) {
        for of_resource in &request.resource_spans {
            for of_scope in &of_resource.scope_spans {
                let scope = self.scope(of_resource.resource.as_ref(), of_scope.scope.as_ref());
                for span in &of_scope.spans {
                    let at = Place { name: &span.name, instance: "", line };
                    if self.is_to_check(&scope, at) {
                        self.counts.spans += 1;
                        self.spans.check(self.contract, span, line, &mut self.findings);
                    }
                }
            }
        }
    }

    fn logs(&mut self, request: &ExportLogsServiceRequest, line: Option<usize>) {
        for of_resource in &request.resource_logs {
            for of_scope in &of_resource.scope_logs {
                let scope = self.scope(of_resource.resource.as_ref(), of_scope.scope.as_ref());
                for record in &of_scope.log_records {
                    let told = Told::of_record(record);
                    let at = Place { name: told.name(), instance: "", line };
                    if self.is_to_check(&scope, at) {
                        self.counts.records += 1;
                        event::check(self.contract, &told, &[], line, &mut self.findings);
                    }
                }
            }
        }
    }

    fn scope<'s>(&self, resource: Option<&Resource>, scope: Option<&'s InstrumentationScope>) -> InScope<'s> {
        let name = scope.map_or("", |scope| scope.name.as_str());
        let mut attributes = resource.into_iter().flat_map(|resource| &resource.attributes);
        let service = attributes.find(|attribute| attribute.key == "service.name");
        let service = service.and_then(|service| service.value.as_ref()?.value.as_ref());
        let must_be_own =
            matches!(service, Some(any_value::Value::StringValue(name)) if *name == self.contract.name);
        InScope { name, is_own: is_own(&self.contract.name, name), must_be_own }
    }

    /// Whether what is in a scope is of the collector. What should be and is not is told, and checked all the same.
    fn is_to_check(&mut self, scope: &InScope<'_>, at: Place<'_>) -> bool {
        if !scope.is_own && scope.must_be_own {
            let message = format!("its scope is {:?}", scope.name);
            self.findings.push(Rule::Scope, at, message, format!("a scope of {}", self.contract.name));
        }
        let is_to_check = scope.is_own || scope.must_be_own;
        self.counts.foreign += usize::from(!is_to_check);
        is_to_check
    }
}

/// Whether a scope is of the collector with this name: it is called so, or something below it.
fn is_own(collector: &str, scope: &str) -> bool {
    let root = if collector == "otelcol" { "go.opentelemetry.io/collector" } else { collector };
    scope.strip_prefix(root).is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
}

/// The version of the contract that a collector says it keeps, in a request of metrics as JSON.
pub(super) fn version_in_json(request: &[u8]) -> Option<String> {
    version_in_protobuf(&json::decode(METRICS.request, request).ok()?)
}

/// The same of a request as protobuf.
pub(super) fn version_in_protobuf(request: &[u8]) -> Option<String> {
    let request = ExportMetricsServiceRequest::decode(request).ok()?;
    let scopes = request.resource_metrics.iter().flat_map(|of_resource| &of_resource.scope_metrics);
    let metric = scopes.flat_map(|of_scope| &of_scope.metrics).find(|metric| metric.name == CONTRACT_INFO)?;
    let Some(metric::Data::Gauge(gauge)) = &metric.data else { return None };
    let point = gauge.data_points.first()?;
    matches!(point.value, Some(number_data_point::Value::AsInt(1))).then_some(())?;
    let given = attributes::given(&point.attributes);
    let version = given.into_iter().find(|given| given.key == CONTRACT_VERSION)?;
    match version.value {
        attributes::Value::Text(text) => Some(text.into_owned()),
        _ => None,
    }
}
