// An application of the OpenTelemetry JavaScript SDK that records the samples of tests/harness/sdk.py.
//
// node application.mjs grpc|protobuf|json; the SDK's own variables say where to, and how it compresses:
// OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_COMPRESSION. TEST_RUN goes into the resource.
// Prints the ids of the spans as JSON.

import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags, ValueType } from "@opentelemetry/api";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter as GrpcLogs } from "@opentelemetry/exporter-logs-otlp-grpc";
import { OTLPLogExporter as JsonLogs } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufLogs } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPMetricExporter as GrpcMetrics } from "@opentelemetry/exporter-metrics-otlp-grpc";
import { OTLPMetricExporter as JsonMetrics } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtobufMetrics } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter as GrpcTraces } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonTraces } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufTraces } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { AggregationType, MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";

const EXPORTERS = {
  grpc: [GrpcTraces, GrpcMetrics, GrpcLogs],
  protobuf: [ProtobufTraces, ProtobufMetrics, ProtobufLogs],
  json: [JsonTraces, JsonMetrics, JsonLogs],
};
const [Traces, Metrics, Logs] = EXPORTERS[process.argv[2]];

const SCHEMA_URL = "https://opentelemetry.io/schemas/1.37.0";
const at = (nanos) => [1_700_000_000, nanos];
const VALUES = {
  string: 'Käse 测试 🧀 " \\ \n',
  "string.empty": "",
  "bool.true": true,
  "bool.false": false,
  int: 9007199254740991,
  "int.minus": -1,
  double: 0.1,
  strings: ["a", "", "🧀"],
  bools: [true, false],
  ints: [0, -5],
  doubles: [0.5, -1.25],
};

const resource = resourceFromAttributes({ "service.name": "käserei", "test.run": process.env.TEST_RUN });
const tracers = new BasicTracerProvider({
  resource,
  spanProcessors: [new BatchSpanProcessor(new Traces())],
});
// Nothing leaves on a timer: shutting down sends it.
const meters = new MeterProvider({
  resource,
  readers: [new PeriodicExportingMetricReader({ exporter: new Metrics(), exportIntervalMillis: 3_600_000 })],
  views: [{ instrumentName: "exponential", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
});
const loggers = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter: new Logs() })] });

const remote = {
  traceId: "0102030405060708090a0b0c0d0e0f10",
  spanId: "f1f2f3f4f5f6f7f8",
  traceFlags: TraceFlags.SAMPLED,
  isRemote: true,
};

function recordSpans() {
  const tracer = tracers.getTracer("scope ✓", "1.2.3", { schemaUrl: SCHEMA_URL });
  const parent = trace.setSpanContext(ROOT_CONTEXT, remote);
  const links = [{ context: remote, attributes: VALUES }];
  const server = tracer.startSpan(
    "GET /käse/{id}",
    { kind: SpanKind.SERVER, attributes: VALUES, links, startTime: at(1) },
    parent,
  );
  server.addEvent("event", VALUES, at(2));
  server.addEvent("bare", at(3));
  server.setStatus({ code: SpanStatusCode.OK });
  const client = tracer.startSpan(
    "SELECT",
    { kind: SpanKind.CLIENT, startTime: at(4) },
    trace.setSpan(ROOT_CONTEXT, server),
  );
  client.setStatus({ code: SpanStatusCode.ERROR, message: "timeout ✓" });
  client.end(at(5));
  server.end(at(123_456_789));
  const ids = { "GET /käse/{id}": server, SELECT: client };
  for (const [name, kind] of [["produce", SpanKind.PRODUCER], ["consume", SpanKind.CONSUMER], ["internal", SpanKind.INTERNAL]]) {
    ids[name] = tracer.startSpan(name, { kind, startTime: at(6) }, ROOT_CONTEXT);
    ids[name].end(at(7));
  }
  return Object.fromEntries(
    Object.entries(ids).map(([name, span]) => [name, [span.spanContext().traceId, span.spanContext().spanId]]),
  );
}

function recordMetrics() {
  const meter = meters.getMeter("meter ✓", "4", { schemaUrl: SCHEMA_URL });
  const int = { valueType: ValueType.INT };
  const requests = meter.createCounter("requests", { unit: "{request}", description: "Requests ✓", ...int });
  requests.add(2, VALUES);
  requests.add(1, VALUES);
  meter.createCounter("seconds", { unit: "s" }).add(0.5, { mode: "user" });
  meter.createUpDownCounter("open", int).add(-7);
  meter.createGauge("temperature", { unit: "Cel" }).record(-273.15, { room: "" });
  meter.createObservableGauge("observed", int).addCallback((result) => result.observe(42, { edge: "one" }));
  const bounds = meter.createHistogram("latency", { unit: "ms", advice: { explicitBucketBoundaries: [1, 10, 1000] } });
  const exponential = meter.createHistogram("exponential", { unit: "ms" });
  for (const value of [0, 1, 2.5, 7500]) {
    bounds.record(value, { route: "/käse" });
    exponential.record(value);
  }
}

function recordLogs() {
  const logger = loggers.getLogger("logger ✓", "5", { schemaUrl: SCHEMA_URL });
  logger.emit({
    timestamp: at(1),
    observedTimestamp: at(2),
    severityNumber: SeverityNumber.ERROR,
    severityText: "ERROR",
    eventName: "событие",
    body: "text ✓",
    attributes: VALUES,
    context: trace.setSpanContext(ROOT_CONTEXT, remote),
  });
  const bodies = [true, -5, 0.1, new Uint8Array([0, 255]), ["a", 1, false], { key: "value", inner: { deep: ["er"] } }];
  for (const body of bodies) {
    logger.emit({ timestamp: at(1), observedTimestamp: at(2), severityNumber: SeverityNumber.INFO, body, context: ROOT_CONTEXT });
  }
}

const ids = recordSpans();
recordMetrics();
recordLogs();
await Promise.all([tracers.shutdown(), meters.shutdown(), loggers.shutdown()]);
console.log(JSON.stringify(ids));
