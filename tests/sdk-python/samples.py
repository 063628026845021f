"""Sample data, recorded through the SDK's public API as an application would.

`VALUES` and `BODIES` are what the tests look for afterwards, by hand; everything else is compared with
what the SDK handed to its exporter.
"""

import math
import sys

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)
UNICODE = "Käse · 测试 · हिन्दी · 🧀👩‍👩‍👧 · \u202eright to left\u202c"
ESCAPES = 'quote " backslash \\ slash / newline \n tab \t nul \0 escape \x1b del \x7f separator \u2028'

# Every kind of value that an attribute can have, and the edges of each.
VALUES = {
    "string": "a",
    "string.empty": "",
    "string.unicode": UNICODE,
    "string.escapes": ESCAPES,
    "string.long": "x" * 20_000,
    "ключ 🔑": "a key in Unicode",
    "bool.true": True,
    "bool.false": False,
    "int.zero": 0,
    "int.minus": -1,
    "int.beyond.double": 2**53 + 1,
    "int.max": INT64_MAX,
    "int.min": INT64_MIN,
    "double.zero": 0.0,
    "double.minus.zero": -0.0,
    "double.tenth": 0.1,
    "double.whole": 3.0,
    "double.large.whole": 1e22,
    "double.max": sys.float_info.max,
    "double.least": 5e-324,
    "double.infinity": math.inf,
    "double.minus.infinity": -math.inf,
    "double.nan": math.nan,
    "bytes": bytes(range(256)),
    "bytes.empty": b"",
    "none": None,
    "strings": ("a", "", UNICODE),
    "ints": (0, INT64_MIN, INT64_MAX),
    "doubles": (0.5, -0.0, math.inf),
    "bools": (True, False),
    "array.empty": (),
    "array.mixed": ("a", 1, 1.0, True, None, b"\xff", (), {"deep": ("er", {"est": 7})}),
    "map": {"z": 1, "a": {"b": {"c": ()}}, "empty": ""},
    "map.empty": {},
}

# Log bodies: whatever an attribute can be.
BODIES = (*VALUES.values(), "GET /")

RESOURCE = {"service.name": "käserei", "service.instance.id": "1", "process.pid": INT64_MAX, **VALUES}
SCHEMA_URL = "https://opentelemetry.io/schemas/1.40.0"
BULK = 300


def resource(run: str) -> Resource:
    """The resource of one run; `test.run` tells it from other runs."""
    return Resource.create({"test.run": run, **RESOURCE}, schema_url=SCHEMA_URL)


def span_limits() -> SpanLimits:
    """Limits that the samples exceed in one span, so that dropped counts are not zero."""
    return SpanLimits(
        max_span_attributes=len(VALUES) + 1, max_events=4, max_links=3, max_event_attributes=len(VALUES), max_link_attributes=len(VALUES)
    )


def metric_views() -> list[View]:
    """Aggregations other than the default, and a view that leaves attributes to the exemplars."""
    return [
        View(instrument_name="exponential*", aggregation=ExponentialBucketHistogramAggregation(max_size=20)),
        View(instrument_name="bounds.few", aggregation=ExplicitBucketHistogramAggregation((-1.5, 0, 1e9))),
        View(instrument_name="bounds.none", aggregation=ExplicitBucketHistogramAggregation(())),
        View(instrument_name="filtered.*", attribute_keys={"kept"}),
    ]


TEMPORALITY = {Histogram: AggregationTemporality.DELTA}
EXEMPLARS = AlwaysOnExemplarFilter()


def record_spans(provider: TracerProvider) -> None:
    """Spans with everything that a span can have."""
    tracer = provider.get_tracer("scope ✓", "1.2.3", schema_url=SCHEMA_URL, attributes={"scope.of": "spans", "n": 1})
    remote = SpanContext(
        trace_id=0xFEDCBA98765432100123456789ABCDEF,
        span_id=0xFEDCBA9876543210,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
        trace_state=TraceState([("vendor", "a:b"), ("other@tenant", "0")]),
    )
    links = [Link(remote, VALUES), Link(remote)]
    parent = trace.set_span_in_context(trace.NonRecordingSpan(remote))
    with tracer.start_as_current_span("GET /käse/{id}", parent, SpanKind.SERVER, VALUES, links) as server:
        server.add_event("with every value", VALUES, timestamp=1_700_000_000_000_000_001)
        server.add_event("")
        with tracer.start_as_current_span("SELECT", kind=SpanKind.CLIENT) as client:
            client.set_status(Status(StatusCode.ERROR, f"timeout {UNICODE}"))
            try:
                raise ValueError(ESCAPES)
            except ValueError as error:
                client.record_exception(error, {"retried": True})
        server.set_status(StatusCode.OK)
    with tracer.start_as_current_span("beyond the limits", links=[Link(remote, {"i": i}) for i in range(5)]) as full:
        for number in range(len(VALUES) + 6):
            full.set_attribute(f"attribute.{number}", number)
        for number in range(7):
            full.add_event("event", {"number": number})
    tracer.start_span("produce", kind=SpanKind.PRODUCER, start_time=1).end(end_time=INT64_MAX)
    tracer.start_span("consume", kind=SpanKind.CONSUMER, start_time=5).end(end_time=5)
    provider.get_tracer("").start_span("").end()
    bulk = provider.get_tracer("bulk", "0")
    for number in range(BULK):
        bulk.start_span(f"bulk {number}", attributes={"number": number}).end()


def record_metrics(provider: MeterProvider, tracer_provider: TracerProvider) -> None:
    """Every kind of instrument, with integers and doubles, exemplars, and every aggregation."""
    meter = provider.get_meter("meter ✓", "4", schema_url=SCHEMA_URL, attributes={"scope.of": "metrics"})
    with tracer_provider.get_tracer("exemplars").start_as_current_span("for exemplars"):
        _record_synchronous(meter)
    provider.get_meter("a second meter").create_counter("other.requests").add(1)
    big = lambda _: [Observation(INT64_MAX, {"edge": "max"}), Observation(INT64_MIN, {"edge": "min"})]
    meter.create_observable_gauge("gauge.integers", [big], "By", f"big {UNICODE}")
    meter.create_observable_counter("counter.observed", [_doubles], "s")
    meter.create_observable_up_down_counter("updown.observed", [lambda _: [Observation(-5)]])


def _doubles(_: CallbackOptions) -> list[Observation]:
    edges = (0.0, -0.0, 5e-324, sys.float_info.max, 1e22)
    return [Observation(value, {"index": index}) for index, value in enumerate(edges)]


def _record_synchronous(meter: Meter) -> None:
    counter = meter.create_counter("requests", "{request}", "Requests, by everything.")
    counter.add(1, VALUES)
    counter.add(INT64_MAX, {"edge": "max"})
    counter.add(2)
    meter.create_counter("seconds", "s").add(0.1, {"mode": "user"})
    meter.create_up_down_counter("open").add(-7, {"kind": UNICODE})
    meter.create_gauge("temperature", "Cel").set(-273.15, {"room": ""})
    for name in ("latency", "bounds.few", "bounds.none", "exponential", "exponential.wide"):
        histogram = meter.create_histogram(name, "ms", f"Histogram {name}")
        for value in (0, 1, 2.5, 2.5, 1e-9, 7_500, 1e12):
            histogram.record(value, {"route": "/käse"})
        histogram.record(3)
    filtered = meter.create_counter("filtered.requests")
    filtered.add(1, {"kept": "yes", "exemplar.only": UNICODE, "exemplar.bytes": b"\0\xff"})
    filtered.add(0.25, {"kept": "double"})


def record_logs(provider: LoggerProvider, tracer_provider: TracerProvider) -> None:
    """Records with every kind of body, severity and attribute, with a span and without."""
    logger = provider.get_logger("logger ✓", "5", SCHEMA_URL, {"scope.of": "logs"})
    with tracer_provider.get_tracer("logs").start_as_current_span("logging"):
        logger.emit(LogRecord(timestamp=1_700_000_000_123_456_789, body="in a span", attributes=VALUES))
    for body in BODIES:
        logger.emit(LogRecord(timestamp=1, observed_timestamp=2, body=body, event_name="body"))
    for severity in SeverityNumber:
        logger.emit(LogRecord(severity_number=severity, severity_text=severity.name, body=UNICODE, event_name="severity"))
    try:
        raise KeyError(UNICODE)
    except KeyError as error:
        logger.emit(body="failed", exception=error, event_name="исключение")
    provider.get_logger("").emit(LogRecord())
    bulk = provider.get_logger("bulk")
    for number in range(BULK):
        bulk.emit(LogRecord(timestamp=number, body=f"line {number}", attributes={"number": number}))
