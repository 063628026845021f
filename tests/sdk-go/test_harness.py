"""What the SDKs' tests compare with is what an application sends, and any change to it is noticed."""

import copy
import os
from typing import Any, Callable

import pytest

from sdk import Application, assert_arrived
from sink import Received, Sink
from wire import LOGS, METRICS, SIGNALS, TRACES, Signal, items

Sent = tuple[list[Received], str, dict[str, list[str]]]


@pytest.fixture(scope="module")
def sent() -> Sent:
    """The application straight into the sink."""
    with Sink() as sink:
        run, ids = Application([os.environ["SDK_GO"]]).run("protobuf", sink.http_endpoint, "none")
        return sink.received(), run, ids


def test_what_the_application_sends_is_what_is_expected(sent: Sent) -> None:
    assert_arrived(*sent)


def item(received: list[Received], signal: Signal, name: str) -> Any:
    """The item of this name, or this text as its body."""
    for one in received:
        for found in items(one.signal, one.request) if one.signal is signal else ():
            if name in (getattr(found.item, "name", ""), getattr(getattr(found.item, "body", None), "string_value", None)):
                return found.item
    raise AssertionError(name)


SERVER, CLIENT, RECORD = (TRACES, "GET /käse/{id}"), (TRACES, "SELECT"), (LOGS, "text ✓")
CHANGES: dict[str, tuple[tuple[Signal, str], Callable[[Any], Any]]] = {
    "name": (SERVER, lambda span: setattr(span, "name", "x")),
    "kind": (SERVER, lambda span: setattr(span, "kind", 3)),
    "start": (SERVER, lambda span: setattr(span, "start_time_unix_nano", span.start_time_unix_nano + 1)),
    "end": (SERVER, lambda span: setattr(span, "end_time_unix_nano", span.end_time_unix_nano - 1)),
    "trace id": (SERVER, lambda span: setattr(span, "trace_id", bytes(16))),
    "span id": (SERVER, lambda span: setattr(span, "span_id", bytes(8))),
    "parent": (CLIENT, lambda span: setattr(span, "parent_span_id", b"")),
    "status": (SERVER, lambda span: setattr(span.status, "code", 0)),
    "status message": (CLIENT, lambda span: setattr(span.status, "message", "")),
    "attribute": (SERVER, lambda span: span.attributes.pop()),
    "type of an attribute": (SERVER, lambda span: setattr(_value(span, "int.minus"), "double_value", -1.0)),
    "event": (SERVER, lambda span: span.events.pop()),
    "attribute of an event": (SERVER, lambda span: span.events[0].attributes.pop()),
    "link": (SERVER, lambda span: span.links.pop()),
    "attribute of a link": (SERVER, lambda span: span.links[0].attributes.pop()),
    "value of a sum": ((METRICS, "requests"), lambda metric: setattr(metric.sum.data_points[0], "as_int", 4)),
    "type of a sum": ((METRICS, "requests"), lambda metric: setattr(metric.sum.data_points[0], "as_double", 3.0)),
    "monotonic": ((METRICS, "open"), lambda metric: setattr(metric.sum, "is_monotonic", True)),
    "temporality": ((METRICS, "seconds"), lambda metric: setattr(metric.sum, "aggregation_temporality", 1)),
    "unit": ((METRICS, "temperature"), lambda metric: setattr(metric, "unit", "")),
    "point of a gauge": ((METRICS, "observed"), lambda metric: metric.gauge.data_points.pop()),
    "bucket": ((METRICS, "latency"), lambda metric: metric.histogram.data_points[0].bucket_counts.reverse()),
    "bound": ((METRICS, "latency"), lambda metric: metric.histogram.data_points[0].explicit_bounds.pop()),
    "minimum": ((METRICS, "exponential"), lambda metric: metric.exponential_histogram.data_points[0].ClearField("min")),
    "scale": ((METRICS, "exponential"), lambda metric: setattr(metric.exponential_histogram.data_points[0], "scale", 4)),
    "severity": (RECORD, lambda record: setattr(record, "severity_number", 18)),
    "body": (RECORD, lambda record: setattr(record.body, "string_value", "text")),
    "time": (RECORD, lambda record: setattr(record, "time_unix_nano", 1)),
    "trace of a record": (RECORD, lambda record: record.ClearField("trace_id")),
    "event name": (RECORD, lambda record: record.ClearField("event_name")),
}


def _value(span: Any, key: str) -> Any:
    return next(pair.value for pair in span.attributes if pair.key == key)


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_is_noticed(sent: Sent, change: str) -> None:
    received, run, ids = copy.deepcopy(sent[0]), *sent[1:]
    # deepcopy makes other signals of them, and the comparison knows them by identity.
    received = [Received(next(s for s in SIGNALS if s == one.signal), one.request, one.transport, one.headers) for one in received]
    (signal, name), apply = CHANGES[change]
    apply(item(received, signal, name))
    with pytest.raises((AssertionError, ValueError)):
        assert_arrived(received, run, ids)
