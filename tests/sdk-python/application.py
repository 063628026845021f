"""An instrumented application: the SDK's three providers, exporting to one OTLP endpoint."""

from dataclasses import dataclass, field
from typing import Any, Callable

import grpc
from google.protobuf.message import Message
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc import _log_exporter as grpc_logs
from opentelemetry.exporter.otlp.proto.grpc import metric_exporter as grpc_metrics
from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc_traces
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http import _log_exporter as http_logs
from opentelemetry.exporter.otlp.proto.http import metric_exporter as http_metrics
from opentelemetry.exporter.otlp.proto.http import trace_exporter as http_traces
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import samples
from wire import LOGS, METRICS, SIGNALS, TRACES, Signal

TIMEOUT = 20.0
NEVER_MILLIS = 3_600_000


@dataclass(frozen=True)
class Endpoint:
    """Where the SDK sends to, and how."""

    transport: str
    address: str
    compression: str = "none"

    def exporters(self) -> dict[Signal, Any]:
        """The SDK's own exporters, one a signal."""
        if self.transport == "grpc":
            packing = {"none": grpc.Compression.NoCompression, "gzip": grpc.Compression.Gzip}[self.compression]
            common = {"endpoint": self.address, "insecure": True, "compression": packing, "timeout": TIMEOUT}
            return {
                TRACES: grpc_traces.OTLPSpanExporter(**common),
                METRICS: grpc_metrics.OTLPMetricExporter(**common, preferred_temporality=samples.TEMPORALITY),
                LOGS: grpc_logs.OTLPLogExporter(**common),
            }
        packing = {"none": Compression.NoCompression, "gzip": Compression.Gzip, "deflate": Compression.Deflate}[self.compression]

        def common(signal: Signal) -> dict[str, Any]:
            return {"endpoint": self.address + signal.path, "compression": packing, "timeout": TIMEOUT}

        return {
            TRACES: http_traces.OTLPSpanExporter(**common(TRACES)),
            METRICS: http_metrics.OTLPMetricExporter(**common(METRICS), preferred_temporality=samples.TEMPORALITY),
            LOGS: http_logs.OTLPLogExporter(**common(LOGS)),
        }


@dataclass
class Handed:
    """What the SDK handed to one exporter, as the request that it is on the wire, and what came of it."""

    requests: list[Message] = field(default_factory=list)
    results: list[str] = field(default_factory=list)


class Application:
    """Records samples. Leaving the context shuts the SDK down, which flushes it."""

    def __init__(self, endpoint: Endpoint, run: str) -> None:
        self.handed = {signal: Handed() for signal in SIGNALS}
        exporters = endpoint.exporters()
        for signal, encode in ((TRACES, encode_spans), (METRICS, encode_metrics), (LOGS, encode_logs)):
            _listen(exporters[signal], encode, self.handed[signal])
        resource = samples.resource(run)
        # Nothing leaves on a timer: what leaves does so because a batch is full, or by flush or shutdown.
        self.tracers = TracerProvider(resource=resource, span_limits=samples.span_limits(), shutdown_on_exit=False)
        self.tracers.add_span_processor(BatchSpanProcessor(exporters[TRACES], schedule_delay_millis=NEVER_MILLIS))
        reader = PeriodicExportingMetricReader(exporters[METRICS], export_interval_millis=NEVER_MILLIS)
        self.meters = MeterProvider(
            [reader], resource, samples.EXEMPLARS, shutdown_on_exit=False, views=samples.metric_views()
        )
        self.loggers = LoggerProvider(resource, shutdown_on_exit=False)
        self.loggers.add_log_record_processor(BatchLogRecordProcessor(exporters[LOGS], schedule_delay_millis=NEVER_MILLIS))

    def record(self) -> None:
        """Records the samples of all three signals."""
        samples.record_spans(self.tracers)
        samples.record_metrics(self.meters, self.tracers)
        samples.record_logs(self.loggers, self.tracers)

    def __enter__(self) -> "Application":
        return self

    def __exit__(self, *_: object) -> None:
        self.tracers.shutdown()
        self.meters.shutdown()
        self.loggers.shutdown()

    def failures(self) -> list[str]:
        """The exports that the SDK holds to have failed."""
        return [
            f"{signal.name}: {result}"
            for signal, handed in self.handed.items()
            for result in handed.results
            if result != "SUCCESS"
        ]


def _listen(exporter: Any, encode: Callable[[Any], Message], handed: Handed) -> None:
    """Notes each batch on its way into the exporter, and the result on its way out."""
    export = exporter.export

    def listening(batch: Any, *arguments: Any, **options: Any) -> Any:
        handed.requests.append(encode(batch))
        result = export(batch, *arguments, **options)
        handed.results.append(result.name)
        return result

    exporter.export = listening
