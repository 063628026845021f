"""What real Prometheuses make of the collector's own metrics."""

import json
import os
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

import pytest

import everything
from collector import Collector, configuration, eventually
from prometheus import Prometheus
from sender import send
from wire import TRACES, accounted

# By job: the options of the reader, and the names that Prometheus is to know: received and sent items, and seconds.
READERS = {
    "default": ({}, "otelcol_receiver_accepted_spans", "otelcol_exporter_sent_spans", "otelcol_process_uptime"),
    "suffixed": (
        {"without_type_suffix": False, "without_units": False, "without_scope_info": False},
        "otelcol_receiver_accepted_spans_total",
        "otelcol_exporter_sent_spans_total",
        "otelcol_process_uptime_seconds_total",
    ),
}
# Its labels are attributes with dots; as a gauge without a unit, it has the same name for every reader.
DESTINATION = "etalon_exporter_destination_info"
RESOURCE = {"service.name": "under-test", "region": "eu"}


@dataclass(frozen=True)
class Reader:
    """A Prometheus, and how it reads."""

    program: str
    # Whether it asks for names in UTF-8, and so sees the dots of attributes.
    dots: bool
    settings: dict[str, Any] = field(default_factory=dict)

    def label(self, key: str) -> str:
        """What an attribute is called."""
        return key if self.dots else key.replace(".", "_")


@dataclass(frozen=True)
class Scraped:
    """A collector, and the Prometheus that reads it."""

    reader: Reader
    prometheus: Prometheus
    collector: Collector


PROMETHEUSES = {
    "2": Reader("prometheus", dots=False),
    "3": Reader(os.environ.get("PROMETHEUS_3_BIN", ""), dots=True),
    "3-legacy": Reader(
        os.environ.get("PROMETHEUS_3_BIN", ""),
        dots=False,
        settings={"metric_name_validation_scheme": "legacy", "metric_name_escaping_scheme": "underscores"},
    ),
}


@pytest.fixture(params=PROMETHEUSES.values(), ids=PROMETHEUSES.keys())
def reader(request: pytest.FixtureRequest) -> Reader:
    return request.param


@pytest.fixture
def scraped(reader: Reader, tmp_path: Path) -> Iterator[Scraped]:
    assert reader.program, "cargo xtask test prometheus builds it, and tells where in PROMETHEUS_3_BIN"
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
    with Collector(json.dumps(settings), tmp_path) as collector:
        with Prometheus(reader.program, targets, reader.settings, tmp_path) as prometheus:
            yield Scraped(reader, prometheus, collector)


def test_names_types_and_labels_are_those_of_the_reader(scraped: Scraped) -> None:
    label, prometheus = scraped.reader.label, scraped.prometheus
    for job, (_, received, sent, seconds) in READERS.items():
        series = prometheus.series(job)
        names = {one["__name__"] for one in series}
        assert {received, sent, seconds, "target_info"} <= names, names
        scope = {"otel_scope_name", "otel_scope_version"} if job == "suffixed" else set()

        def labels(name: str) -> set[frozenset[str]]:
            of_job = {"__name__", "job", "instance"}
            return {frozenset(one) - of_job for one in series if one["__name__"] == name}

        assert labels(received) == {frozenset({"receiver", "transport"} | scope)}
        assert labels(sent) == {frozenset({"exporter"} | scope)}
        of_destination = set().union(*labels(DESTINATION))
        assert {"exporter", label("server.address"), label("server.port")} <= of_destination, of_destination
        [info] = [one for one in series if one["__name__"] == "target_info"]
        assert (info[label("service.name")], info["region"]) == ("under-test", "eu")
        # OpenMetrics names a counter without its suffix.
        assert {prometheus.kind(job, name.removesuffix("_total")) for name in (received, sent, seconds)} == {"counter"}


def test_values_are_read_back_from_zero_on(scraped: Scraped) -> None:
    prometheus, collector, address = scraped.prometheus, scraped.collector, scraped.reader.label("server.address")
    quoted = f'"{address}"' if scraped.reader.dots else address
    for job, (_, received, sent, _) in READERS.items():
        assert prometheus.values(f'{received}{{job="{job}"}}') == [0, 0]
        assert prometheus.values(f'{sent}{{job="{job}"}}') == [0]
        destinations = prometheus.values(f'{DESTINATION}{{job="{job}", {quoted}="127.0.0.1"}}')
        assert destinations and set(destinations) == {1}
    made = everything.request(TRACES)
    assert send("http", collector.http_endpoint, TRACES, made).delivered
    spans = accounted(TRACES, made)
    assert spans > 0
    for job, (_, received, _, _) in READERS.items():
        over_http = f'{received}{{job="{job}", transport="http"}}'
        eventually(lambda: prometheus.values(over_http) == [spans], f"{spans} spans are seen by {job}")
