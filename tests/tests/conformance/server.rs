//! S1 to S34: what OTLP asks of a server.

mod errors;
mod json;
mod partial;
mod requests;
mod sizes;

use std::net::SocketAddr;

use etalon_tests::{Answer, Etalon, Identity, Sink, Version, exchange};

const LOGS: &str = "/v1/logs";
const TRACES: &str = "/v1/traces";
const GRPC_LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const GRPC_TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
const VERSIONS: [Version; 3] = [Version::One, Version::Two, Version::Alpn];

/// Two collectors, one of them with TLS, that send all they get to the same destination.
struct Server {
    plain: Etalon,
    tls: Etalon,
    identity: Identity,
    sink: Sink,
}

impl Server {
    /// The sender's answer is the destination's: there is no queue.
    fn start() -> Self {
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
                "receivers:
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

    /// Posts over a version of HTTP.
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
        let server = if version == Version::Alpn { &self.tls } else { &self.plain };
        exchange(version, server.http(), &self.identity, method, path, fields, body)
    }

    /// Posts protobuf over HTTP/1.1.
    fn post_protobuf(&self, path: &str, body: &[u8]) -> Answer {
        self.post(Version::One, path, &[("content-type", PROTOBUF)], body)
    }

    /// Posts JSON over HTTP/1.1.
    fn post_json(&self, path: &str, body: &str) -> Answer {
        self.post(Version::One, path, &[("content-type", JSON)], body.as_bytes())
    }
}

/// The compressions that OTLP servers take, as a header field and what makes them.
const ENCODINGS: [(&str, fn(&[u8]) -> Vec<u8>); 3] = [("", <[u8]>::to_vec), ("gzip", gzip), ("zstd", zstd)];

/// Header fields of a request in a format and an encoding.
fn fields<'a>(content_type: &'a str, encoding: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![("content-type", content_type)];
    if !encoding.is_empty() {
        fields.push(("content-encoding", encoding));
    }
    fields
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut out = vec![0; compressor.gzip_compress_bound(data.len())];
    let len = compressor.gzip_compress(data, &mut out).expect("the bound is right");
    out.truncate(len);
    out
}

fn zstd(data: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(data, 3).expect("memory can be compressed")
}

/// Protobuf: a field whose content has a length.
fn field(number: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = varint(u64::from(number << 3 | 2));
    bytes.extend(varint(content.len() as u64));
    bytes.extend(content);
    bytes
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(0x80 | u8::try_from(value & 0x7f).expect("seven bits"));
        value >>= 7;
    }
    bytes.push(u8::try_from(value).expect("seven bits"));
    bytes
}

/// A protobuf request of the same log records as [`etalon_tests::logs`].
fn logs_protobuf(numbers: std::ops::Range<u32>) -> Vec<u8> {
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
fn partial_success(body: &[u8]) -> (i64, String) {
    let [0x0a, rest @ ..] = body else { panic!("not a partial success alone: {body:?}") };
    let (len, rest) = read_varint(rest);
    assert_eq!(len, rest.len() as u64, "one field");
    let (mut rejected, mut message, mut rest) = (0, String::new(), rest);
    while let [tag, value @ ..] = rest {
        let (number, value) = read_varint(value);
        rest = match tag {
            0x08 => {
                rejected = number.cast_signed();
                value
            }
            0x12 => {
                let (text, rest) = value.split_at(usize::try_from(number).expect("a length"));
                message = String::from_utf8(text.to_vec()).expect("UTF-8");
                rest
            }
            other => panic!("a field that is not of a partial success: {other:#x}"),
        };
    }
    (rejected, message)
}

fn read_varint(bytes: &[u8]) -> (u64, &[u8]) {
    let end = bytes.iter().position(|byte| byte & 0x80 == 0).expect("a number ends") + 1;
    let value = bytes[..end].iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f));
    (value, &bytes[end..])
}

/// `code` and `message` of a `google.rpc.Status` in the format that the content type says.
fn status_of(answer: &Answer) -> (u64, String) {
    match answer.header("content-type") {
        Some(JSON) => {
            let status: serde_json::Value = serde_json::from_slice(&answer.body).expect("a Status in JSON");
            (status["code"].as_u64().unwrap_or(0), status["message"].as_str().unwrap_or_default().to_owned())
        }
        Some(PROTOBUF) => {
            let (code, message) = partial_success(&field(1, &until_details(&answer.body)));
            (code.cast_unsigned(), message)
        }
        other => panic!("a status of type {other:?}"),
    }
}

/// The fields of a status before its details: they have the numbers and types of a partial success.
fn until_details(status: &[u8]) -> Vec<u8> {
    let mut rest = status;
    while let [tag @ (0x08 | 0x12), value @ ..] = rest {
        let (number, after) = read_varint(value);
        rest = if *tag == 0x08 { after } else { &after[usize::try_from(number).expect("a length")..] };
    }
    status[..status.len() - rest.len()].to_vec()
}
