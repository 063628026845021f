"""SDK → etalon → sink: what arrives is what was sent, by every way in and every way out."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Iterator

import pytest

from application import Application, Endpoint
from collector import Collector, configuration, eventually
from conftest import assert_arrived, of_run
from sink import Sink
from wire import LOGS, METRICS, TRACES, accounted


@dataclass(frozen=True)
class Way:
    """How etalon forwards."""

    exporter: str
    compression: str
    encoding: str = "proto"

    def __str__(self) -> str:
        return f"{self.exporter}-{self.compression}-{self.encoding}"

    def settings(self, sink: Sink) -> dict[str, Any]:
        """The exporter's configuration."""
        if self.exporter == "otlp_grpc":
            return {"endpoint": sink.grpc_endpoint, "tls": {"insecure": True}, "compression": self.compression}
        return {"endpoint": sink.http_endpoint, "compression": self.compression, "encoding": self.encoding}


# grpcio reads gzip but no zstd, so there is no otlp_grpc with zstd here.
WAYS = [Way("otlp_grpc", compression) for compression in ("none", "gzip")] + [
    Way("otlp_http", compression, encoding) for compression in ("none", "gzip", "zstd") for encoding in ("proto", "json")
]


@dataclass(frozen=True)
class Running:
    """A collector in front of a sink."""

    way: Way
    collector: Collector
    sink: Sink


@pytest.fixture(scope="module", params=WAYS, ids=str)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with ExitStack() as stack:
        sink = stack.enter_context(Sink())
        text = configuration(request.param.exporter, request.param.settings(sink))
        collector = stack.enter_context(Collector(text, tmp_path_factory.mktemp("etalon")))
        yield Running(request.param, collector, sink)


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_everything_arrives_unchanged(running: Running, run: str, transport: str, compression: str) -> None:
    address = {"grpc": running.collector.grpc_endpoint, "http": running.collector.http_endpoint}[transport]
    with Application(Endpoint(transport, address, compression), run) as application:
        application.record()
    assert_arrived(running.sink, application, run)
    for received in of_run(running.sink.received(), run):
        if running.way.exporter == "otlp_grpc":
            assert received.transport == "grpc"
        else:
            wanted = {"none": None}.get(running.way.compression, running.way.compression)
            assert received.headers.get("content-encoding") == wanted
            assert received.headers["content-type"] == {"proto": "application/x-protobuf", "json": "application/json"}[running.way.encoding]


@pytest.mark.parametrize("running", [Way("otlp_grpc", "none")], indirect=True, ids=str)
def test_what_is_sent_is_what_is_counted(running: Running, run: str) -> None:
    collector = running.collector
    metrics = {TRACES: "spans", METRICS: "metric_points", LOGS: "log_records"}

    def counted(prefix: str) -> dict:
        return {signal: collector.metric(f"otelcol_{prefix}_{unit}") for signal, unit in metrics.items()}

    eventually(lambda: counted("receiver_accepted") == counted("exporter_sent"), "all that was accepted is sent")
    accepted, sent = counted("receiver_accepted"), counted("exporter_sent")
    with Application(Endpoint("grpc", collector.grpc_endpoint), run) as application:
        application.record()
    assert_arrived(running.sink, application, run)
    for signal, handed in application.handed.items():
        items = sum(accounted(signal, request) for request in handed.requests)
        assert items > 0
        eventually(lambda: counted("exporter_sent")[signal] == sent[signal] + items, f"{signal.name} sent")
        assert counted("receiver_accepted")[signal] == accepted[signal] + items
    assert counted("receiver_refused") == {TRACES: 0, METRICS: 0, LOGS: 0}
    assert counted("exporter_send_failed") == {TRACES: 0, METRICS: 0, LOGS: 0}
