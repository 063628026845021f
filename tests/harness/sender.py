"""One request to a collector, and its answer as OTLP has it: a gRPC code, or an HTTP status."""

import urllib.error
import urllib.request
from dataclasses import dataclass

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from collector import WAIT
from wire import Signal

SERVICE = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
}
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Answer:
    """What the sender of a request is told."""

    # gRPC's code, or HTTP's status.
    status: int
    message: str
    # What an error asks the sender to wait: RetryInfo, or Retry-After. None when it does not say.
    retry_delay: float | None
    # The response message, when it is a success.
    response: Message | None = None

    @property
    def delivered(self) -> bool:
        """Whether it is a success."""
        return self.response is not None


def send(transport: str, address: str, signal: Signal, request: Message) -> Answer:
    """Sends over gRPC to `host:port`, or as HTTP protobuf to `http://host:port`."""
    return (send_grpc if transport == "grpc" else send_http)(address, signal, request)


def send_grpc(address: str, signal: Signal, request: Message) -> Answer:
    """One call, without grpcio's own retries."""
    with grpc.insecure_channel(address, options=[("grpc.enable_retries", 0)]) as channel:
        call = channel.unary_unary(
            f"/{SERVICE[signal.name]}/Export",
            request_serializer=signal.request.SerializeToString,
            response_deserializer=signal.response.FromString,
        )
        try:
            return Answer(0, "", None, call(request, timeout=WAIT, wait_for_ready=True))
        except grpc.RpcError as error:
            return Answer(error.code().value[0], error.details() or "", _retry_info(error.trailing_metadata() or ()))


def _retry_info(trailers: object) -> float | None:
    for key, value in trailers:
        if key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info = error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                return info.retry_delay.seconds + info.retry_delay.nanos / 1e9
    return None


def send_http(address: str, signal: Signal, request: Message) -> Answer:
    """One POST; the body of an error must be a Status."""
    headers = {"Content-Type": "application/x-protobuf"}
    post = urllib.request.Request(address + signal.path, request.SerializeToString(), headers)
    try:
        with urllib.request.urlopen(post, timeout=WAIT) as answer:
            return Answer(answer.status, "", None, signal.response.FromString(answer.read(MOST_BYTES)))
    except urllib.error.HTTPError as error:
        with error:
            status = status_pb2.Status.FromString(error.read(MOST_BYTES))
            delay = error.headers.get("Retry-After")
            return Answer(error.code, status.message, None if delay is None else float(delay))
