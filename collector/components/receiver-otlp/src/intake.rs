//! One signal over one transport: from the bytes of a request to the bytes of its answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use etalon_component::{
    Batch, BoxFuture, Budgets, Code, Consumer, Context, Delivered, Memory, Outcome, Reserved, SpanContext,
    random_unit,
};
use etalon_net::server::{Call, Format, Unary};
use etalon_net::status::{MESSAGE_BYTES_MAX, Status};
use etalon_pdata::json::{self, JsonError};
use etalon_pdata::{Compressed, Payload, ScanError, Signal, Utf8Policy, partial_success_response, scan};
use etalon_telemetry::attributes::RefusalReason;
use etalon_telemetry::metrics::ReceiverMetrics;
use etalon_telemetry::within;

use crate::traced::{Request, Requests};

/// Takes the requests of a signal to its pipelines.
pub(crate) struct Intake {
    pub(crate) signal: Signal,
    pub(crate) consumer: Arc<dyn Consumer>,
    pub(crate) metrics: ReceiverMetrics,
    pub(crate) requests: Requests,
}

impl Unary for Intake {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Bytes, Status>> {
        Box::pin(self.traced(call))
    }

    fn parent<'a>(&self, field: &'a dyn Fn(&str) -> Option<&'a str>) -> Option<Arc<SpanContext>> {
        self.requests.parent(field)
    }

    fn budgets(&self) -> Budgets {
        self.consumer.budgets()
    }

    fn ended(&self, refused: Option<RefusalReason>, took: Duration) {
        match refused {
            None => self.metrics.accepted_requests(1),
            Some(reason) => self.metrics.refused_requests(1, reason),
        }
        self.metrics.request_duration(took);
    }
}

impl Intake {
    async fn traced(&self, call: Call) -> Result<Bytes, Status> {
        let mut request = self.requests.start(call.parent.as_ref(), call.deadline);
        let answer = within(request.context(), self.take(call, &mut request)).await;
        request.end(&answer);
        answer
    }

    async fn take(&self, call: Call, request: &mut Request<'_>) -> Result<Bytes, Status> {
        let Call { message, compressed, format, peer, deadline, caller, parent: _, memory: mut reserved } =
            call;
        let payload = self.read(message, compressed, format, &mut reserved)?;
        request.read(payload.items());
        if payload.items() == 0 {
            return Ok(self.answer(&Delivered::default(), format));
        }
        let (pending, bytes) = (Pending::new(&self.metrics, payload.items()), payload.len());
        let (peer, span) = (peer.address(), request.context());
        let mut memory = Memory::default();
        memory.add(reserved);
        let context = Context { peer, deadline, caller, span, memory, ..Context::default() };
        let outcome = self.consumer.consume(Batch { payload, context }).await;
        match &outcome {
            Outcome::Delivered(delivered) => {
                pending.accepted();
                request.accepted();
                self.metrics.accepted_bytes(bytes);
                Ok(self.answer(delivered, format))
            }
            Outcome::Refused(_) | Outcome::Permanent(_) | Outcome::Unknown(_) => {
                drop(pending);
                Err(Status::of_outcome(&outcome, random_unit())
                    .unwrap_or_else(|| Status::new(Code::Unavailable, "the outcome is unknown")))
            }
        }
    }

    /// Validates and counts a request. Nothing of one that is invalid goes any further.
    fn read(
        &self,
        message: BytesMut,
        compressed: Option<Compressed>,
        format: Format,
        reserved: &mut Reserved,
    ) -> Result<Payload, Status> {
        let (mut protobuf, compressed) = match format {
            Format::Protobuf => (message, compressed),
            Format::Json => {
                reserve(reserved, message.capacity().saturating_mul(2))?;
                let decoded = json::decode(self.signal.request, &message).map_err(invalid_json)?;
                drop(message);
                reserve(reserved, decoded.capacity())?;
                (BytesMut::from(Bytes::from(decoded)), None)
            }
        };
        let found = scan(self.signal, &mut protobuf, Utf8Policy::Repair).map_err(invalid_protobuf)?;
        self.metrics.repaired(found.repaired);
        let payload = Payload::from_validated(self.signal, protobuf.freeze(), found.items);
        Ok(match compressed {
            Some(compressed) if found.repaired == 0 => payload.with_compressed(compressed),
            Some(_) | None => payload,
        })
    }

    /// The export response. Unless something was rejected, or there is something to say, it is empty.
    fn answer(&self, delivered: &Delivered, format: Format) -> Bytes {
        let rejected = i64::try_from(delivered.rejected).unwrap_or(i64::MAX);
        let message = delivered.message.as_deref().unwrap_or_default();
        let message = &message[..message.floor_char_boundary(MESSAGE_BYTES_MAX)];
        let protobuf = partial_success_response(self.signal, rejected, message);
        match format {
            Format::Protobuf => protobuf,
            Format::Json if protobuf.is_empty() => Bytes::from_static(b"{}"),
            Format::Json => {
                let mut encoded = Vec::new();
                json::encode(self.signal.response, &protobuf, &mut encoded)
                    .expect("the response was made by the same table");
                encoded.into()
            }
        }
    }
}

fn reserve(reserved: &mut Reserved, bytes: usize) -> Result<(), Status> {
    reserved.resize(bytes).map_err(|why| Status::no_room(why, random_unit()))
}

#[cold]
fn invalid_protobuf(error: ScanError) -> Status {
    let (message, description) = (invalid(&error), format!("{} (at byte {})", error.kind, error.offset));
    Status::bad_request(message, error.path, description)
}

#[cold]
fn invalid_json(error: JsonError) -> Status {
    let (message, description) = (invalid(&error), format!("{} (at byte {})", error.problem, error.offset));
    Status::bad_request(message, error.path, description)
}

fn invalid(error: &dyn std::error::Error) -> String {
    format!("invalid export request: {error}")
}

/// Items that wait for their outcome. Whatever ends the wait other than their delivery, a client that
/// goes away and a panic included, leaves them refused.
struct Pending<'a> {
    metrics: &'a ReceiverMetrics,
    items: usize,
}

impl<'a> Pending<'a> {
    fn new(metrics: &'a ReceiverMetrics, items: usize) -> Self {
        Self { metrics, items }
    }

    fn accepted(mut self) {
        self.metrics.accepted(std::mem::take(&mut self.items));
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if self.items > 0 {
            self.metrics.refused(self.items);
        }
    }
}
