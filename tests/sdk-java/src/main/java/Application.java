import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.KeyValue;
import io.opentelemetry.api.common.Value;
import io.opentelemetry.api.logs.LogRecordBuilder;
import io.opentelemetry.api.logs.Logger;
import io.opentelemetry.api.logs.LoggerProvider;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.api.metrics.LongCounter;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.metrics.MeterProvider;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.TracerProvider;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.logs.OtlpHttpLogRecordExporter;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.logs.OtlpGrpcLogRecordExporter;
import io.opentelemetry.exporter.otlp.metrics.OtlpGrpcMetricExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.BatchLogRecordProcessor;
import io.opentelemetry.sdk.logs.export.LogRecordExporter;
import io.opentelemetry.sdk.metrics.Aggregation;
import io.opentelemetry.sdk.metrics.InstrumentSelector;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.View;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * An application of the OpenTelemetry Java SDK that records the samples of tests/harness/sdk.py.
 *
 * <p>Its argument is grpc or protobuf. OTEL_EXPORTER_OTLP_ENDPOINT says where to, and
 * OTEL_EXPORTER_OTLP_COMPRESSION how it compresses; TEST_RUN goes into the resource. Prints the ids of
 * the spans as JSON.
 */
public final class Application {
  private static final String SCHEMA_URL = "https://opentelemetry.io/schemas/1.37.0";
  private static final Attributes VALUES =
      Attributes.builder()
          .put("string", "Käse 测试 🧀 \" \\ \n")
          .put("string.empty", "")
          .put("bool.true", true)
          .put("bool.false", false)
          .put("int", 9007199254740991L)
          .put("int.minus", -1L)
          .put("double", 0.1)
          .put("strings", "a", "", "🧀")
          .put("bools", true, false)
          .put("ints", 0L, -5L)
          .put("doubles", 0.5, -1.25)
          .build();
  private static final SpanContext REMOTE =
      SpanContext.createFromRemoteParent(
          "0102030405060708090a0b0c0d0e0f10", "f1f2f3f4f5f6f7f8", TraceFlags.getSampled(), TraceState.getDefault());

  public static void main(String[] arguments) {
    String endpoint = System.getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
    String compression = System.getenv("OTEL_EXPORTER_OTLP_COMPRESSION");
    boolean grpc = arguments[0].equals("grpc");
    SpanExporter traces =
        grpc
            ? OtlpGrpcSpanExporter.builder().setEndpoint(endpoint).setCompression(compression).build()
            : OtlpHttpSpanExporter.builder().setEndpoint(endpoint + "/v1/traces").setCompression(compression).build();
    MetricExporter metrics =
        grpc
            ? OtlpGrpcMetricExporter.builder().setEndpoint(endpoint).setCompression(compression).build()
            : OtlpHttpMetricExporter.builder().setEndpoint(endpoint + "/v1/metrics").setCompression(compression).build();
    LogRecordExporter logs =
        grpc
            ? OtlpGrpcLogRecordExporter.builder().setEndpoint(endpoint).setCompression(compression).build()
            : OtlpHttpLogRecordExporter.builder().setEndpoint(endpoint + "/v1/logs").setCompression(compression).build();

    Resource resource =
        Resource.create(Attributes.of(
            AttributeKey.stringKey("service.name"), "käserei",
            AttributeKey.stringKey("test.run"), System.getenv("TEST_RUN")));
    SdkTracerProvider tracers =
        SdkTracerProvider.builder()
            .setResource(resource)
            .addSpanProcessor(BatchSpanProcessor.builder(traces).build())
            .build();
    // Nothing leaves on a timer: shutting down sends it.
    SdkMeterProvider meters =
        SdkMeterProvider.builder()
            .setResource(resource)
            .registerMetricReader(PeriodicMetricReader.builder(metrics).setInterval(Duration.ofHours(1)).build())
            .registerView(
                InstrumentSelector.builder().setName("exponential").build(),
                View.builder().setAggregation(Aggregation.base2ExponentialBucketHistogram()).build())
            .build();
    SdkLoggerProvider loggers =
        SdkLoggerProvider.builder()
            .setResource(resource)
            .addLogRecordProcessor(BatchLogRecordProcessor.builder(logs).build())
            .build();

    Map<String, Span> spans = recordSpans(tracers);
    recordMetrics(meters);
    recordLogs(loggers);
    CompletableResultCode ended =
        CompletableResultCode.ofAll(List.of(tracers.shutdown(), meters.shutdown(), loggers.shutdown()));
    ended.join(60, TimeUnit.SECONDS);
    if (!ended.isSuccess()) {
      throw new IllegalStateException("the SDK could not export everything", ended.getFailureThrowable());
    }
    String ids =
        spans.entrySet().stream()
            .map(entry -> "\"%s\": [\"%s\", \"%s\"]".formatted(
                entry.getKey(),
                entry.getValue().getSpanContext().getTraceId(),
                entry.getValue().getSpanContext().getSpanId()))
            .collect(Collectors.joining(", ", "{", "}"));
    new PrintStream(System.out, true, StandardCharsets.UTF_8).println(ids);
  }

  private static Instant at(long nanos) {
    return Instant.ofEpochSecond(1_700_000_000L, nanos);
  }

  private static Map<String, Span> recordSpans(TracerProvider provider) {
    Tracer tracer =
        provider.tracerBuilder("scope ✓").setInstrumentationVersion("1.2.3").setSchemaUrl(SCHEMA_URL).build();
    Span server =
        tracer.spanBuilder("GET /käse/{id}")
            .setParent(Context.root().with(Span.wrap(REMOTE)))
            .setSpanKind(SpanKind.SERVER)
            .setAllAttributes(VALUES)
            .addLink(REMOTE, VALUES)
            .setStartTimestamp(at(1))
            .startSpan();
    server.addEvent("event", VALUES, at(2));
    server.addEvent("bare", at(3));
    server.setStatus(StatusCode.OK);
    Span client =
        tracer.spanBuilder("SELECT")
            .setParent(Context.root().with(server))
            .setSpanKind(SpanKind.CLIENT)
            .setStartTimestamp(at(4))
            .startSpan();
    client.setStatus(StatusCode.ERROR, "timeout ✓");
    client.end(at(5));
    server.end(at(123_456_789));
    Map<String, Span> spans = new LinkedHashMap<>();
    spans.put("GET /käse/{id}", server);
    spans.put("SELECT", client);
    Map.of("produce", SpanKind.PRODUCER, "consume", SpanKind.CONSUMER, "internal", SpanKind.INTERNAL)
        .forEach((name, kind) -> {
          Span span = tracer.spanBuilder(name).setNoParent().setSpanKind(kind).setStartTimestamp(at(6)).startSpan();
          span.end(at(7));
          spans.put(name, span);
        });
    return spans;
  }

  private static void recordMetrics(MeterProvider provider) {
    Meter meter = provider.meterBuilder("meter ✓").setInstrumentationVersion("4").setSchemaUrl(SCHEMA_URL).build();
    LongCounter requests =
        meter.counterBuilder("requests").setUnit("{request}").setDescription("Requests ✓").build();
    requests.add(2, VALUES);
    requests.add(1, VALUES);
    meter.counterBuilder("seconds").ofDoubles().setUnit("s").build()
        .add(0.5, Attributes.of(AttributeKey.stringKey("mode"), "user"));
    meter.upDownCounterBuilder("open").build().add(-7);
    meter.gaugeBuilder("temperature").setUnit("Cel").build()
        .set(-273.15, Attributes.of(AttributeKey.stringKey("room"), ""));
    meter.gaugeBuilder("observed").ofLongs()
        .buildWithCallback(gauge -> gauge.record(42, Attributes.of(AttributeKey.stringKey("edge"), "one")));
    DoubleHistogram bounds =
        meter.histogramBuilder("latency").setUnit("ms").setExplicitBucketBoundariesAdvice(List.of(1.0, 10.0, 1000.0)).build();
    DoubleHistogram exponential = meter.histogramBuilder("exponential").setUnit("ms").build();
    for (double value : new double[] {0, 1, 2.5, 7500}) {
      bounds.record(value, Attributes.of(AttributeKey.stringKey("route"), "/käse"));
      exponential.record(value);
    }
  }

  private static void recordLogs(LoggerProvider provider) {
    Logger logger =
        provider.loggerBuilder("logger ✓").setInstrumentationVersion("5").setSchemaUrl(SCHEMA_URL).build();
    record(logger, Severity.ERROR)
        .setContext(Context.root().with(Span.wrap(REMOTE)))
        .setSeverityText("ERROR")
        .setEventName("событие")
        .setBody("text ✓")
        .setAllAttributes(VALUES)
        .emit();
    List<Value<?>> bodies =
        List.of(
            Value.of(true),
            Value.of(-5),
            Value.of(0.1),
            Value.of(new byte[] {0, (byte) 255}),
            Value.of(Value.of("a"), Value.of(1), Value.of(false)),
            Value.of(
                KeyValue.of("key", Value.of("value")),
                KeyValue.of("inner", Value.of(KeyValue.of("deep", Value.of(List.of(Value.of("er"))))))));
    for (Value<?> body : bodies) {
      record(logger, Severity.INFO).setBody(body).emit();
    }
  }

  private static LogRecordBuilder record(Logger logger, Severity severity) {
    return logger.logRecordBuilder()
        .setContext(Context.root())
        .setTimestamp(at(1))
        .setObservedTimestamp(at(2))
        .setSeverity(severity);
  }
}
