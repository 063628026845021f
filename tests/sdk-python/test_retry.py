"""A destination that refuses for a while costs nothing: somebody on the way tries again."""

from pathlib import Path
from typing import Any

import pytest

from application import Application, Endpoint
from collector import Collector, configuration
from conftest import assert_arrived
from sink import Sink

SOON = {"initial_interval": "20ms", "max_interval": "100ms", "randomization_factor": 0}


def exporter(kind: str, sink: Sink, **more: Any) -> str:
    """A configuration that sends uncompressed to the sink."""
    if kind == "otlp_grpc":
        settings = {"endpoint": sink.grpc_endpoint, "tls": {"insecure": True}}
    else:
        settings = {"endpoint": sink.http_endpoint}
    return configuration(kind, {**settings, "compression": "none", **more})


@pytest.mark.parametrize("kind", ["otlp_grpc", "otlp_http"])
@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_etalon_tries_again_what_the_destination_refused(
    sink: Sink, tmp_path: Path, run: str, kind: str, transport: str
) -> None:
    with Collector(exporter(kind, sink, retry_on_failure=SOON), tmp_path) as collector:
        # More refusals than there are signals: at least one request is refused more than once.
        sink.refuse_next(5)
        address = {"grpc": collector.grpc_endpoint, "http": collector.http_endpoint}[transport]
        with Application(Endpoint(transport, address), run) as application:
            application.record()
        assert_arrived(sink, application, run)
        assert len(sink.refused()) == 5
        for unit in ("spans", "metric_points", "log_records"):
            assert collector.metric(f"otelcol_exporter_send_failed_{unit}") == 0


@pytest.mark.parametrize("kind", ["otlp_grpc", "otlp_http"])
@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_the_sdk_tries_again_when_etalon_passes_the_refusal_on(
    sink: Sink, tmp_path: Path, run: str, kind: str, transport: str
) -> None:
    off = {"enabled": False}
    with Collector(exporter(kind, sink, retry_on_failure=off, sending_queue=off), tmp_path) as collector:
        sink.refuse_next(1)
        address = {"grpc": collector.grpc_endpoint, "http": collector.http_endpoint}[transport]
        with Application(Endpoint(transport, address, "gzip"), run) as application:
            application.record()
            application.tracers.force_flush()
        assert_arrived(sink, application, run)
        assert sink.refused() == ["traces"]
        assert collector.metric("otelcol_receiver_refused_spans", transport=transport) > 0
