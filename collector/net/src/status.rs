//! Outcomes on the wire: the one table that turns an [`Outcome`] into a gRPC or HTTP answer, and an
//! answer into an [`Outcome`].
//!
//! Both protocols and both directions live here so that they cannot disagree. The rules are those
//! of the OTLP specification, "OTLP/gRPC Response" and "OTLP/HTTP Response"; the mapping between
//! gRPC codes and HTTP statuses is the Go collector's.

use std::time::Duration;

use etalon_component::{Code, Failure, NoRoom, Origin, Outcome};
use etalon_pdata::proto::google::rpc::bad_request::FieldViolation;
use etalon_pdata::proto::google::{protobuf, rpc};
use etalon_telemetry::attributes::RefusalReason;
use prost::Message as _;
use serde::Serialize;

/// The hint that a refusal without one of its own carries is drawn from this range: long enough to
/// recover, short enough that no client gives up, and spread so that clients do not return together.
pub const RETRY_DELAY_MIN: Duration = Duration::from_secs(1);
/// Upper end of the range of [`RETRY_DELAY_MIN`].
pub const RETRY_DELAY_MAX: Duration = Duration::from_secs(5);

/// Longest `retry_delay` or `Retry-After` that is taken from a peer; a longer one is cut to it.
pub const PEER_DELAY_MAX: Duration = Duration::from_hours(24);

/// Longest message that is sent to a client, in bytes; a longer one is cut at a character.
pub const MESSAGE_BYTES_MAX: usize = 4096;

/// Longest field and longest description of a [`Violation`] that are sent to a client, in bytes each; longer ones
/// are cut at a character.
pub const VIOLATION_BYTES_MAX: usize = 1024;

const RETRY_INFO_URL: &str = "type.googleapis.com/google.rpc.RetryInfo";
const BAD_REQUEST_URL: &str = "type.googleapis.com/google.rpc.BadRequest";

/// A failed request, as both protocols tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// gRPC code; also the `code` of the HTTP body.
    pub code: Code,
    /// HTTP status.
    pub http: u16,
    /// For people, in English.
    pub message: String,
    /// When to try again. Nothing means that the protocol's rules for `code` and `http` hold.
    pub retry_after: Option<Duration>,
    /// What is wrong in the data. Only of data that is refused for good.
    pub violation: Option<Box<Violation>>,
    /// Why, as the collector's own metrics tell it. No client sees it.
    pub reason: RefusalReason,
}

/// One thing that is wrong in a request, for programs: it becomes a `google.rpc.BadRequest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, or name of the header field; empty or the name of the message when it is all of it.
    pub field: String,
    /// What is wrong with it, and at which byte.
    pub description: String,
}

impl Status {
    /// The request cannot be accepted, whoever sends it and however often.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            http: http_of(code),
            message: message.into(),
            retry_after: None,
            violation: None,
            reason: reason_of(code),
        }
    }

    /// Replaces the reason where there is a truer one than the code's own.
    pub fn because(mut self, reason: RefusalReason) -> Self {
        self.reason = reason;
        self
    }

    /// The data is not what it should be: `message` says so to people, and the rest to programs.
    pub fn bad_request(
        message: impl Into<String>,
        field: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        let violation = Violation { field: field.into(), description: description.into() };
        Self { violation: Some(Box::new(violation)), ..Self::new(Code::InvalidArgument, message) }
    }

    /// Replaces the HTTP status where HTTP has a better one than the code's own.
    pub fn with_http(mut self, http: u16) -> Self {
        self.http = http;
        self
    }

    /// The answer to a failed outcome; nothing when it was delivered.
    ///
    /// What is retryable inside is retryable outside, and what is permanent stays permanent: a code
    /// that would say the opposite is replaced. `jitter`, 0 to 1, places a refusal that has no hint
    /// of its own between [`RETRY_DELAY_MIN`] and [`RETRY_DELAY_MAX`].
    pub fn of_outcome(outcome: &Outcome, jitter: f64) -> Option<Self> {
        match outcome {
            Outcome::Delivered(_) => None,
            Outcome::Refused(failure) => Some(Self::refusal(failure, jitter)),
            Outcome::Permanent(failure) => Some(Self::permanent(failure)),
            Outcome::Unknown(failure) => {
                let code =
                    if is_retryable(failure.code(), false) { failure.code() } else { Code::Unavailable };
                let reason = reason_of_retryable(failure);
                Some(Self { retry_after: failure.delay(), reason, ..Self::new(code, failure.message()) })
            }
        }
    }

    /// The answer to a request for which there is no room in memory; `jitter` as in [`of_outcome`](Self::of_outcome).
    pub fn no_room(why: NoRoom, jitter: f64) -> Self {
        Self::of_outcome(&why.outcome(), jitter)
            .unwrap_or_else(|| Self::new(Code::Unavailable, why.to_string()))
    }

    /// The answer to a request that came when the collector takes nothing new any more; `jitter` as in
    /// [`of_outcome`](Self::of_outcome).
    pub fn stopping(jitter: f64) -> Self {
        let failure = Failure::new(Code::Unavailable, "the collector is stopping");
        Self::refusal(&failure, jitter).because(RefusalReason::Shutdown)
    }

    fn refusal(failure: &Failure, jitter: f64) -> Self {
        let delay = failure.delay().unwrap_or_else(|| {
            RETRY_DELAY_MIN + RETRY_DELAY_MAX.saturating_sub(RETRY_DELAY_MIN).mul_f64(jitter.clamp(0.0, 1.0))
        });
        let code = if is_retryable(failure.code(), true) { failure.code() } else { Code::Unavailable };
        let reason = reason_of_retryable(failure);
        Self { retry_after: Some(delay), reason, ..Self::new(code, failure.message()) }
    }

    fn permanent(failure: &Failure) -> Self {
        let status = match failure.code() {
            // Over HTTP this code alone would be 429, which clients retry.
            Code::ResourceExhausted => Self::new(Code::ResourceExhausted, failure.message()).with_http(413),
            code if is_retryable(code, false) => Self::new(Code::Internal, failure.message()),
            code => Self::new(code, failure.message()),
        };
        let reason = match failure.origin() {
            Some(Origin::FullMemory) => RefusalReason::TooLarge,
            _ => RefusalReason::Rejected,
        };
        Self { retry_after: None, reason, ..status }
    }

    /// `grpc-status-details-bin`, before base64: a `google.rpc.Status`. Nothing when it would say no
    /// more than the trailers do.
    pub fn grpc_details(&self) -> Option<Vec<u8>> {
        (self.retry_after.is_some() || self.violation.is_some()).then(|| self.to_protobuf())
    }

    /// `google.rpc.retryinfo-bin`, before base64: the hint where some clients look for it.
    pub fn grpc_retry_info(&self) -> Option<Vec<u8>> {
        self.retry_after.map(|delay| retry_info(delay).encode_to_vec())
    }

    /// `Retry-After` in whole seconds, at least 1, on the statuses that may carry it.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let delay = self.retry_after.filter(|_| matches!(self.http, 429 | 503))?;
        let rounded_up = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        Some(rounded_up.max(1))
    }

    /// The HTTP body as protobuf: a `google.rpc.Status`.
    pub fn to_protobuf(&self) -> Vec<u8> {
        self.to_rpc().encode_to_vec()
    }

    /// The HTTP body as JSON, in the mapping of protobuf to JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let retry_info =
            self.retry_after.map(|delay| JsonDetail::RetryInfo { retry_delay: json_duration(delay) });
        let bad_request = self.violation.as_deref().map(|violation| {
            let (field, description) = violation.cut();
            JsonDetail::BadRequest { field_violations: [JsonViolation { field, description }] }
        });
        let body = JsonStatus {
            code: self.code.number(),
            message: cut(&self.message, MESSAGE_BYTES_MAX),
            details: retry_info.into_iter().chain(bad_request).collect(),
        };
        serde_json::to_vec(&body).expect("texts and numbers can be written")
    }

    fn to_rpc(&self) -> rpc::Status {
        let any = |url: &str, value| protobuf::Any { type_url: url.to_owned(), value };
        let retry_info = self.retry_after.map(|delay| any(RETRY_INFO_URL, retry_info(delay).encode_to_vec()));
        let bad_request = self.violation.as_deref().map(|violation| {
            let (field, description) = violation.cut();
            let violation = FieldViolation { field: field.to_owned(), description: description.to_owned() };
            any(BAD_REQUEST_URL, rpc::BadRequest { field_violations: vec![violation] }.encode_to_vec())
        });
        rpc::Status {
            code: self.code.number().cast_signed(),
            message: cut(&self.message, MESSAGE_BYTES_MAX).to_owned(),
            details: retry_info.into_iter().chain(bad_request).collect(),
        }
    }
}

impl Violation {
    /// The field and the description, as long as they may be.
    fn cut(&self) -> (&str, &str) {
        (cut(&self.field, VIOLATION_BYTES_MAX), cut(&self.description, VIOLATION_BYTES_MAX))
    }
}

/// [`rpc::Status`] in JSON.
#[derive(Serialize)]
struct JsonStatus<'a> {
    code: u32,
    message: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<JsonDetail<'a>>,
}

/// The names are [`RETRY_INFO_URL`] and [`BAD_REQUEST_URL`].
#[derive(Serialize)]
#[serde(tag = "@type", rename_all_fields = "camelCase")]
enum JsonDetail<'a> {
    #[serde(rename = "type.googleapis.com/google.rpc.RetryInfo")]
    RetryInfo { retry_delay: String },
    #[serde(rename = "type.googleapis.com/google.rpc.BadRequest")]
    BadRequest { field_violations: [JsonViolation<'a>; 1] },
}

#[derive(Serialize)]
struct JsonViolation<'a> {
    field: &'a str,
    description: &'a str,
}

/// What a gRPC server answered, apart from success.
#[derive(Clone, Debug, Default)]
pub struct GrpcFailure<'a> {
    /// `grpc-status`, never 0.
    pub code: u32,
    /// `grpc-message`, percent-decoded.
    pub message: &'a str,
    /// `grpc-status-details-bin`, base64-decoded.
    pub details: Option<&'a [u8]>,
    /// `google.rpc.retryinfo-bin`, base64-decoded.
    pub retry_info: Option<&'a [u8]>,
    /// `grpc-retry-pushback-ms`, as sent.
    pub pushback_ms: Option<&'a str>,
}

impl GrpcFailure<'_> {
    /// The outcome that this answer means: OTLP specification, "Failures" of OTLP/gRPC.
    pub fn to_outcome(&self) -> Outcome {
        let code = Code::from_number(self.code).unwrap_or(Code::Unknown);
        let delay = self.delay();
        let mut failure = Failure::new(code, self.message).from_origin(Origin::Destination);
        if let Some(delay) = delay {
            failure = failure.retry_after(delay.min(PEER_DELAY_MAX));
        }
        match code {
            // The server, or something on the way, gave up waiting: the data may have arrived.
            Code::Canceled | Code::DeadlineExceeded => Outcome::Unknown(failure),
            code if is_retryable(code, delay.is_some()) => Outcome::Refused(failure),
            _ => Outcome::Permanent(failure),
        }
    }

    /// The delay of the first hint that can be read.
    fn delay(&self) -> Option<Duration> {
        let from_details = || {
            let status = rpc::Status::decode(self.details?).ok()?;
            let any = status.details.iter().find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
            duration_of(&rpc::RetryInfo::decode(any.value.as_ref()).ok()?)
        };
        let from_retry_info = || duration_of(&rpc::RetryInfo::decode(self.retry_info?).ok()?);
        let from_pushback = || Some(Duration::from_millis(self.pushback_ms?.parse().ok()?));
        from_details().or_else(from_retry_info).or_else(from_pushback)
    }
}

/// The outcome that an HTTP status other than 2xx means: OTLP specification, "Failures" and
/// "OTLP/HTTP Throttling". `message` is for people; `retry_after` is the parsed `Retry-After`.
pub fn outcome_of_http(status: u16, message: impl Into<String>, retry_after: Option<Duration>) -> Outcome {
    let code = match status {
        400 => Code::InvalidArgument,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        413 | 429 => Code::ResourceExhausted,
        502..=504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    let mut failure = Failure::new(code, message).from_origin(Origin::Destination);
    match status {
        429 | 503 => {
            if let Some(delay) = retry_after {
                failure = failure.retry_after(delay.min(PEER_DELAY_MAX));
            }
            Outcome::Refused(failure)
        }
        // A gateway gave up on a server that may have taken the data.
        502 | 504 => Outcome::Unknown(failure),
        _ => Outcome::Permanent(failure),
    }
}

/// Whether OTLP lets a client retry this code; `hinted` says whether RetryInfo came with it.
fn is_retryable(code: Code, hinted: bool) -> bool {
    match code {
        Code::Canceled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::ResourceExhausted => hinted,
        Code::Unknown
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Unimplemented
        | Code::Internal
        | Code::Unauthenticated => false,
    }
}

/// Why the collector itself answers with this code.
fn reason_of(code: Code) -> RefusalReason {
    match code {
        Code::InvalidArgument => RefusalReason::Malformed,
        Code::Unauthenticated | Code::PermissionDenied => RefusalReason::Unauthenticated,
        Code::ResourceExhausted => RefusalReason::TooLarge,
        Code::DeadlineExceeded => RefusalReason::Timeout,
        Code::Unimplemented | Code::NotFound => RefusalReason::Unsupported,
        Code::Canceled => RefusalReason::Abandoned,
        Code::Aborted | Code::OutOfRange | Code::Unavailable | Code::DataLoss => RefusalReason::Unavailable,
        Code::Unknown | Code::AlreadyExists | Code::FailedPrecondition | Code::Internal => {
            RefusalReason::InternalError
        }
    }
}

/// Why the pipelines have not taken data that they may take later.
fn reason_of_retryable(failure: &Failure) -> RefusalReason {
    match (failure.origin(), failure.code()) {
        (Some(Origin::FullQueue), _) => RefusalReason::QueueFull,
        (Some(Origin::FullMemory), _) => RefusalReason::MemoryLimit,
        (_, Code::DeadlineExceeded) => RefusalReason::Timeout,
        _ => RefusalReason::Unavailable,
    }
}

fn http_of(code: Code) -> u16 {
    match code {
        Code::Canceled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => 503,
        Code::ResourceExhausted => 429,
        Code::InvalidArgument => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::Unimplemented => 404,
        Code::Unknown | Code::NotFound | Code::AlreadyExists | Code::FailedPrecondition | Code::Internal => {
            500
        }
    }
}

fn retry_info(delay: Duration) -> rpc::RetryInfo {
    let seconds = i64::try_from(delay.as_secs()).unwrap_or(i64::MAX);
    let nanos = delay.subsec_nanos().cast_signed();
    rpc::RetryInfo { retry_delay: Some(protobuf::Duration { seconds, nanos }) }
}

/// An absent delay counts as zero, as in Go; a negative or malformed one is no hint.
fn duration_of(info: &rpc::RetryInfo) -> Option<Duration> {
    let Some(delay) = &info.retry_delay else { return Some(Duration::ZERO) };
    let seconds = u64::try_from(delay.seconds).ok()?;
    let nanos = u32::try_from(delay.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(seconds, nanos))
}

fn json_duration(delay: Duration) -> String {
    match delay.subsec_nanos() {
        0 => format!("{}s", delay.as_secs()),
        nanos => format!("{}.{nanos:09}s", delay.as_secs()),
    }
}

fn cut(text: &str, max_len: usize) -> &str {
    &text[..text.floor_char_boundary(max_len)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_codes() -> impl Iterator<Item = Code> {
        (1..=16).filter_map(Code::from_number)
    }

    /// What the client half makes of an answer of the server half, over gRPC.
    fn over_grpc(status: &Status) -> Outcome {
        let details = status.grpc_details();
        let failure = GrpcFailure {
            code: status.code.number(),
            message: &status.message,
            details: details.as_deref(),
            ..GrpcFailure::default()
        };
        failure.to_outcome()
    }

    fn over_http(status: &Status) -> Outcome {
        let delay = status.retry_after_seconds().map(Duration::from_secs);
        outcome_of_http(status.http, status.message.clone(), delay)
    }

    #[test]
    fn what_is_retryable_inside_is_retryable_at_the_next_hop() {
        for code in all_codes() {
            let failure = Failure::new(code, "x");
            for outcome in [Outcome::Refused(failure.clone()), Outcome::Unknown(failure)] {
                let status = Status::of_outcome(&outcome, 0.5).expect("a failure has a status");
                assert!(over_grpc(&status).is_retryable(), "{outcome:?} over gRPC: {status:?}");
                assert!(over_http(&status).is_retryable(), "{outcome:?} over HTTP: {status:?}");
            }
        }
    }

    #[test]
    fn what_is_permanent_inside_is_permanent_at_the_next_hop() {
        for code in all_codes() {
            let outcome = Outcome::permanent(code, "x");
            let status = Status::of_outcome(&outcome, 0.5).expect("a failure has a status");
            assert!(matches!(over_grpc(&status), Outcome::Permanent(_)), "{code:?} over gRPC");
            assert!(matches!(over_http(&status), Outcome::Permanent(_)), "{code:?} over HTTP");
            assert_eq!(status.retry_after, None);
        }
    }

    #[test]
    fn a_refusal_carries_a_hint_between_one_and_five_seconds() {
        for jitter in [-1.0, 0.0, 0.3, 1.0, 7.0] {
            let status = Status::of_outcome(&Outcome::refused("full"), jitter).expect("a failure");
            let delay = status.retry_after.expect("a hint");
            assert!((RETRY_DELAY_MIN..=RETRY_DELAY_MAX).contains(&delay), "{delay:?}");
            assert_eq!((status.code, status.http), (Code::Unavailable, 503));
        }
    }

    #[test]
    fn a_hint_of_the_destination_is_passed_on() {
        let failure =
            Failure::new(Code::ResourceExhausted, "slow down").retry_after(Duration::from_millis(13_500));
        let status = Status::of_outcome(&Outcome::Refused(failure), 0.0).expect("a failure");
        assert_eq!((status.code, status.http), (Code::ResourceExhausted, 429));
        assert_eq!(status.retry_after_seconds(), Some(14));
        let Outcome::Refused(failure) = over_grpc(&status) else { panic!("retryable with a hint") };
        assert_eq!(failure.delay(), Some(Duration::from_millis(13_500)));
    }

    #[test]
    fn each_of_the_three_hints_is_understood() {
        let info = retry_info(Duration::from_secs(2)).encode_to_vec();
        let hinted = |failure: GrpcFailure<'_>| failure.to_outcome().failure().and_then(Failure::delay);
        let base = GrpcFailure { code: 8, ..GrpcFailure::default() };
        assert_eq!(
            hinted(GrpcFailure { retry_info: Some(&info), ..base.clone() }),
            Some(Duration::from_secs(2))
        );
        assert_eq!(
            hinted(GrpcFailure { pushback_ms: Some("1500"), ..base.clone() }),
            Some(Duration::from_millis(1500))
        );
        assert!(matches!(base.to_outcome(), Outcome::Permanent(_)));
        assert!(matches!(
            GrpcFailure { pushback_ms: Some("-1"), ..base.clone() }.to_outcome(),
            Outcome::Permanent(_)
        ));
        assert!(matches!(GrpcFailure { details: Some(b"\xff"), ..base }.to_outcome(), Outcome::Permanent(_)));
    }

    #[test]
    fn only_429_502_503_and_504_are_retryable_over_http() {
        for status in (100..200).chain(300..600) {
            let retryable = matches!(status, 429 | 502 | 503 | 504);
            assert_eq!(outcome_of_http(status, "x", None).is_retryable(), retryable, "{status}");
        }
    }

    #[test]
    fn the_json_body_is_the_protobuf_mapping() {
        let mut status = Status::new(Code::Unavailable, "say \"when\"");
        assert_eq!(status.to_json(), br#"{"code":14,"message":"say \"when\""}"#);
        status.retry_after = Some(Duration::from_millis(1500));
        let json: serde_json::Value = serde_json::from_slice(&status.to_json()).unwrap();
        assert_eq!(json["details"][0]["retryDelay"], "1.500000000s");
    }

    #[test]
    fn bad_data_is_described_in_both_encodings_and_is_permanent() {
        let status = Status::bad_request("no", "resource_logs[0]", "cut off at byte 7");
        let rpc = rpc::Status::decode(status.to_protobuf().as_slice()).unwrap();
        assert_eq!(rpc.details[0].type_url, BAD_REQUEST_URL);
        let told = rpc::BadRequest::decode(rpc.details[0].value.as_slice()).unwrap();
        assert_eq!(told.field_violations[0].field, "resource_logs[0]");
        assert_eq!(told.field_violations[0].description, "cut off at byte 7");
        let json: serde_json::Value = serde_json::from_slice(&status.to_json()).unwrap();
        assert_eq!(json["details"][0]["@type"], BAD_REQUEST_URL);
        assert_eq!(json["details"][0]["fieldViolations"][0]["field"], "resource_logs[0]");
        assert!(matches!(over_grpc(&status), Outcome::Permanent(_)));
        assert_eq!(status.http, 400);
    }

    #[test]
    fn the_details_of_bad_data_are_bounded() {
        let long = "\u{e4}".repeat(100_000);
        let status = Status::bad_request(long.clone(), long.clone(), long);
        let details = status.grpc_details().expect("details");
        assert!(details.len() < MESSAGE_BYTES_MAX + 2 * VIOLATION_BYTES_MAX + 128, "{}", details.len());
        assert!(status.to_json().len() < MESSAGE_BYTES_MAX + 2 * VIOLATION_BYTES_MAX + 256);
    }

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        let status = Status::new(Code::Internal, "ä".repeat(MESSAGE_BYTES_MAX));
        let rpc = rpc::Status::decode(status.to_protobuf().as_slice()).unwrap();
        assert_eq!(rpc.message.len(), MESSAGE_BYTES_MAX);
    }
}
