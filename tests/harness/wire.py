"""OTLP requests as the tests see them: what a signal is called, its items, and its JSON form.

Nothing here is the SDK's: these are the protobuf classes of opentelemetry-proto.
"""

import base64
import json
import math
from dataclasses import dataclass
from typing import Any, Iterator

from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2


@dataclass(frozen=True)
class Signal:
    """One of OTLP's signals."""

    name: str
    path: str
    request: type[Message]
    response: type[Message]
    resources: str
    scopes: str
    items: str
    # What partial_success calls the number of items that were rejected.
    rejected: str


TRACES = Signal(
    "traces",
    "/v1/traces",
    trace_service_pb2.ExportTraceServiceRequest,
    trace_service_pb2.ExportTraceServiceResponse,
    "resource_spans",
    "scope_spans",
    "spans",
    "rejected_spans",
)
METRICS = Signal(
    "metrics",
    "/v1/metrics",
    metrics_service_pb2.ExportMetricsServiceRequest,
    metrics_service_pb2.ExportMetricsServiceResponse,
    "resource_metrics",
    "scope_metrics",
    "metrics",
    "rejected_data_points",
)
LOGS = Signal(
    "logs",
    "/v1/logs",
    logs_service_pb2.ExportLogsServiceRequest,
    logs_service_pb2.ExportLogsServiceResponse,
    "resource_logs",
    "scope_logs",
    "log_records",
    "rejected_log_records",
)
SIGNALS = (TRACES, METRICS, LOGS)

# What OTLP/JSON has otherwise than protobuf's own JSON mapping: ids are hexadecimal, enums are numbers.
HEXADECIMAL = {"traceId", "spanId", "parentSpanId"}
ENUMS = {"kind", "code", "severityNumber", "aggregationTemporality"}


@dataclass(frozen=True)
class Item:
    """A span, a metric with its points, or a log record, together with where it stood."""

    resource: Message
    resource_schema: str
    scope: Message
    scope_schema: str
    item: Message

    def key(self) -> tuple:
        """The bytes of all of it: equal keys are equal items, NaN and minus zero included."""
        return (
            self.resource.SerializeToString(deterministic=True),
            self.resource_schema,
            self.scope.SerializeToString(deterministic=True),
            self.scope_schema,
            self.item.SerializeToString(deterministic=True),
        )

    def label(self) -> str:
        """What a person calls it."""
        for field in ("name", "event_name"):
            if getattr(self.item, field, ""):
                return getattr(self.item, field)
        body = getattr(self.item, "body", None)
        return f"body {plain(body)!r:.60}" if body is not None else "(no name)"

    def lines(self) -> list[str]:
        """All fields, one a line, for a difference to be read in."""
        parts = (("resource", self.resource), ("scope", self.scope), ("item", self.item))
        lines = [f"resource schema {self.resource_schema!r}", f"scope schema {self.scope_schema!r}"]
        for name, message in parts:
            lines += [f"{name}: {line}" for line in str(message).splitlines()]
        return lines


def items(signal: Signal, request: Message) -> Iterator[Item]:
    """Every item of a request."""
    for of_resource in getattr(request, signal.resources):
        for of_scope in getattr(of_resource, signal.scopes):
            for item in getattr(of_scope, signal.items):
                yield Item(of_resource.resource, of_resource.schema_url, of_scope.scope, of_scope.schema_url, item)


def accounted(signal: Signal, request: Message) -> int:
    """Items as the collector counts them: spans, data points, log records."""
    if signal is not METRICS:
        return sum(1 for _ in items(signal, request))
    return sum(len(getattr(item.item, item.item.WhichOneof("data")).data_points) for item in items(signal, request))


def from_json(signal: Signal, body: bytes) -> Message:
    """An OTLP/JSON request; refuses what OTLP does not have, and names that are not lowerCamelCase."""
    document = json.loads(body, parse_int=_integer)
    return json_format.ParseDict(_as_protobuf_json(document), signal.request())


def _integer(text: str) -> int | float:
    # JSON has no integers: "-0" is minus zero.
    return -0.0 if text == "-0" else int(text)


def _as_protobuf_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_protobuf_json(element) for element in value]
    if isinstance(value, dict):
        return {key: _field(key, element) for key, element in value.items()}
    return value


def _field(key: str, value: Any) -> Any:
    if "_" in key:
        raise ValueError(f"field {key} is not in lowerCamelCase")
    if key in ENUMS and not isinstance(value, int):
        raise ValueError(f"{key} is {value!r}, where OTLP/JSON has a number")
    if key in HEXADECIMAL:
        return base64.b64encode(bytes.fromhex(value)).decode()
    return _as_protobuf_json(value)


def plain(value: Message) -> Any:
    """An AnyValue as the Python value that an application would have written."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    inner = getattr(value, kind)
    if kind == "array_value":
        return tuple(plain(element) for element in inner.values)
    if kind == "kvlist_value":
        return attributes(inner.values)
    return inner


def attributes(pairs: Any) -> dict[str, Any]:
    """A list of KeyValue as a dict; a key that stands twice is an error."""
    result = {pair.key: plain(pair.value) for pair in pairs}
    assert len(result) == len(pairs), f"a key stands twice in {[pair.key for pair in pairs]}"
    return result


def same(left: Any, right: Any) -> bool:
    """Equality that tells 1 from True and 1.0, 0.0 from -0.0, and finds NaN equal to itself."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return (math.isnan(left) and math.isnan(right)) or (left == right and math.copysign(1, left) == math.copysign(1, right))
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    return left == right
