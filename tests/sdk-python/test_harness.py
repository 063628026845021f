"""The sink and the comparison are right: the SDK straight into the sink, and differences made on purpose."""

import copy
import json
import urllib.request

import pytest
import zstandard

import samples
from application import Application, Endpoint
from compare import differences
from conftest import assert_arrived, of_run
from sink import Sink
from wire import LOGS, METRICS, SIGNALS, TRACES, Item, from_json, items


@pytest.mark.parametrize("transport", ["grpc", "http"])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_what_the_sdk_sends_is_what_the_sink_receives(sink: Sink, run: str, transport: str, compression: str) -> None:
    address = {"grpc": sink.grpc_endpoint, "http": sink.http_endpoint}[transport]
    with Application(Endpoint(transport, address, compression), run) as application:
        application.record()
    assert_arrived(sink, application, run)
    assert {received.transport for received in of_run(sink.received(), run)} == {transport}


@pytest.fixture(scope="module")
def sent() -> dict:
    """One request per signal, as the SDK made it."""
    with Sink() as sink:
        with Application(Endpoint("grpc", sink.grpc_endpoint), "differences") as application:
            application.record()
        return {signal: application.handed[signal].requests for signal in SIGNALS}


def find(request, signal, wanted) -> Item:
    return next(item for item in items(signal, request) if wanted(item.item))


CHANGES = {
    "an attribute is gone": (TRACES, lambda r: find(r, TRACES, lambda s: s.attributes).item.attributes.pop()),
    "attributes change places": (TRACES, lambda r: find(r, TRACES, lambda s: len(s.attributes) > 1).item.attributes.reverse()),
    "an empty value becomes no value": (
        TRACES,
        lambda r: next(a for a in find(r, TRACES, lambda s: s.attributes).item.attributes if a.key == "string.empty").value.Clear(),
    ),
    "an integer becomes a double": (
        TRACES,
        lambda r: setattr(next(a for a in find(r, TRACES, lambda s: s.attributes).item.attributes if a.key == "int.zero").value, "double_value", 0),
    ),
    "minus zero becomes zero": (
        TRACES,
        lambda r: setattr(
            next(a for a in find(r, TRACES, lambda s: s.attributes).item.attributes if a.key == "double.minus.zero").value, "double_value", 0.0
        ),
    ),
    "an event is gone": (TRACES, lambda r: find(r, TRACES, lambda s: s.events).item.events.pop()),
    "a trace state is gone": (TRACES, lambda r: find(r, TRACES, lambda s: s.trace_state).item.ClearField("trace_state")),
    "a link loses its flags": (TRACES, lambda r: find(r, TRACES, lambda s: s.links).item.links[0].ClearField("flags")),
    "a span is there twice": (TRACES, lambda r: r.resource_spans[0].scope_spans[0].spans.append(r.resource_spans[0].scope_spans[0].spans[0])),
    "a span is gone": (TRACES, lambda r: r.resource_spans[0].scope_spans[0].spans.pop()),
    "a scope is renamed": (TRACES, lambda r: setattr(r.resource_spans[0].scope_spans[0].scope, "name", "other")),
    "a schema URL is gone": (METRICS, lambda r: r.resource_metrics[0].ClearField("schema_url")),
    "a bucket counts one more": (
        METRICS,
        lambda r: find(r, METRICS, lambda m: m.HasField("histogram")).item.histogram.data_points[0].bucket_counts.append(1),
    ),
    "an exemplar is gone": (
        METRICS,
        lambda r: find(r, METRICS, lambda m: m.HasField("histogram")).item.histogram.data_points[0].exemplars.pop(),
    ),
    "a temporality changes": (
        METRICS,
        lambda r: setattr(find(r, METRICS, lambda m: m.HasField("histogram")).item.histogram, "aggregation_temporality", 2),
    ),
    "a body loses a byte": (
        LOGS,
        lambda r: setattr(find(r, LOGS, lambda l: l.body.bytes_value).item.body, "bytes_value", bytes(255)),
    ),
    "a time is off by a nanosecond": (LOGS, lambda r: setattr(find(r, LOGS, lambda l: True).item, "time_unix_nano", 42)),
    "a resource attribute changes": (LOGS, lambda r: setattr(r.resource_logs[0].resource.attributes[0], "key", "other")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_comparison_sees_that(sent: dict, change: str) -> None:
    signal, apply = CHANGES[change]
    requests = sent[signal]
    assert differences(signal, requests, requests) == []
    changed = copy.deepcopy(requests)
    apply(changed[0])
    assert differences(signal, requests, changed) != []


def test_the_samples_have_every_kind_of_data(sent: dict) -> None:
    spans = [item.item for request in sent[TRACES] for item in items(TRACES, request)]
    assert {span.kind for span in spans} == {1, 2, 3, 4, 5}
    assert {span.status.code for span in spans} == {0, 1, 2}
    assert any(span.dropped_attributes_count and span.dropped_events_count and span.dropped_links_count for span in spans)
    assert any(span.trace_state for span in spans) and any(not span.parent_span_id for span in spans)
    metrics = [item.item for request in sent[METRICS] for item in items(METRICS, request)]
    assert {metric.WhichOneof("data") for metric in metrics} == {"gauge", "sum", "histogram", "exponential_histogram"}
    points = [point for metric in metrics for point in getattr(metric, metric.WhichOneof("data")).data_points]
    exemplars = [exemplar for point in points for exemplar in point.exemplars]
    assert any(exemplar.trace_id and exemplar.filtered_attributes for exemplar in exemplars)
    assert {exemplar.WhichOneof("value") for exemplar in exemplars} == {"as_int", "as_double"}
    records = [item.item for request in sent[LOGS] for item in items(LOGS, request)]
    assert {record.severity_number for record in records} == set(range(25))
    assert {record.body.WhichOneof("value") for record in records} == {
        None, "string_value", "bool_value", "int_value", "double_value", "bytes_value", "array_value", "kvlist_value"
    }
    assert len(sent[TRACES]) > 0 and len(spans) > samples.BULK and len(records) > samples.BULK


def test_json_and_zstd_are_read_as_otlp_has_them(sink: Sink) -> None:
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "0123456789abcdef0123456789ABCDEF", "spanId": "0123456789abcdef", "name": "json", "kind": 2,
        "startTimeUnixNano": "18446744073709551615",
        "attributes": [{"key": "nan", "value": {"doubleValue": "NaN"}}, {"key": "bytes", "value": {"bytesValue": "/wA="}}],
    }]}]}]}
    body = zstandard.ZstdCompressor().compress(json.dumps(document).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "zstd"}
    with urllib.request.urlopen(urllib.request.Request(sink.http_endpoint + "/v1/traces", body, headers), timeout=10) as answer:
        assert answer.status == 200
    [span] = [item.item for received in sink.received() for item in items(TRACES, received.request)]
    assert span.trace_id.hex() == "0123456789abcdef" * 2
    assert span.start_time_unix_nano == 2**64 - 1
    assert span.attributes[1].value.bytes_value == b"\xff\0"


@pytest.mark.parametrize("span", [{"trace_id": "00"}, {"kind": "SPAN_KIND_SERVER"}, {"unknown": 1}, {"traceId": "zz"}])
def test_json_that_otlp_does_not_have_is_refused(span: dict) -> None:
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    with pytest.raises(Exception, match="trace_id|SPAN_KIND|unknown|hexadecimal"):
        from_json(TRACES, json.dumps(document).encode())
