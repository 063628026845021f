"""What a real Prometheus makes of the collector's own metrics."""

import json
import socket
from pathlib import Path

import pytest

from collector import Collector, configuration
from prometheus import Prometheus

# By job: the options of the reader, and the names that Prometheus is to know of an integer and of seconds.
READERS = {
    "default": ({}, "otelcol_receiver_accepted_spans", "otelcol_process_uptime"),
    "suffixed": (
        {"without_type_suffix": False, "without_units": False, "without_scope_info": False},
        "otelcol_receiver_accepted_spans_total",
        "otelcol_process_uptime_seconds_total",
    ),
}
RESOURCE = {"service.name": "under-test", "region": "eu"}


@pytest.fixture
def prometheus(tmp_path: Path):
    free = [socket.create_server(("127.0.0.1", 0)) for _ in READERS]
    ports = {job: socket.getsockname()[1] for job, socket in zip(READERS, free)}
    for one in free:
        one.close()
    settings = json.loads(configuration("otlp_http", {"endpoint": "http://127.0.0.1:1"}))
    readers = [
        {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": ports[job], **options}}}}
        for job, (options, *_) in READERS.items()
    ]
    settings["service"]["telemetry"]["metrics"]["readers"] = readers
    settings["service"]["telemetry"]["resource"] = RESOURCE
    targets = {job: f"127.0.0.1:{port}" for job, port in ports.items()}
    with Collector(json.dumps(settings), tmp_path), Prometheus(targets, tmp_path) as prometheus:
        yield prometheus


def test_names_types_and_labels_are_those_of_the_reader(prometheus: Prometheus) -> None:
    for job, (_, counted, seconds) in READERS.items():
        series = prometheus.series(job)
        names = {one["__name__"] for one in series}
        assert {counted, seconds, "target_info"} <= names, names
        scope = {"otel_scope_name", "otel_scope_version"} if job == "suffixed" else set()
        labels = {frozenset(one) - {"__name__", "job", "instance"} for one in series if one["__name__"] == counted}
        assert labels == {frozenset({"receiver", "transport"} | scope)}
        [info] = [one for one in series if one["__name__"] == "target_info"]
        assert (info["service_name"], info["region"]) == ("under-test", "eu")
        # OpenMetrics names a counter without its suffix.
        assert {prometheus.kind(job, name.removesuffix("_total")) for name in (counted, seconds)} == {"counter"}


def test_values_are_told_from_the_start(prometheus: Prometheus) -> None:
    for job, (_, counted, _) in READERS.items():
        result = prometheus.ask("query", query=f'{counted}{{job="{job}"}}')["result"]
        assert {one["metric"]["transport"] for one in result} == {"grpc", "http"}
        assert {one["value"][1] for one in result} == {"0"}
