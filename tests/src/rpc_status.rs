//! `google.rpc.Status`, which says what went wrong in either encoding.

use serde_json::Value as Json;

use crate::{Answer, GrpcAnswer, protobuf};

/// What a status says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RpcStatus {
    /// A gRPC code.
    pub code: u64,
    /// For people.
    pub message: String,
    /// `BadRequest`: fields, and what is wrong with them.
    pub violations: Vec<(String, String)>,
    /// `RetryInfo`, in seconds.
    pub retry_delay: Option<f64>,
}

impl RpcStatus {
    /// Reads the body of an answer of OTLP/HTTP by its content type.
    ///
    /// # Panics
    ///
    /// When that is not of OTLP, or the body something else than a status with details that are known. So do
    /// the others.
    pub fn of_http(answer: &Answer) -> Self {
        match answer.header("content-type") {
            Some("application/json") => Self::of_json(&answer.body),
            Some("application/x-protobuf") => Self::of_protobuf(&answer.body),
            other => panic!("a status of type {other:?}: {}", answer.text()),
        }
    }

    /// Reads `grpc-status-details-bin`; nothing when there is none.
    pub fn of_grpc(answer: &GrpcAnswer) -> Option<Self> {
        let details = answer.header("grpc-status-details-bin")?;
        Some(Self::of_protobuf(&protobuf::unbase64(details)))
    }

    /// Reads protobuf.
    pub fn of_protobuf(message: &[u8]) -> Self {
        let mut status = Self::default();
        for (number, value) in protobuf::fields(message) {
            match number {
                1 => status.code = value.number(),
                2 => status.message = value.text(),
                3 => status.detail(value.bytes()),
                other => panic!("field {other} of a status"),
            }
        }
        status
    }

    fn detail(&mut self, any: &[u8]) {
        let [(1, url), (2, detail)] = protobuf::fields(any)[..] else {
            panic!("a type and a value: {any:?}")
        };
        match url.text().strip_prefix("type.googleapis.com/google.rpc.") {
            Some("RetryInfo") => self.retry_delay = Some(retry_delay(detail.bytes())),
            Some("BadRequest") => {
                self.violations = protobuf::fields(detail.bytes()).into_iter().map(violation).collect();
            }
            other => panic!("a detail of type {other:?}"),
        }
    }

    /// Reads JSON.
    pub fn of_json(text: &[u8]) -> Self {
        let json: Json = serde_json::from_slice(text).expect("a status in JSON");
        let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
        let mut status = Self {
            code: json["code"].as_u64().unwrap_or(0),
            message: text(&json["message"]),
            ..Self::default()
        };
        for detail in json["details"].as_array().into_iter().flatten() {
            match detail["@type"].as_str().and_then(|url| url.strip_prefix("type.googleapis.com/google.rpc."))
            {
                Some("RetryInfo") => {
                    let delay = text(&detail["retryDelay"]);
                    let seconds = delay.strip_suffix('s').and_then(|seconds| seconds.parse().ok());
                    status.retry_delay = Some(seconds.expect("seconds"));
                }
                Some("BadRequest") => {
                    let violations = detail["fieldViolations"].as_array().expect("violations");
                    let violation = |json: &Json| (text(&json["field"]), text(&json["description"]));
                    status.violations = violations.iter().map(violation).collect();
                }
                other => panic!("a detail of type {other:?}"),
            }
        }
        status
    }
}

fn violation((number, value): (u32, protobuf::Value<'_>)) -> (String, String) {
    assert_eq!(number, 1, "field_violations");
    let mut violation = <(String, String)>::default();
    for (number, value) in protobuf::fields(value.bytes()) {
        match number {
            1 => violation.0 = value.text(),
            2 => violation.1 = value.text(),
            other => panic!("field {other} of a violation"),
        }
    }
    violation
}

fn retry_delay(info: &[u8]) -> f64 {
    let [(1, delay)] = protobuf::fields(info)[..] else { panic!("a delay: {info:?}") };
    let mut seconds = 0.0;
    for (number, value) in protobuf::fields(delay.bytes()) {
        let value = u32::try_from(value.number()).map(f64::from).expect("a small delay");
        seconds += if number == 1 { value } else { value / 1e9 };
    }
    seconds
}
