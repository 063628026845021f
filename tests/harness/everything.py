"""Export requests with everything that OTLP has, built of its messages and of no SDK.

Every message inside a message is set, if only to empty: the Go collector writes them so, and what it has
passed on can then be compared as it is.
"""

import math
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from wire import LOGS, METRICS, TRACES, Signal

TRACE_ID = bytes(range(1, 17))
SPAN_ID = bytes(range(0xF1, 0xF9))
NOW = 1_700_000_000_123_456_789
UNICODE = 'Käse 测试 🧀 " \\ \n \0 \u2028'

VALUES: dict[str, Any] = {
    "string": UNICODE,
    "string.empty": "",
    "true": True,
    "false": False,
    "int.max": 2**63 - 1,
    "int.min": -(2**63),
    "int.zero": 0,
    "double": 0.1,
    "double.minus.zero": -0.0,
    "double.infinity": math.inf,
    "double.nan": math.nan,
    "bytes": bytes(range(256)),
    "bytes.empty": b"",
    "array": ["a", 1, 1.5, False, b"\xff", None, [], {"in": {"deep": ["er"]}}],
    "map": {"z": 1, "a": {"b": []}},
    "map.empty": {},
    "none": None,
}


def request(signal: Signal) -> Message:
    """A request of a signal, with items of every kind."""
    made = signal.request()
    {TRACES: _traces, METRICS: _metrics, LOGS: _logs}[signal](made)
    return made


def any_value(value: Any, into: AnyValue) -> None:
    """Sets the member of the oneof that the Python type stands for; for None, none."""
    into.SetInParent()
    match value:
        case None:
            pass
        case bool():
            into.bool_value = value
        case int():
            into.int_value = value
        case float():
            into.double_value = value
        case str():
            into.string_value = value
        case bytes():
            into.bytes_value = value
        case dict():
            into.kvlist_value.SetInParent()
            attributes(value, into.kvlist_value.values)
        case _:
            into.array_value.SetInParent()
            for element in value:
                any_value(element, into.array_value.values.add())


def attributes(values: dict[str, Any], into: Any) -> None:
    """Adds a KeyValue for each."""
    for key, value in values.items():
        pair: KeyValue = into.add()
        pair.key = key
        any_value(value, pair.value)


def _scopes(of_signal: Any, scopes: str) -> Any:
    """Two scopes in one resource, the second without anything in it but its name."""
    attributes({"service.name": "peer", **VALUES}, of_signal.resource.attributes)
    of_signal.resource.dropped_attributes_count = 3
    of_signal.schema_url = "https://opentelemetry.io/schemas/1.40.0"
    full = getattr(of_signal, scopes).add(schema_url="https://opentelemetry.io/schemas/1.39.0")
    full.scope.name, full.scope.version = f"scope {UNICODE}", "1.2.3"
    full.scope.dropped_attributes_count = 2
    attributes(VALUES, full.scope.attributes)
    bare = getattr(of_signal, scopes).add()
    bare.scope.name = "bare"
    return full, bare


def _traces(made: Message) -> None:
    full, bare = _scopes(made.resource_spans.add(), "scope_spans")
    span = full.spans.add(
        trace_id=TRACE_ID,
        span_id=SPAN_ID,
        parent_span_id=SPAN_ID[::-1],
        trace_state="vendor=a:b,other@tenant=0",
        name=f"GET /{UNICODE}",
        kind=2,
        start_time_unix_nano=NOW,
        end_time_unix_nano=2**64 - 1,
        dropped_attributes_count=2**32 - 1,
        dropped_events_count=5,
        dropped_links_count=6,
        flags=0x80000301,
    )
    attributes(VALUES, span.attributes)
    span.status.code, span.status.message = 2, UNICODE
    event = span.events.add(time_unix_nano=NOW, name="event", dropped_attributes_count=1)
    attributes(VALUES, event.attributes)
    span.events.add()
    link = span.links.add(
        trace_id=TRACE_ID[::-1], span_id=SPAN_ID, trace_state="a=b", flags=0x301, dropped_attributes_count=9
    )
    attributes(VALUES, link.attributes)
    for kind in range(6):
        one = bare.spans.add(trace_id=TRACE_ID, span_id=SPAN_ID, name=f"kind {kind}", kind=kind)
        one.status.code = kind % 3
    root = bare.spans.add(name="without ids")
    root.status.SetInParent()


def _exemplars(point: Any) -> None:
    whole = point.exemplars.add(time_unix_nano=NOW, as_int=-(2**63), trace_id=TRACE_ID, span_id=SPAN_ID)
    attributes(VALUES, whole.filtered_attributes)
    point.exemplars.add(time_unix_nano=1, as_double=-0.0)


def _metrics(made: Message) -> None:
    full, bare = _scopes(made.resource_metrics.add(), "scope_metrics")
    delta, cumulative = (
        AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA,
        AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE,
    )

    def times(point: Any, flags: int = 0) -> Any:
        point.start_time_unix_nano, point.time_unix_nano, point.flags = NOW, NOW + 1, flags
        attributes(VALUES, point.attributes)
        return point

    gauge = full.metrics.add(name="gauge", description=UNICODE, unit="By")
    attributes(VALUES, gauge.metadata)
    for value in (0.0, -0.0, math.nan, -math.inf, 5e-324):
        times(gauge.gauge.data_points.add(as_double=value))
    _exemplars(times(gauge.gauge.data_points.add(as_int=-(2**63))))
    times(gauge.gauge.data_points.add(as_int=0), flags=1)
    total = full.metrics.add(name="sum").sum
    total.is_monotonic, total.aggregation_temporality = True, delta
    times(total.data_points.add(as_int=2**63 - 1))
    histogram = full.metrics.add(name="histogram").histogram
    histogram.aggregation_temporality = cumulative
    point = histogram.data_points.add(
        count=2**64 - 1, sum=-1.5, min=-2.0, max=0.0, bucket_counts=[0, 2**64 - 1, 0], explicit_bounds=[-1.0, 1e300]
    )
    _exemplars(times(point))
    times(histogram.data_points.add(count=0))
    exponential = full.metrics.add(name="exponential").exponential_histogram
    exponential.aggregation_temporality = delta
    point = exponential.data_points.add(count=6, sum=0.0, scale=-10, zero_count=1, zero_threshold=1e-9, min=-1.0, max=1.0)
    point.positive.offset, point.negative.offset = -(2**31), 2**31 - 1
    point.positive.bucket_counts.extend([1, 0, 2])
    point.negative.bucket_counts.extend([2**64 - 1])
    _exemplars(times(point))
    summary = bare.metrics.add(name="summary").summary
    point = times(summary.data_points.add(count=3, sum=1.0))
    point.quantile_values.add(quantile=0.0, value=-1.0)
    point.quantile_values.add(quantile=0.99, value=math.inf)


def _logs(made: Message) -> None:
    full, bare = _scopes(made.resource_logs.add(), "scope_logs")
    record = full.log_records.add(
        time_unix_nano=NOW,
        observed_time_unix_nano=2**64 - 1,
        severity_number=17,
        severity_text="ERROR",
        dropped_attributes_count=4,
        flags=0x1,
        trace_id=TRACE_ID,
        span_id=SPAN_ID,
        event_name="исключение",
    )
    any_value(UNICODE, record.body)
    attributes(VALUES, record.attributes)
    for value in VALUES.values():
        any_value(value, bare.log_records.add(time_unix_nano=1).body)
    for severity in range(25):
        any_value(severity, bare.log_records.add(severity_number=severity).body)
