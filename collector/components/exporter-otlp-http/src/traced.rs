//! The span of an attempt.

use etalon_component::{Code, Context, Outcome};
use etalon_telemetry::attributes::{
    DataType, ErrorType, Exporter, HttpRequestMethod, HttpResponseStatusCode, ServerAddress, ServerPort,
    UrlPath,
};
use etalon_telemetry::spans::ExporterHttp;
use etalon_telemetry::{Span, Tracer};
use tokio::time::Instant;

/// What the attempts of an exporter have in common.
#[derive(Debug)]
pub(crate) struct Attempts {
    pub(crate) tracer: Tracer,
    pub(crate) exporter: String,
    pub(crate) data_type: DataType,
    pub(crate) host: String,
    pub(crate) port: String,
    pub(crate) path: String,
}

/// An attempt whose outcome is not known yet. Dropped, it was given up.
pub(crate) struct Attempt<'a> {
    of: &'a Attempts,
    span: Option<Span>,
    deadline: Option<Instant>,
    /// Of the answer.
    status: Option<u16>,
}

impl Attempts {
    /// Begins one, and has the destination told of it.
    pub(crate) fn start(&self, context: &mut Context) -> Attempt<'_> {
        let span = Span::start(&self.tracer, context.span.as_ref());
        if let Some(own) = span.context() {
            context.told = self.tracer.fields(&own);
        }
        Attempt { of: self, span: Some(span), deadline: context.deadline, status: None }
    }
}

impl Attempt<'_> {
    /// There is an answer.
    pub(crate) fn answered(&mut self, status: u16) {
        self.status = Some(status);
    }

    /// It has its outcome.
    pub(crate) fn end(mut self, outcome: &Outcome) {
        let failure = outcome.failure();
        self.finish(failure.map(|failure| (failure.code(), failure.message())));
    }

    fn finish(&mut self, failure: Option<(Code, &str)>) {
        let Some(span) = self.span.take() else { return };
        let Attempts { exporter, data_type, host, port, path, .. } = self.of;
        let (code, message) = failure.unzip();
        let failed = self.status.filter(|status| *status >= 400).map(|status| status.to_string());
        span.end(message, || ExporterHttp {
            http_request_method: HttpRequestMethod::Post,
            http_response_status_code: self.status.map(|status| HttpResponseStatusCode(status.into())),
            server_address: ServerAddress(host),
            server_port: ServerPort(port),
            url_path: UrlPath(path),
            exporter: Exporter(exporter),
            data_type: *data_type,
            error_type: code.map(|code| ErrorType(failed.as_deref().unwrap_or(code.name()))),
        });
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let code = Code::of_given_up(self.deadline);
        self.finish(Some((code, "given up before there was an answer")));
    }
}
