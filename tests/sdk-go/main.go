// An application of the OpenTelemetry Go SDK that records the samples of tests/harness/sdk.py.
//
// sdk-go grpc|protobuf; the SDK's own variables say where to, and how it compresses:
// OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_COMPRESSION. TEST_RUN goes into the resource.
// Prints the ids of the spans as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otellog "go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const schemaURL = "https://opentelemetry.io/schemas/1.37.0"

func at(nanos int64) time.Time { return time.Unix(1_700_000_000, nanos) }

var values = []attribute.KeyValue{
	attribute.String("string", "Käse 测试 🧀 \" \\ \n"),
	attribute.String("string.empty", ""),
	attribute.Bool("bool.true", true),
	attribute.Bool("bool.false", false),
	attribute.Int64("int", 9007199254740991),
	attribute.Int64("int.minus", -1),
	attribute.Float64("double", 0.1),
	attribute.StringSlice("strings", []string{"a", "", "🧀"}),
	attribute.BoolSlice("bools", []bool{true, false}),
	attribute.Int64Slice("ints", []int64{0, -5}),
	attribute.Float64Slice("doubles", []float64{0.5, -1.25}),
}

var remote = trace.NewSpanContext(trace.SpanContextConfig{
	TraceID:    trace.TraceID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
	SpanID:     trace.SpanID{0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8},
	TraceFlags: trace.FlagsSampled,
	Remote:     true,
})

func main() {
	// What the SDK cannot export is an error of the application here.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Fatal(err) }))
	ids, err := run(context.Background(), os.Args[1])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(ids)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, way string) (map[string][2]string, error) {
	traces, metrics, logs, err := exporters(ctx, way)
	if err != nil {
		return nil, err
	}
	of := resource.NewSchemaless(
		attribute.String("service.name", "käserei"), attribute.String("test.run", os.Getenv("TEST_RUN")))
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(traces), sdktrace.WithResource(of))
	// Nothing leaves on a timer: shutting down sends it.
	meters := sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics, sdkmetric.WithInterval(time.Hour))),
		sdkmetric.WithResource(of),
		sdkmetric.WithView(sdkmetric.NewView(
			sdkmetric.Instrument{Name: "exponential"},
			sdkmetric.Stream{Aggregation: sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}},
		)))
	loggers := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(sdklog.NewBatchProcessor(logs)), sdklog.WithResource(of))
	ids := recordSpans(tracers)
	err = recordMetrics(ctx, meters)
	recordLogs(ctx, loggers)
	return ids, errors.Join(err, tracers.Shutdown(ctx), meters.Shutdown(ctx), loggers.Shutdown(ctx))
}

func exporters(ctx context.Context, way string) (sdktrace.SpanExporter, sdkmetric.Exporter, sdklog.Exporter, error) {
	if way == "grpc" {
		traces, first := otlptracegrpc.New(ctx)
		metrics, second := otlpmetricgrpc.New(ctx)
		logs, third := otlploggrpc.New(ctx)
		return traces, metrics, logs, errors.Join(first, second, third)
	}
	traces, first := otlptracehttp.New(ctx)
	metrics, second := otlpmetrichttp.New(ctx)
	logs, third := otlploghttp.New(ctx)
	return traces, metrics, logs, errors.Join(first, second, third)
}

func recordSpans(provider trace.TracerProvider) map[string][2]string {
	tracer := provider.Tracer("scope ✓", trace.WithInstrumentationVersion("1.2.3"), trace.WithSchemaURL(schemaURL))
	parent := trace.ContextWithRemoteSpanContext(context.Background(), remote)
	inside, server := tracer.Start(parent, "GET /käse/{id}",
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(values...),
		trace.WithLinks(trace.Link{SpanContext: remote, Attributes: values}),
		trace.WithTimestamp(at(1)))
	server.AddEvent("event", trace.WithAttributes(values...), trace.WithTimestamp(at(2)))
	server.AddEvent("bare", trace.WithTimestamp(at(3)))
	server.SetStatus(codes.Ok, "")
	_, client := tracer.Start(inside, "SELECT", trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(at(4)))
	client.SetStatus(codes.Error, "timeout ✓")
	client.End(trace.WithTimestamp(at(5)))
	server.End(trace.WithTimestamp(at(123_456_789)))
	ids := map[string][2]string{"GET /käse/{id}": idsOf(server), "SELECT": idsOf(client)}
	for name, kind := range map[string]trace.SpanKind{
		"produce": trace.SpanKindProducer, "consume": trace.SpanKindConsumer, "internal": trace.SpanKindInternal,
	} {
		_, span := tracer.Start(context.Background(), name, trace.WithSpanKind(kind), trace.WithTimestamp(at(6)))
		span.End(trace.WithTimestamp(at(7)))
		ids[name] = idsOf(span)
	}
	return ids
}

func idsOf(span trace.Span) [2]string {
	return [2]string{span.SpanContext().TraceID().String(), span.SpanContext().SpanID().String()}
}

func recordMetrics(ctx context.Context, provider metric.MeterProvider) error {
	meter := provider.Meter("meter ✓", metric.WithInstrumentationVersion("4"), metric.WithSchemaURL(schemaURL))
	requests, first := meter.Int64Counter("requests", metric.WithUnit("{request}"), metric.WithDescription("Requests ✓"))
	requests.Add(ctx, 2, metric.WithAttributes(values...))
	requests.Add(ctx, 1, metric.WithAttributes(values...))
	seconds, second := meter.Float64Counter("seconds", metric.WithUnit("s"))
	seconds.Add(ctx, 0.5, metric.WithAttributes(attribute.String("mode", "user")))
	open, third := meter.Int64UpDownCounter("open")
	open.Add(ctx, -7)
	temperature, fourth := meter.Float64Gauge("temperature", metric.WithUnit("Cel"))
	temperature.Record(ctx, -273.15, metric.WithAttributes(attribute.String("room", "")))
	_, fifth := meter.Int64ObservableGauge("observed", metric.WithInt64Callback(
		func(_ context.Context, observer metric.Int64Observer) error {
			observer.Observe(42, metric.WithAttributes(attribute.String("edge", "one")))
			return nil
		}))
	bounds, sixth := meter.Float64Histogram("latency",
		metric.WithUnit("ms"), metric.WithExplicitBucketBoundaries(1, 10, 1000))
	exponential, seventh := meter.Float64Histogram("exponential", metric.WithUnit("ms"))
	for _, value := range []float64{0, 1, 2.5, 7500} {
		bounds.Record(ctx, value, metric.WithAttributes(attribute.String("route", "/käse")))
		exponential.Record(ctx, value)
	}
	return errors.Join(first, second, third, fourth, fifth, sixth, seventh)
}

func recordLogs(ctx context.Context, provider otellog.LoggerProvider) {
	logger := provider.Logger("logger ✓", otellog.WithInstrumentationVersion("5"), otellog.WithSchemaURL(schemaURL))
	first := record(otellog.SeverityError, otellog.StringValue("text ✓"))
	first.SetSeverityText("ERROR")
	first.SetEventName("событие")
	for _, pair := range values {
		first.AddAttributes(otellog.KeyValueFromAttribute(pair))
	}
	logger.Emit(trace.ContextWithRemoteSpanContext(ctx, remote), first)
	for _, body := range []otellog.Value{
		otellog.BoolValue(true),
		otellog.Int64Value(-5),
		otellog.Float64Value(0.1),
		otellog.BytesValue([]byte{0, 255}),
		otellog.SliceValue(otellog.StringValue("a"), otellog.Int64Value(1), otellog.BoolValue(false)),
		otellog.MapValue(
			otellog.String("key", "value"),
			otellog.Map("inner", otellog.Slice("deep", otellog.StringValue("er")))),
	} {
		logger.Emit(ctx, record(otellog.SeverityInfo, body))
	}
}

func record(severity otellog.Severity, body otellog.Value) otellog.Record {
	var record otellog.Record
	record.SetTimestamp(at(1))
	record.SetObservedTimestamp(at(2))
	record.SetSeverity(severity)
	record.SetBody(body)
	return record
}
