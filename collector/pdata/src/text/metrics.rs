//! Metrics as text: the walk down to one metric. What a metric says is in two files of its own.

use super::detailed::Lines;
use super::{Count, TextError, TextForm, metrics_detailed, metrics_normal, normal, objects};
use crate::proto::collector::metrics::v1::ExportMetricsServiceRequest;
use crate::tables::EXPORT_METRICS_SERVICE_REQUEST;

pub(crate) static METRICS: TextForm = TextForm {
    title: "Metrics",
    counts: &[Count { name: "resource metrics", path: &[1] }, Count { name: "metrics", path: &[1, 2, 2] }],
    items: "data points",
    normal: normal_text,
    detailed: detailed_text,
};

fn request(request: &[u8]) -> Result<ExportMetricsServiceRequest, TextError> {
    objects(&EXPORT_METRICS_SERVICE_REQUEST, request)
}

fn normal_text(bytes: &[u8]) -> Result<String, TextError> {
    let mut out = String::new();
    for (index, resource) in request(bytes)?.resource_metrics.iter().enumerate() {
        normal::resource(
            &mut out,
            "ResourceMetrics",
            index,
            &resource.schema_url,
            resource.resource.as_ref(),
        );
        for (index, scope) in resource.scope_metrics.iter().enumerate() {
            normal::scope(&mut out, "ScopeMetrics", index, &scope.schema_url, scope.scope.as_ref());
            for metric in &scope.metrics {
                metrics_normal::put_metric(metric, &mut out);
            }
        }
    }
    Ok(out)
}

fn detailed_text(bytes: &[u8]) -> Result<String, TextError> {
    let mut lines = Lines::default();
    for (index, resource) in request(bytes)?.resource_metrics.iter().enumerate() {
        lines.line(format_args!("ResourceMetrics #{index}"));
        lines.resource(&resource.schema_url, resource.resource.as_ref());
        for (index, scope) in resource.scope_metrics.iter().enumerate() {
            lines.line(format_args!("ScopeMetrics #{index}"));
            lines.line(format_args!("ScopeMetrics SchemaURL: {}", scope.schema_url));
            lines.scope(scope.scope.as_ref());
            for (index, metric) in scope.metrics.iter().enumerate() {
                lines.line(format_args!("Metric #{index}"));
                metrics_detailed::put_metric(metric, &mut lines);
            }
        }
    }
    Ok(lines.into_text())
}

/// The factor between bucket indexes and the logarithms of their bounds: bucket `i` of an exponential
/// histogram begins at `exp(i × factor)`.
pub(super) fn log_base(scale: i32) -> f64 {
    std::f64::consts::LN_2 * (-f64::from(scale)).exp2()
}
