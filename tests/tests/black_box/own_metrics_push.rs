//! Pushes of the collector's own metrics: over TLS, and over a reload.

use std::fs;

use etalon_pdata::proto::collector::metrics::v1::ExportMetricsServiceRequest;
use etalon_pdata::proto::metrics::v1::metric;
use etalon_tests::{Etalon, HttpPeer, HttpReply, Identity, eventually};
use prost::Message as _;

use crate::forwarding_to;

const NAME: &str = "etalon_config_reloads";

/// A reader that pushes each 50 milliseconds.
fn pushing(otlp: &str) -> String {
    format!("[{{periodic: {{interval: 50, exporter: {{otlp: {{{otlp}}}}}}}}}]")
}

/// Since when and until when the deltas of a push are.
fn times(request: &[u8]) -> (u64, u64) {
    let request = ExportMetricsServiceRequest::decode(request).expect("a request");
    let scopes = request.resource_metrics.iter().flat_map(|of_resource| &of_resource.scope_metrics);
    let metric = scopes.flat_map(|of_scope| &of_scope.metrics).find(|metric| metric.name == NAME);
    let Some(metric::Data::Sum(sum)) = &metric.expect("the metric is pushed").data else { panic!("a sum") };
    (sum.data_points[0].start_time_unix_nano, sum.data_points[0].time_unix_nano)
}

#[test]
fn a_push_over_tls_trusts_and_shows_the_certificates_that_are_named() {
    let (files, ours, theirs) = (tempfile::tempdir().expect("a folder"), Identity::new(), Identity::new());
    let write = |name: &str, text: &str| {
        let path = files.path().join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let (our_certificate, our_key) = (write("ours.pem", &ours.certificate), write("ours.key", &ours.key));
    let (certificate, key) = (write("theirs.pem", &theirs.certificate), write("theirs.key", &theirs.key));
    let tls =
        format!("tls: {{cert_file: {certificate}, key_file: {key}, client_ca_file: {our_certificate}}}");
    let listening = format!("endpoint: 127.0.0.1:0\n        {tls}");
    let destination =
        Etalon::start(&forwarding_to("  nop:", "nop").replace("endpoint: 127.0.0.1:0", &listening));
    let arrived = |transport: &str| {
        let labels = [("transport", transport)];
        destination.scrape().sum("otelcol_receiver_accepted_metric_points", &labels).unwrap_or_default()
    };
    let trusting = format!("certificate: {certificate}");
    let showing = format!("client_certificate: {our_certificate}, client_key: {our_key}");
    for (transport, protocol, port) in
        [("grpc", "grpc", destination.grpc().port()), ("http", "http/protobuf", destination.http().port())]
    {
        let push = |keys: &str| {
            let otlp = format!("protocol: {protocol}, endpoint: 'https://localhost:{port}'{keys}");
            Etalon::start_with_readers(&pushing(&otlp), &forwarding_to("  nop:", "nop"))
        };
        for keys in [format!(", {showing}"), format!(", {trusting}"), String::new()] {
            let failures = ["exporter.retry", "telemetry.metrics.push_failed"];
            push(&keys).wait_for("that it cannot be pushed", |line| {
                line["event.name"].as_str().is_some_and(|event| failures.contains(&event))
            });
            assert!(arrived(transport) < 1.0, "{transport} {keys}");
        }
        let _both = push(&format!(", {trusting}, {showing}"));
        eventually("the metrics arrive", || (arrived(transport) > 0.0).then_some(()));
    }
}

#[test]
fn a_push_goes_on_over_a_reload_with_nothing_between_its_deltas() {
    let peer = HttpPeer::start();
    peer.always(HttpReply::status(200, &[], b""));
    let otlp =
        format!("protocol: http/protobuf, endpoint: '{}', temporality_preference: delta", peer.endpoint());
    let readers = format!("service.telemetry.metrics.readers={}", pushing(&otlp));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("collector.yaml");
    let write =
        |exporters: &str, named: &str| fs::write(&file, forwarding_to(exporters, named)).expect("a file");
    write("  nop:", "nop");
    let etalon = Etalon::start_with(&["--config", &file.to_string_lossy(), "--set", &readers], folder);
    peer.wait_for(2);
    write("  nop:\n  nop/more:", "nop, nop/more");
    etalon.signal("HUP");
    etalon.wait_for_line("Config updated, restart service");
    let before = peer.arrived().len();
    peer.wait_for(before + 3);
    let pushes: Vec<(u64, u64)> = peer.arrived().iter().map(|arrived| times(&arrived.plain())).collect();
    for (earlier, later) in pushes.iter().zip(&pushes[1..]) {
        assert_eq!(later.0, earlier.1, "each begins where the one before ended: {pushes:?}");
    }
}
