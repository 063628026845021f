//! gRPC over HTTP/2: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

mod answer;
mod message;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use etalon_component::{Budgets, Code, Reserved, random_unit};
use etalon_telemetry::tell;
use http::{HeaderMap, Method, Request, Response, Version, header};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout, timeout_at};

use super::body::Received;
use super::connection::{Client, Protocol};
use super::guard::Guard;
use super::panics::Caught;
use super::pending::Pending;
use super::running::Seldom;
use super::{Call, Format, RECEIVE_TIMEOUT, Routes};
use crate::status::Status;

pub(super) use answer::GrpcBody;

/// Serves unary calls.
#[derive(Debug)]
pub(super) struct Grpc {
    pub(super) routes: Routes,
    pub(super) guard: Guard,
    /// Largest message, before and after decompression, in bytes.
    pub(super) max_message: usize,
    /// Budgets of memory that hold for all calls.
    pub(super) budgets: Budgets,
    /// Keeps the log lines about clients of other protocols apart.
    pub(super) mixed_up: Seldom,
}

impl Protocol for Grpc {
    type Body = GrpcBody;

    async fn respond(self: Arc<Self>, request: Request<Incoming>, client: Client) -> Response<GrpcBody> {
        if let Some(refusal) = answer::not_grpc(&request) {
            self.mixed_up.then(|| {
                let (method, path) = (request.method(), request.uri().path());
                tell!(ReceiverGrpcOtherProtocol {
                    peer: &client.peer,
                    request_method: method,
                    request_path: &path
                });
            });
            return refusal;
        }
        let pending = self.routes.find(request.uri().path()).map(Pending::new);
        let deadline = deadline(request.headers());
        let answered = match deadline {
            None => self.call(request, &client, None).await,
            Some(deadline) if deadline <= Instant::now() => Err(deadline_exceeded()),
            Some(deadline) => {
                let call = self.call(request, &client, Some(deadline));
                timeout_at(deadline, call).await.unwrap_or_else(|_| Err(deadline_exceeded()))
            }
        };
        if let Some(pending) = pending {
            pending.answered(answered.as_ref().err().map(|status| status.reason));
        }
        match answered {
            Ok(message) => answer::success(&message),
            Err(status) => answer::failure(&status),
        }
    }
}

impl Grpc {
    async fn call(
        &self,
        request: Request<Incoming>,
        client: &Client,
        deadline: Option<Instant>,
    ) -> Result<Bytes, Status> {
        let (head, body) = request.into_parts();
        let caller = self.guard.admit(&head).await.map_err(|turned_away| turned_away.status)?;
        let unary = self.routes.find(head.uri.path()).ok_or_else(|| self.unknown(head.uri.path()))?;
        if client.is_late {
            return Err(Status::stopping(random_unit()));
        }
        let budgets = self.budgets.iter().cloned().chain(unary.budgets()).collect();
        let field = |name: &str| super::first_value(&head, name);
        let mut memory = Reserved::told_apart(budgets, Some(&client.sender), &field);
        let received = message::receive(&head.headers, body, self.max_message, &mut memory);
        let received = timeout(RECEIVE_TIMEOUT, received).await;
        let Received { message, compressed } = received.unwrap_or_else(|_| Err(too_slow()))?;
        let parent = unary.parent(&|name| super::field(&head.headers, name));
        let (format, peer) = (Format::Protobuf, client.peer);
        let call = Call { message, compressed, format, peer, deadline, caller, parent, memory };
        Caught(unary.call(call)).await.unwrap_or_else(|| Err(super::panicked()))
    }

    fn unknown(&self, path: &str) -> Status {
        let served = self.routes.listed();
        Status::new(Code::Unimplemented, format!("unknown method {path}: this server serves {served}"))
    }
}

/// The answer to a gRPC client of a server that does not speak gRPC.
pub(super) fn refusal(status: &Status) -> Response<Bytes> {
    answer::failure(status).map(|_| Bytes::new())
}

fn deadline_exceeded() -> Status {
    Status::new(Code::DeadlineExceeded, "the deadline of the call has passed")
}

fn too_slow() -> Status {
    let seconds = RECEIVE_TIMEOUT.as_secs();
    Status::new(Code::DeadlineExceeded, format!("the message did not arrive within {seconds} s"))
}

/// The time by which the client wants an answer: `grpc-timeout`. A value that is not one is ignored.
fn deadline(headers: &HeaderMap) -> Option<Instant> {
    let value = headers.get("grpc-timeout")?.to_str().ok()?;
    Instant::now().checked_add(parse_timeout(value)?)
}

/// At most 8 digits and a unit.
fn parse_timeout(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

/// Whether a request may be gRPC at all.
fn is_grpc<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.map(|value| value.split(';').next().unwrap_or_default().trim());
    request.version() == Version::HTTP_2
        && request.method() == Method::POST
        && media_type.is_some_and(|media_type| {
            media_type.eq_ignore_ascii_case("application/grpc")
                || media_type.eq_ignore_ascii_case("application/grpc+proto")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_have_eight_digits_and_a_unit() {
        assert_eq!(parse_timeout("10S"), Some(Duration::from_secs(10)));
        assert_eq!(parse_timeout("0n"), Some(Duration::ZERO));
        assert_eq!(parse_timeout("99999999H"), Some(Duration::from_hours(99_999_999)));
        for wrong in ["", "S", "10", "-1S", "123456789S", "1s", "1 S", "ä", "+1S"] {
            assert_eq!(parse_timeout(wrong), None, "{wrong}");
        }
    }
}
