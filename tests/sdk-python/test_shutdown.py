"""Nothing is lost by an orderly end, neither the SDK's nor etalon's."""

import signal
from pathlib import Path

import pytest

from application import Application, Endpoint
from collector import Collector, configuration, eventually
from conftest import assert_arrived, of_run
from sink import Sink


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_the_sdk_delivers_at_its_shutdown_what_it_held_until_then(
    sink: Sink, tmp_path: Path, run: str, transport: str
) -> None:
    settings = {"endpoint": sink.http_endpoint}
    with Collector(configuration("otlp_http", settings), tmp_path) as collector:
        address = {"grpc": collector.grpc_endpoint, "http": collector.http_endpoint}[transport]
        with Application(Endpoint(transport, address), run) as application:
            application.record()
            assert of_run(sink.received(), run) == []
        assert_arrived(sink, application, run)


@pytest.mark.parametrize("kind", ["otlp_grpc", "otlp_http"])
def test_etalon_delivers_at_its_shutdown_what_its_queue_holds(
    sink: Sink, tmp_path: Path, run: str, kind: str
) -> None:
    endpoint = {"otlp_grpc": sink.grpc_endpoint, "otlp_http": sink.http_endpoint}[kind]
    settings = {"endpoint": endpoint, "tls": {"insecure": True}, "sending_queue": {"num_consumers": 1}}
    with Collector(configuration(kind, settings), tmp_path) as collector:
        sink.hold()
        # The first is under way when SIGTERM comes, the second waits in the queue.
        applications = {of: Application(Endpoint("grpc", collector.grpc_endpoint), of) for of in (run, run + " queued")}
        for application in applications.values():
            with application:
                application.record()
        eventually(lambda: sink.holding() == {"traces", "metrics", "logs"}, "every signal is under way")
        collector.process.send_signal(signal.SIGTERM)
        collector.wait_for_line("Starting shutdown...")
        assert sink.received() == []
        sink.release()
        assert collector.process.wait(30) == 0
        for of, application in applications.items():
            assert_arrived(sink, application, of)
