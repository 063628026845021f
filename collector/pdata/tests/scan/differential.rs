//! What must hold between the scanner and prost for any bytes. The fuzz target runs this, too.

use etalon_pdata::proto::collector::logs::v1::ExportLogsServiceRequest;
use etalon_pdata::proto::collector::metrics::v1::ExportMetricsServiceRequest;
use etalon_pdata::proto::collector::trace::v1::ExportTraceServiceRequest;
use etalon_pdata::proto::metrics::v1::Exemplar;
use etalon_pdata::proto::metrics::v1::metric::Data;
use etalon_pdata::{LOGS, METRICS, Scan, ScanError, ScanErrorKind, Signal, TRACES, Utf8Policy, scan};
use prost::Message as _;

pub(crate) const SIGNALS: [Signal; 3] = [TRACES, METRICS, LOGS];

/// The signal that the first byte chooses, and the request behind it: the form of the fuzz corpus.
pub(crate) fn split_input(input: &[u8]) -> Option<(Signal, &[u8])> {
    let (first, request) = input.split_first()?;
    Some((SIGNALS[usize::from(*first) % SIGNALS.len()], request))
}

/// [`check`] for when the verdict does not matter, only that both agree on it.
pub(crate) fn agree(signal: Signal, request: &[u8]) {
    drop(check(signal, request));
}

/// Compares the scanner with prost under every policy, and gives the verdict under [`Utf8Policy::Refuse`].
///
/// # Panics
/// When they disagree.
pub(crate) fn check(signal: Signal, request: &[u8]) -> Result<Scan, ScanError> {
    let (refuse, after) = run(signal, request, Utf8Policy::Refuse);
    assert_eq!(after, request, "refusing changes nothing");
    let decoded = decode(signal, request);
    match &refuse {
        Ok(found) => {
            let decoded = decoded.expect("prost decodes what the scanner accepts");
            assert_eq!(found.items, decoded.items, "the counts agree");
            assert_eq!(found.repaired, 0);
            assert!(decoded.ids_are_right, "ids of a wrong length are refused");
        }
        Err(error) => {
            assert!(!error.path.is_empty() && error.offset <= request.len(), "{error}");
            match error.kind {
                // Prost does not mind; the claim itself must be true.
                ScanErrorKind::IdLength { expected, found } => {
                    assert!(found != 0 && found != expected, "{error}");
                    assert!(error.path.ends_with("_id"), "{error}");
                }
                _ => assert!(decoded.is_none(), "prost decodes what the scanner refuses: {error}"),
            }
        }
    }
    check_repair(signal, request, &refuse);
    refuse
}

fn check_repair(signal: Signal, request: &[u8], refuse: &Result<Scan, ScanError>) {
    let (repair, repaired) = run(signal, request, Utf8Policy::Repair);
    assert_eq!(repaired.len(), request.len(), "repairing keeps the length");
    for (new, old) in repaired.iter().zip(request) {
        assert!(
            new == old || (*new == b'?' && *old >= 0x80),
            "only bytes beyond ASCII become question marks"
        );
    }
    match (refuse, &repair) {
        (Err(ScanError { kind: ScanErrorKind::Utf8, .. }), Ok(found)) => {
            assert!(found.repaired > 0 && repaired != request);
            let decoded = decode(signal, &repaired).expect("prost decodes what was repaired");
            assert_eq!(found.items, decoded.items);
            let again = run(signal, &repaired, Utf8Policy::Refuse).0;
            assert_eq!(again, Ok(Scan { repaired: 0, ..*found }), "what was repaired is valid");
        }
        // Something further on is wrong as well.
        (Err(ScanError { kind: ScanErrorKind::Utf8, .. }), Err(error)) => {
            assert_ne!(error.kind, ScanErrorKind::Utf8, "{error}");
        }
        _ => assert_eq!(&repair, refuse, "the policy matters for strings only"),
    }
    let (pass, passed) = run(signal, request, Utf8Policy::Pass);
    assert_eq!(passed, request, "passing changes nothing");
    assert_eq!(
        pass,
        repair.map(|found| Scan { repaired: 0, ..found }),
        "passing accepts what repairing does"
    );
}

fn run(signal: Signal, request: &[u8], utf8: Utf8Policy) -> (Result<Scan, ScanError>, Vec<u8>) {
    let mut bytes = request.to_vec();
    let result = scan(signal, &mut bytes, utf8);
    (result, bytes)
}

struct Decoded {
    items: usize,
    ids_are_right: bool,
}

impl Decoded {
    fn item(&mut self, trace_id: &[u8], span_ids: &[&[u8]]) {
        self.items += 1;
        self.ids(trace_id, span_ids);
    }

    fn ids(&mut self, trace_id: &[u8], span_ids: &[&[u8]]) {
        self.ids_are_right &= matches!(trace_id.len(), 0 | 16);
        self.ids_are_right &= span_ids.iter().all(|id| matches!(id.len(), 0 | 8));
    }
}

fn decode(signal: Signal, request: &[u8]) -> Option<Decoded> {
    if signal == TRACES {
        ExportTraceServiceRequest::decode(request).ok().map(|request| traces(&request))
    } else if signal == METRICS {
        ExportMetricsServiceRequest::decode(request).ok().map(|request| metrics(&request))
    } else {
        ExportLogsServiceRequest::decode(request).ok().map(|request| logs(&request))
    }
}

fn traces(request: &ExportTraceServiceRequest) -> Decoded {
    let mut decoded = Decoded { items: 0, ids_are_right: true };
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    for span in scopes.flat_map(|scope| &scope.spans) {
        decoded.item(&span.trace_id, &[&span.span_id, &span.parent_span_id]);
        for link in &span.links {
            decoded.ids(&link.trace_id, &[&link.span_id]);
        }
    }
    decoded
}

fn logs(request: &ExportLogsServiceRequest) -> Decoded {
    let mut decoded = Decoded { items: 0, ids_are_right: true };
    let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
    for record in scopes.flat_map(|scope| &scope.log_records) {
        decoded.item(&record.trace_id, &[&record.span_id]);
    }
    decoded
}

fn metrics(request: &ExportMetricsServiceRequest) -> Decoded {
    let mut decoded = Decoded { items: 0, ids_are_right: true };
    let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    for metric in scopes.flat_map(|scope| &scope.metrics) {
        match &metric.data {
            Some(Data::Gauge(data)) => points(&mut decoded, &data.data_points, |point| &point.exemplars),
            Some(Data::Sum(data)) => points(&mut decoded, &data.data_points, |point| &point.exemplars),
            Some(Data::Histogram(data)) => points(&mut decoded, &data.data_points, |point| &point.exemplars),
            Some(Data::ExponentialHistogram(data)) => {
                points(&mut decoded, &data.data_points, |point| &point.exemplars);
            }
            Some(Data::Summary(data)) => points(&mut decoded, &data.data_points, |_| &[]),
            None => {}
        }
    }
    decoded
}

fn points<T>(decoded: &mut Decoded, points: &[T], exemplars: fn(&T) -> &[Exemplar]) {
    for point in points {
        decoded.items += 1;
        for exemplar in exemplars(point) {
            decoded.ids(&exemplar.trace_id, &[&exemplar.span_id]);
        }
    }
}
