//! What binds the client: the exporters, in front of destinations that answer as they are told.

mod answers;
mod connections;
mod delays;
mod requests;

use etalon_tests::{Answer, Etalon, GrpcPeer, Http2Front, HttpPeer, Version, logs, post};

const SENT: &str = "otelcol_exporter_sent_log_records";
const FAILED: &str = "otelcol_exporter_send_failed_log_records";

/// The caller waits for the outcome, and there is one attempt.
const ONCE: &str = "sending_queue: {enabled: false}, retry_on_failure: {enabled: false}";
/// The caller waits for the outcome of as many attempts as it takes, which follow at once.
const AGAIN: &str =
    "sending_queue: {enabled: false}, retry_on_failure: {initial_interval: 1ms, max_interval: 1ms}";

/// A collector of logs that forwards to exporters, given as `name: {keys}`.
fn forwarding(exporters: &[String]) -> Etalon {
    let named: Vec<_> = exporters.iter().filter_map(|exporter| exporter.split(": ").next()).collect();
    Etalon::start(&format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0', max_request_body_size: 200000000}}}}}}}}
exporters: {{{}}}
service: {{pipelines: {{logs: {{receivers: [otlp], exporters: [{}]}}}}}}
",
        exporters.join(", "),
        named.join(", ")
    ))
}

fn otlp_http(peer: &HttpPeer, keys: &str) -> String {
    format!("otlp_http: {{endpoint: '{}', compression: none, {keys}}}", peer.endpoint())
}

fn otlp_grpc(peer: &GrpcPeer, keys: &str) -> String {
    format!(
        "otlp_grpc: {{endpoint: '{}', compression: none, tls: {{insecure: true}}, {keys}}}",
        peer.endpoint()
    )
}

/// One of the ways in which `otlp_http` can send.
#[derive(Clone, Copy, Debug)]
struct Way {
    version: Version,
    encoding: &'static str,
    compression: &'static str,
}

/// All of them: this client speaks HTTP/2 when TLS has agreed on it.
fn ways() -> impl Iterator<Item = Way> {
    [Version::One, Version::Alpn].into_iter().flat_map(|version| {
        ["proto", "json"].into_iter().flat_map(move |encoding| {
            ["none", "gzip", "zstd"].map(|compression| Way { version, encoding, compression })
        })
    })
}

/// A destination, and a collector of logs that forwards to it in one way.
struct Over {
    peer: HttpPeer,
    front: Option<Http2Front>,
    etalon: Etalon,
}

impl Way {
    fn to_http(self, keys: &str) -> Over {
        let peer = HttpPeer::start();
        let front = (self.version == Version::Alpn).then(|| Http2Front::start(peer.address()));
        let (endpoint, tls) = match &front {
            Some(front) => (
                front.endpoint(),
                format!("tls: {{ca_pem: \"{}\"}}, ", front.certificate().replace('\n', "\\n")),
            ),
            None => (peer.endpoint(), String::new()),
        };
        let Self { encoding, compression, .. } = self;
        let exporter = format!(
            "otlp_http: {{endpoint: '{endpoint}', encoding: {encoding}, compression: {compression}, {tls}{keys}}}"
        );
        Over { etalon: forwarding(&[exporter]), peer, front }
    }
}

fn to_http(peer: &HttpPeer, keys: &str) -> Etalon {
    forwarding(&[otlp_http(peer, keys)])
}

fn to_grpc(peer: &GrpcPeer, keys: &str) -> Etalon {
    forwarding(&[otlp_grpc(peer, keys)])
}

/// Sends log records with these numbers.
fn send(etalon: &Etalon, numbers: std::ops::Range<u32>) -> Answer {
    post(etalon.http(), "/v1/logs", "application/json", &logs(numbers))
}

/// Items that were sent and that failed, up to now.
fn counted(etalon: &Etalon) -> (u64, u64) {
    let scrape = etalon.scrape();
    (scrape.count(SENT), scrape.count(FAILED))
}
