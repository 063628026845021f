//! S1 to S34: what OTLP asks of a server.

mod errors;
mod json;
mod partial;
mod requests;
mod sizes;

use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;

use etalon_tests::{
    Answer, Etalon, Identity, RpcStatus, Sent, Sink, Version, conversation, field, gzip, logs, protobuf,
    varint, zstd,
};
use serde_json::Value;

pub(crate) const LOGS: &str = "/v1/logs";
pub(crate) const METRICS: &str = "/v1/metrics";
pub(crate) const TRACES: &str = "/v1/traces";
const GRPC_LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const GRPC_TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
pub(crate) const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
const VERSIONS: [Version; 3] = [Version::One, Version::Two, Version::Alpn];

/// Two collectors, one of them with TLS, that send all they get to the same destination.
pub(crate) struct Server {
    pub(crate) plain: Etalon,
    pub(crate) tls: Etalon,
    identity: Identity,
    pub(crate) sink: Sink,
}

impl Server {
    /// The sender's answer is the destination's: there is no queue.
    pub(crate) fn start() -> Self {
        Self::with("{enabled: false}", "", "")
    }

    /// With a queue as configured, and with more keys of gRPC and HTTP, in flow style.
    fn with(queue: &str, grpc: &str, http: &str) -> Self {
        let (sink, identity) = (Sink::start(), Identity::new());
        let indented = |pem: &str| pem.replace('\n', "\\n");
        let tls = format!(
            "tls: {{cert_pem: \"{}\", key_pem: \"{}\"}},",
            indented(&identity.certificate),
            indented(&identity.key)
        );
        let configuration = |tls: &str| {
            format!(
                "extensions:
  bearertokenauth: {{token: sesame}}
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: 127.0.0.1:0, {grpc}}}
      http: {{endpoint: 127.0.0.1:0, {tls} {http}}}
exporters:
  otlp_http:
    endpoint: {}
    compression: none
    sending_queue: {queue}
    retry_on_failure: {{enabled: false}}
service:
  extensions: [bearertokenauth]
  pipelines:
    traces: {{receivers: [otlp], exporters: [otlp_http]}}
    metrics: {{receivers: [otlp], exporters: [otlp_http]}}
    logs: {{receivers: [otlp], exporters: [otlp_http]}}
",
                sink.endpoint()
            )
        };
        let (plain, tls) = (Etalon::start(&configuration("")), Etalon::start(&configuration(&tls)));
        Self { plain, tls, identity, sink }
    }

    fn grpc(&self) -> SocketAddr {
        self.plain.grpc()
    }

    /// Posts one of the signals: `body` before it is encoded.
    pub(crate) fn send(&self, way: Way, path: &str, body: &[u8]) -> Answer {
        self.post(way.version, path, &way.fields(), &(way.encode)(body))
    }

    /// Posts a body as it is over a version of HTTP.
    fn post(&self, version: Version, path: &str, fields: &[(&str, &str)], body: &[u8]) -> Answer {
        self.ask(version, "POST", path, fields, body)
    }

    fn ask(
        &self,
        version: Version,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let sent = Sent { method, path, fields, body, ends: true };
        self.talk(version, &[sent]).pop().expect("one answer")
    }

    /// Sends requests on one connection.
    fn talk(&self, version: Version, requests: &[Sent<'_>]) -> Vec<Answer> {
        let server = if version == Version::Alpn { &self.tls } else { &self.plain };
        conversation(version, server.http(), &self.identity, requests)
    }

    /// Posts protobuf over HTTP/1.1.
    fn post_protobuf(&self, path: &str, body: &[u8]) -> Answer {
        self.post(Version::One, path, &[("content-type", PROTOBUF)], body)
    }
}

/// The compressions that OTLP servers take, as a header field and what makes them.
const ENCODINGS: [(&str, Encode); 3] = [("", <[u8]>::to_vec), ("gzip", gzip), ("zstd", zstd)];

type Encode = fn(&[u8]) -> Vec<u8>;

/// One of the ways in which OTLP/HTTP can come.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    version: Version,
    content_type: &'static str,
    encoding: &'static str,
    encode: Encode,
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} over {:?}", self.content_type, self.encoding, self.version)
    }
}

/// All of them: each version with each format and each encoding.
fn ways() -> impl Iterator<Item = Way> {
    VERSIONS.into_iter().flat_map(|version| {
        [PROTOBUF, JSON].into_iter().flat_map(move |content_type| {
            ENCODINGS.map(|(encoding, encode)| Way { version, content_type, encoding, encode })
        })
    })
}

/// Those in a format.
pub(crate) fn ways_of(content_type: &str) -> impl Iterator<Item = Way> {
    ways().filter(move |way| way.content_type == content_type)
}

impl Way {
    fn is_json(self) -> bool {
        self.content_type == JSON
    }

    /// The header fields of a request.
    fn fields(self) -> Vec<(&'static str, &'static str)> {
        fields(self.content_type, self.encoding)
    }

    /// A request of these log records, before it is encoded.
    fn logs(self, numbers: Range<u32>) -> Vec<u8> {
        if self.is_json() { logs(numbers) } else { logs_protobuf(numbers) }
    }

    /// A request without items.
    fn empty(self) -> &'static [u8] {
        if self.is_json() { b"{}" } else { b"" }
    }

    /// A valid request without items, of exactly this size.
    fn padded(self, len: usize) -> Vec<u8> {
        if !self.is_json() {
            return padded(len);
        }
        let mut body = b"{}".to_vec();
        body.resize(len, b' ');
        body
    }

    /// The status of a failure, which must be in the format of the request.
    fn status_of(self, answer: &Answer) -> RpcStatus {
        assert_eq!(answer.header("content-type"), Some(self.content_type), "{self:?}: {}", answer.text());
        let status = RpcStatus::of_http(answer);
        assert!(!status.message.is_empty(), "{self:?}: {}", answer.text());
        status
    }

    /// Rejected items and the message of a partial success, read strictly.
    fn partial_success(self, answer: &Answer) -> (u64, String) {
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some(self.content_type)),
            "{self:?}"
        );
        if !self.is_json() {
            return partial_success(&answer.body);
        }
        let told: Value = serde_json::from_slice(&answer.body).expect("JSON");
        let partial = told["partialSuccess"].as_object().expect("a partial success");
        let count = |name: &str| partial.get(name).map(|count| count.as_str()?.parse().ok());
        let known = ["rejectedLogRecords", "errorMessage"];
        assert!(partial.keys().all(|key| known.contains(&key.as_str())), "{told}");
        let message = partial.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
        (count("rejectedLogRecords").map_or(0, |count| count.expect("a number as text")), message.to_owned())
    }
}

/// Header fields of a request in a format and an encoding.
fn fields<'a>(content_type: &'a str, encoding: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![("content-type", content_type)];
    if !encoding.is_empty() {
        fields.push(("content-encoding", encoding));
    }
    fields
}

/// A protobuf request of the same log records as [`etalon_tests::logs`].
fn logs_protobuf(numbers: Range<u32>) -> Vec<u8> {
    let record = |number| field(2, &field(5, &field(1, format!("item:{number:08}").as_bytes())));
    field(1, &field(2, &numbers.flat_map(record).collect::<Vec<_>>()))
}

/// A valid request without items, of exactly this size: its one field is unknown.
fn padded(len: usize) -> Vec<u8> {
    let request = |content: usize| field(15, &vec![0; content]);
    let content = (len - 10..len).find(|content| request(*content).len() == len);
    request(content.expect("a size can be met"))
}

/// The one field of a partial success: rejected items and the message, read strictly.
fn partial_success(body: &[u8]) -> (u64, String) {
    let [(1, partial)] = protobuf::fields(body)[..] else { panic!("not a partial success alone: {body:?}") };
    let (mut rejected, mut message) = (0, String::new());
    for (number, value) in protobuf::fields(partial.bytes()) {
        match number {
            1 => rejected = value.number(),
            2 => message = value.text(),
            other => panic!("field {other} of a partial success"),
        }
    }
    (rejected, message)
}
