"""The samples that the applications in other languages record, and what must arrive of them.

Each application is a small program that records the same spans, metrics and log records through its SDK's
public API; here is what they are, by hand, independent of any SDK.
"""

import itertools
import json
import math
import os
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from collector import WAIT, Collector, configuration
from sink import Received, Sink
from wire import LOGS, METRICS, SIGNALS, TRACES, attributes, items, plain, same

EXPORTERS = ("otlp_grpc", "otlp_http")
COMPRESSIONS = ("none", "gzip")
RUNS = itertools.count(1)
SECOND = 1_700_000_000_000_000_000
SCHEMA_URL = "https://opentelemetry.io/schemas/1.37.0"
REMOTE = ("0102030405060708090a0b0c0d0e0f10", "f1f2f3f4f5f6f7f8")
VALUES: dict[str, Any] = {
    "string": 'Käse 测试 🧀 " \\ \n',
    "string.empty": "",
    "bool.true": True,
    "bool.false": False,
    "int": 9007199254740991,
    "int.minus": -1,
    "double": 0.1,
    "strings": ("a", "", "🧀"),
    "bools": (True, False),
    "ints": (0, -5),
    "doubles": (0.5, -1.25),
}
BODIES = (True, -5, 0.1, b"\0\xff", ("a", 1, False), {"key": "value", "inner": {"deep": ("er",)}})
# name: kind, start, end, status
SPANS = {
    "GET /käse/{id}": (2, 1, 123_456_789, (1, "")),
    "SELECT": (3, 4, 5, (2, "timeout ✓")),
    "produce": (4, 6, 7, (0, "")),
    "consume": (5, 6, 7, (0, "")),
    "internal": (1, 6, 7, (0, "")),
}


@dataclass(frozen=True)
class Application:
    """An application: how it is started with a way of sending, which becomes its last argument."""

    command: list[str]

    def run(self, way: str, endpoint: str, compression: str) -> tuple[str, dict[str, list[str]]]:
        """Runs it to its end. Returns its run's name, and the ids of its spans by name."""
        run = f"run {os.getpid()}.{next(RUNS)}"
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_COMPRESSION": compression,
            "TEST_RUN": run,
        }
        # The SDK's own variables of whoever runs the tests must not reach it.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        ended = subprocess.run(
            [*self.command, way],
            env={**inherited, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=4 * WAIT,
            check=False,
        )
        assert ended.returncode == 0, f"exit status {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return run, json.loads(ended.stdout)


def assert_forwarded(application: Application, way: str, compression: str, exporter: str, folder: Path) -> None:
    """Application → etalon → sink, compared with what must arrive."""
    with Sink() as sink:
        endpoint = {"otlp_grpc": sink.grpc_endpoint, "otlp_http": sink.http_endpoint}[exporter]
        text = configuration(exporter, {"endpoint": endpoint, "tls": {"insecure": True}, "compression": "none"})
        with Collector(text, folder) as collector:
            address = f"http://{collector.grpc_endpoint}" if way == "grpc" else collector.http_endpoint
            run, ids = application.run(way, address, compression)
            _assert_counted(collector, "grpc" if way == "grpc" else "http")
        # It has shut down, and its queue is empty.
        assert_arrived(sink.received(), run, ids)


def _assert_counted(collector: Collector, transport: str) -> None:
    """The application has ended, so all that it sent was accepted."""
    for unit, count in (("spans", len(SPANS)), ("metric_points", 7), ("log_records", 1 + len(BODIES))):
        assert collector.metric(f"otelcol_receiver_accepted_{unit}", transport=transport) == count, unit


def assert_arrived(received: list[Received], run: str, ids: dict[str, list[str]]) -> None:
    """All samples arrived once, with every field as it was recorded."""
    found = {signal: [item for one in received if one.signal is signal for item in items(signal, one.request)] for signal in SIGNALS}
    for signal, scope in ((TRACES, ("scope ✓", "1.2.3")), (METRICS, ("meter ✓", "4")), (LOGS, ("logger ✓", "5"))):
        for item in found[signal]:
            of_resource = attributes(item.resource.attributes)
            assert (of_resource["service.name"], of_resource["test.run"]) == ("käserei", run)
            assert (item.scope.name, item.scope.version, item.scope_schema) == (*scope, SCHEMA_URL)
    _assert_spans([item.item for item in found[TRACES]], ids)
    _assert_metrics({item.item.name: item.item for item in found[METRICS]})
    assert Counter(item.item.name for item in found[METRICS]) == dict.fromkeys(METRIC_CHECKS, 1)
    _assert_logs([item.item for item in found[LOGS]])


def _assert_spans(spans: list[Message], ids: dict[str, list[str]]) -> None:
    by_name = {span.name: span for span in spans}
    assert sorted(span.name for span in spans) == sorted(SPANS)
    assert {name: [span.trace_id.hex(), span.span_id.hex()] for name, span in by_name.items()} == ids
    for name, (kind, start, end, status) in SPANS.items():
        span = by_name[name]
        assert (span.kind, (span.status.code, span.status.message)) == (kind, status), name
        assert (span.start_time_unix_nano, span.end_time_unix_nano) == (SECOND + start, SECOND + end), name
        assert (span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count) == (0, 0, 0)
    server, client = by_name["GET /käse/{id}"], by_name["SELECT"]
    assert (server.trace_id.hex(), server.parent_span_id.hex()) == REMOTE
    assert (client.trace_id, client.parent_span_id) == (server.trace_id, server.span_id)
    assert all(not by_name[name].parent_span_id for name in ("produce", "consume", "internal"))
    assert same_in_any_order(attributes(server.attributes), VALUES)
    assert [(event.name, event.time_unix_nano) for event in server.events] == [("event", SECOND + 2), ("bare", SECOND + 3)]
    assert same_in_any_order(attributes(server.events[0].attributes), VALUES) and not server.events[1].attributes
    [link] = server.links
    assert (link.trace_id.hex(), link.span_id.hex()) == REMOTE
    assert same_in_any_order(attributes(link.attributes), VALUES)


def _number(point: Message) -> Any:
    return getattr(point, point.WhichOneof("value"))


def _sum(monotonic: bool, value: Any, of_point: dict[str, Any], unit: str = "", description: str = "") -> Any:
    def check(metric: Message) -> None:
        [point] = metric.sum.data_points
        assert (metric.unit, metric.description) == (unit, description)
        assert (metric.sum.is_monotonic, metric.sum.aggregation_temporality) == (monotonic, 2)
        assert same(_number(point), value) and same_in_any_order(attributes(point.attributes), of_point)
        assert 0 < point.start_time_unix_nano <= point.time_unix_nano

    return check


def _gauge(value: Any, of_point: dict[str, Any], unit: str = "") -> Any:
    def check(metric: Message) -> None:
        [point] = metric.gauge.data_points
        assert metric.unit == unit and point.time_unix_nano > 0
        assert same(_number(point), value) and same(attributes(point.attributes), of_point)

    return check


def _recorded(point: Message) -> None:
    """Both histograms have recorded 0, 1, 2.5 and 7500."""
    assert (point.count, point.sum, point.min, point.max) == (4, 7503.5, 0.0, 7500.0)
    assert point.HasField("sum") and point.HasField("min") and point.HasField("max")
    assert 0 < point.start_time_unix_nano <= point.time_unix_nano


def _histogram(metric: Message) -> None:
    [point] = metric.histogram.data_points
    assert (metric.unit, metric.histogram.aggregation_temporality) == ("ms", 2)
    assert list(point.explicit_bounds) == [1, 10, 1000] and list(point.bucket_counts) == [2, 1, 0, 1]
    assert attributes(point.attributes) == {"route": "/käse"}
    _recorded(point)


def _exponential(metric: Message) -> None:
    [point] = metric.exponential_histogram.data_points
    assert (metric.unit, metric.exponential_histogram.aggregation_temporality) == ("ms", 2)
    # The bucket of index i holds what is above base**i, up to base**(i + 1), where base is 2**(2**-scale).
    wanted = Counter(math.ceil(math.log2(value) * 2.0**point.scale) - 1 for value in (1, 2.5, 7500))
    buckets = Counter(dict(enumerate(point.positive.bucket_counts, point.positive.offset)))
    assert (point.zero_count, +buckets, sum(point.negative.bucket_counts)) == (1, wanted, 0)
    _recorded(point)


METRIC_CHECKS = {
    "requests": _sum(True, 3, VALUES, "{request}", "Requests ✓"),
    "seconds": _sum(True, 0.5, {"mode": "user"}, "s"),
    "open": _sum(False, -7, {}),
    "temperature": _gauge(-273.15, {"room": ""}, "Cel"),
    "observed": _gauge(42, {"edge": "one"}),
    "latency": _histogram,
    "exponential": _exponential,
}


def _assert_metrics(metrics: dict[str, Message]) -> None:
    for name, check in METRIC_CHECKS.items():
        assert name in metrics, f"{name} did not arrive"
        check(metrics[name])


def _assert_logs(records: list[Message]) -> None:
    assert len(records) == 1 + len(BODIES)
    assert {(record.time_unix_nano, record.observed_time_unix_nano) for record in records} == {(SECOND + 1, SECOND + 2)}
    first, *rest = records
    assert plain(first.body) == "text ✓"
    assert (first.severity_number, first.severity_text, first.event_name) == (17, "ERROR", "событие")
    assert (first.trace_id.hex(), first.span_id.hex(), first.flags & 0xFF) == (*REMOTE, 1)
    assert same_in_any_order(attributes(first.attributes), VALUES)
    for record, body in zip(rest, BODIES, strict=True):
        assert same_in_any_order(plain(record.body), body), f"{plain(record.body)!r} is not {body!r}"
        assert (record.severity_number, record.trace_id, record.span_id) == (9, b"", b"")


def same_in_any_order(left: Any, right: Any) -> bool:
    """As `same`, but SDKs may sort attributes."""
    return same(_sorted(left), _sorted(right))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return tuple(map(_sorted, value)) if isinstance(value, tuple) else value
