//! The span of an attempt.

use etalon_component::{Code, Context, Outcome};
use etalon_telemetry::attributes::{
    DataType, ErrorType, Exporter, RpcMethod, RpcResponseStatusCode, RpcSystemName, ServerAddress, ServerPort,
};
use etalon_telemetry::spans::ExporterGrpc;
use etalon_telemetry::{Span, Tracer};
use tokio::time::Instant;

/// What the attempts of an exporter have in common.
#[derive(Debug)]
pub(crate) struct Attempts {
    pub(crate) tracer: Tracer,
    pub(crate) exporter: String,
    pub(crate) data_type: DataType,
    pub(crate) method: &'static str,
    pub(crate) host: String,
    pub(crate) port: Option<String>,
}

/// An attempt whose outcome is not known yet. Dropped, it was given up.
pub(crate) struct Attempt<'a> {
    of: &'a Attempts,
    span: Option<Span>,
    deadline: Option<Instant>,
}

impl Attempts {
    /// Begins one, and has the destination told of it.
    pub(crate) fn start(&self, context: &mut Context) -> Attempt<'_> {
        let span = Span::start(&self.tracer, context.span.as_ref());
        if let Some(own) = span.context() {
            context.told = self.tracer.fields(&own);
        }
        Attempt { of: self, span: Some(span), deadline: context.deadline }
    }
}

impl Attempt<'_> {
    /// It has its outcome.
    pub(crate) fn end(mut self, outcome: &Outcome) {
        let failure = outcome.failure();
        self.finish(failure.map(|failure| (failure.code(), failure.message())));
    }

    fn finish(&mut self, failure: Option<(Code, &str)>) {
        let Some(span) = self.span.take() else { return };
        let Attempts { exporter, data_type, method, host, port, .. } = self.of;
        let (code, message) = failure.unzip();
        span.end(message, || ExporterGrpc {
            rpc_system_name: RpcSystemName::Grpc,
            rpc_method: RpcMethod(method),
            rpc_response_status_code: code.map_or(RpcResponseStatusCode::Ok, Into::into),
            server_address: ServerAddress(host),
            server_port: port.as_deref().map(ServerPort),
            exporter: Exporter(exporter),
            data_type: *data_type,
            error_type: code.map(|code| ErrorType(code.name())),
        });
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let code = Code::of_given_up(self.deadline);
        self.finish(Some((code, "given up before there was an answer")));
    }
}
