//! The span of a request.

use std::sync::Arc;

use etalon_component::{Code, SpanContext};
use etalon_net::status::Status;
use etalon_pdata::Signal;
use etalon_telemetry::attributes::{
    DataType, ErrorType, HttpRequestMethod, HttpResponseStatusCode, HttpRoute, ItemsAccepted, ItemsRefused,
    Receiver, RpcMethod, RpcResponseStatusCode, RpcSystemName, UrlScheme,
};
use etalon_telemetry::spans::{ReceiverGrpc, ReceiverHttp};
use etalon_telemetry::{Span, Tracer};
use tokio::time::Instant;

/// What the requests of a signal over a transport have in common.
#[derive(Debug)]
pub(crate) struct Requests {
    pub(crate) tracer: Tracer,
    pub(crate) receiver: String,
    pub(crate) data_type: DataType,
    pub(crate) way: Way,
}

/// How requests come.
#[derive(Debug)]
pub(crate) enum Way {
    /// OTLP/gRPC.
    Grpc { method: &'static str },
    /// OTLP/HTTP.
    Http { route: String, scheme: UrlScheme },
}

/// A request whose answer is not known yet. Dropped, it was given up.
pub(crate) struct Request<'a> {
    of: &'a Requests,
    span: Option<Span>,
    deadline: Option<Instant>,
    items: usize,
    accepted: bool,
}

/// How a request ended.
enum End<'a> {
    Success,
    Failure(&'a Status),
    GivenUp(Code),
}

impl Way {
    /// Over gRPC.
    pub(crate) fn grpc(signal: Signal) -> Self {
        Self::Grpc { method: signal.grpc_path.trim_start_matches('/') }
    }

    /// Over HTTP, at a path.
    pub(crate) fn http(path: &str, is_tls: bool) -> Self {
        let scheme = if is_tls { UrlScheme::Https } else { UrlScheme::Http };
        Self::Http { route: path.to_owned(), scheme }
    }
}

impl Requests {
    /// The span that a request belongs to, by its header fields.
    pub(crate) fn parent<'a>(&self, field: &'a dyn Fn(&str) -> Option<&'a str>) -> Option<Arc<SpanContext>> {
        if self.tracer.is_on() { self.tracer.parent(field) } else { None }
    }

    pub(crate) fn start(&self, parent: Option<&Arc<SpanContext>>, deadline: Option<Instant>) -> Request<'_> {
        let span = Some(Span::start(&self.tracer, parent));
        Request { of: self, span, deadline, items: 0, accepted: false }
    }
}

impl Request<'_> {
    /// What it causes is told below this.
    pub(crate) fn context(&self) -> Option<Arc<SpanContext>> {
        self.span.as_ref().and_then(Span::context)
    }

    /// It could be read, and has so many items.
    pub(crate) fn read(&mut self, items: usize) {
        self.items = items;
    }

    /// The pipelines have taken its items over.
    pub(crate) fn accepted(&mut self) {
        self.accepted = true;
    }

    /// It has its answer.
    pub(crate) fn end<T>(mut self, answer: &Result<T, Status>) {
        self.finish(match answer {
            Ok(_) => End::Success,
            Err(status) => End::Failure(status),
        });
    }

    fn finish(&mut self, end: End<'_>) {
        let Some(span) = self.span.take() else { return };
        let Requests { receiver, data_type, way, .. } = self.of;
        let (receiver, data_type) = (Receiver(receiver), *data_type);
        let items = i64::try_from(self.items).unwrap_or(i64::MAX);
        let (accepted, refused) = if self.accepted { (items, 0) } else { (0, items) };
        let (items_accepted, items_refused) = (ItemsAccepted(accepted), ItemsRefused(refused));
        match way {
            Way::Grpc { method } => {
                let code = end.code();
                let error = end.message().filter(|_| code.is_some_and(is_error));
                span.end(error, || ReceiverGrpc {
                    rpc_system_name: RpcSystemName::Grpc,
                    rpc_method: RpcMethod(method),
                    rpc_response_status_code: code.map_or(RpcResponseStatusCode::Ok, Into::into),
                    receiver,
                    data_type,
                    items_accepted,
                    items_refused,
                    error_type: error.and(code).map(|code| ErrorType(code.name())),
                });
            }
            Way::Http { route, scheme } => {
                let status = end.http();
                let error = end.message().filter(|_| status.is_some_and(|status| status >= 500));
                let error_type = status.map(|status| status.to_string());
                span.end(error, || ReceiverHttp {
                    http_request_method: HttpRequestMethod::Post,
                    http_route: HttpRoute(route),
                    url_scheme: *scheme,
                    http_response_status_code: status.map(|status| HttpResponseStatusCode(status.into())),
                    receiver,
                    data_type,
                    items_accepted,
                    items_refused,
                    error_type: error.and(error_type.as_deref()).map(ErrorType),
                });
            }
        }
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        self.finish(End::GivenUp(Code::of_given_up(self.deadline)));
    }
}

impl End<'_> {
    fn code(&self) -> Option<Code> {
        match self {
            Self::Success => None,
            Self::Failure(status) => Some(status.code),
            Self::GivenUp(code) => Some(*code),
        }
    }

    fn http(&self) -> Option<u16> {
        match self {
            Self::Success => Some(200),
            Self::Failure(status) => Some(status.http),
            Self::GivenUp(_) => None,
        }
    }

    fn message(&self) -> Option<&str> {
        match self {
            Self::Success => None,
            Self::Failure(status) => Some(&status.message),
            Self::GivenUp(_) => Some("nobody waits for the answer any more"),
        }
    }
}

/// Whether a server is to blame for it, as the conventions for gRPC have it.
fn is_error(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}
