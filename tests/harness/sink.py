"""An OTLP destination: gRPC by grpcio, HTTP by the standard library. It keeps what arrives."""

import gzip
import threading
import time
from concurrent import futures
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable

import grpc
import zstandard
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc

from wire import LOGS, METRICS, SIGNALS, TRACES, Signal, from_json

WAIT = 30.0
MOST_BYTES = 64 << 20
CODES = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True)
class Received:
    """One export request that the sink has accepted."""

    signal: Signal
    request: Message
    transport: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Refusal:
    """How a request is refused: by one of these, as it came."""

    # gRPC's code.
    code: int = 14
    # HTTP's status.
    status: int = 503
    # Seconds, as RetryInfo or Retry-After; None for neither.
    retry_delay: int | None = None
    message: str = "told to refuse"

    def as_status(self) -> status_pb2.Status:
        """What gRPC has as its details, and HTTP as its body."""
        made = status_pb2.Status(code=self.code, message=self.message)
        if self.retry_delay is not None:
            info = error_details_pb2.RetryInfo()
            info.retry_delay.SetInParent()
            info.retry_delay.seconds = self.retry_delay
            made.details.add().Pack(info)
        return made


class Sink:
    """Both servers on ports of their own. A context manager."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._received: list[Received] = []
        self._held = False
        self._to_refuse = 0
        self._refusal = Refusal()
        self._partly: tuple[int, str] | None = None
        self._refused: list[str] = []
        self._holding: list[str] = []
        self._grpc = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
        for service, signal in (
            (trace_service_pb2_grpc.add_TraceServiceServicer_to_server, TRACES),
            (metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server, METRICS),
            (logs_service_pb2_grpc.add_LogsServiceServicer_to_server, LOGS),
        ):
            service(_Servicer(self, signal), self._grpc)
        self._grpc_port = self._grpc.add_insecure_port("127.0.0.1:0")
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> "Sink":
        self._grpc.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._grpc.stop(grace=0).wait(WAIT)
        self._http.shutdown()
        self._http.server_close()

    @property
    def grpc_endpoint(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self._grpc_port}"

    @property
    def http_endpoint(self) -> str:
        """`http://host:port`, without the path of a signal."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def refuse_next(self, requests: int, refusal: Refusal = Refusal()) -> None:
        """Answers the next requests so, and keeps nothing of them."""
        with self._changed:
            self._to_refuse = requests
            self._refusal = refusal
            self._refused.clear()

    def accept_partly(self, rejected: int, message: str) -> None:
        """From now on, says of each request that some items of it were rejected."""
        with self._changed:
            self._partly = (rejected, message)

    def response(self, signal: Signal) -> Message:
        """The answer to a request that was taken."""
        response = signal.response()
        with self._changed:
            if self._partly is not None:
                response.partial_success.SetInParent()
                setattr(response.partial_success, signal.rejected, self._partly[0])
                response.partial_success.error_message = self._partly[1]
        return response

    def hold(self) -> None:
        """Answers nothing until `release`."""
        with self._changed:
            self._held = True
            self._holding.clear()

    def release(self) -> None:
        """Answers what is held, and whatever comes."""
        with self._changed:
            self._held = False
            self._changed.notify_all()

    def holding(self) -> set[str]:
        """The signals of the requests held since `hold`."""
        with self._changed:
            return set(self._holding)

    def refused(self) -> list[str]:
        """The signals of the requests refused since `refuse_next`."""
        with self._changed:
            return list(self._refused)

    def received(self) -> list[Received]:
        """Everything accepted so far."""
        with self._changed:
            return list(self._received)

    def wait(self, enough: Callable[[list[Received]], bool], timeout: float = WAIT) -> bool:
        """Waits until `enough` of what was received is true; false when the time is up."""
        deadline = time.monotonic() + timeout
        with self._changed:
            return self._changed.wait_for(lambda: enough(self._received), max(0.0, deadline - time.monotonic()))

    def take(self, received: Received) -> Refusal | None:
        """Keeps a request, unless it is to be refused: then says how."""
        with self._changed:
            if self._held:
                self._holding.append(received.signal.name)
                if not self._changed.wait_for(lambda: not self._held, WAIT):
                    return Refusal()
            if self._to_refuse > 0:
                self._to_refuse -= 1
                self._refused.append(received.signal.name)
                return self._refusal
            self._received.append(received)
            self._changed.notify_all()
            return None


class _Servicer:
    """The one method that OTLP's services have."""

    def __init__(self, sink: Sink, signal: Signal) -> None:
        self._sink = sink
        self._signal = signal

    def Export(self, request: Message, context: grpc.ServicerContext) -> Message:
        headers = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        if refusal := self._sink.take(Received(self._signal, request, "grpc", headers)):
            if refusal.retry_delay is not None:
                context.set_trailing_metadata((("grpc-status-details-bin", refusal.as_status().SerializeToString()),))
            context.abort(CODES[refusal.code], refusal.message)
        return self._sink.response(self._signal)


def _handler(sink: Sink) -> type[BaseHTTPRequestHandler]:
    by_path = {signal.path: signal for signal in SIGNALS}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = WAIT
        wbufsize = -1

        def do_POST(self) -> None:
            body = self._body()
            signal = by_path.get(self.path)
            if signal is None:
                return self._answer(404, "text/plain", b"no such path")
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                request = _decoded(signal, headers, body)
            except (ValueError, KeyError, TypeError, OSError, DecodeError, zstandard.ZstdError) as error:
                return self._answer(400, "text/plain", f"{type(error).__name__}: {error}".encode())
            if refusal := sink.take(Received(signal, request, "http", headers)):
                body = refusal.as_status().SerializeToString()
                return self._answer(refusal.status, "application/x-protobuf", body, refusal.retry_delay)
            response = sink.response(signal)
            if headers["content-type"].startswith("application/json"):
                return self._answer(200, "application/json", json_format.MessageToJson(response).encode())
            return self._answer(200, "application/x-protobuf", response.SerializeToString())

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", "0")))
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(chunks)

        def _answer(self, status: int, content_type: str, body: bytes, retry_delay: int | None = None) -> None:
            self.send_response(status)
            if retry_delay is not None:
                self.send_header("Retry-After", str(retry_delay))
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            """The tests say what matters."""

    return Handler


def _decoded(signal: Signal, headers: dict[str, str], body: bytes) -> Message:
    encoding = headers.get("content-encoding", "identity")
    if encoding == "gzip":
        body = gzip.decompress(body)
    elif encoding == "zstd":
        body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
    elif encoding != "identity":
        raise ValueError(f"Content-Encoding {encoding}")
    if len(body) > MOST_BYTES:
        raise ValueError(f"{len(body)} bytes")
    content_type = headers.get("content-type", "")
    if content_type.startswith("application/json"):
        return from_json(signal, body)
    if content_type != "application/x-protobuf":
        raise ValueError(f"Content-Type {content_type}")
    return signal.request.FromString(body)
