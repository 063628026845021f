//! What recording and reading cost: `cargo run --profile tasks -p etalon-telemetry --example cost`.
//!
//! Each figure is the least of several rounds, and while metrics are read, another thread records.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use etalon_telemetry::attributes::{
    DataType, Exporter, ItemsFailed, ItemsSent, Outcome, Receiver, Transport,
};
use etalon_telemetry::metrics::{ExporterAttributes, ExporterMetrics, ReceiverAttributes, ReceiverMetrics};
use etalon_telemetry::{
    Format, PrometheusReader, Sampler, Span, SpanData, SpanLimits, SpanSink, Telemetry, Tracer, Tracing,
    observe_process, spans,
};

/// Components of each kind: many more than most configurations have.
const COMPONENTS: usize = 10;
const ROUNDS: usize = 20;
const RECORDINGS: u32 = 1_000_000;

fn main() {
    let telemetry = Telemetry::new(&[("service.name", "etalon"), ("service.instance.id", "0")]);
    let _process = observe_process(&telemetry, "0.1.0");
    let ids: Vec<String> = (0..COMPONENTS).map(|number| format!("otlp/{number}")).collect();
    let mut receivers = Vec::new();
    let mut exporters = Vec::new();
    for id in &ids {
        for data_type in [DataType::Traces, DataType::Metrics, DataType::Logs] {
            for transport in [Transport::Grpc, Transport::Http] {
                let of = ReceiverAttributes { data_type, receiver: Receiver(id), transport };
                receivers.push(ReceiverMetrics::new(&telemetry, of));
            }
            let of = ExporterAttributes { data_type, exporter: Exporter(id) };
            exporters.push(ExporterMetrics::new(&telemetry, of));
        }
    }
    let (reader, metrics) = (PrometheusReader::default(), &receivers[0]);
    let text = reader.text(&telemetry, Format::TEXT);
    let lines = text.lines().filter(|line| !line.starts_with('#')).count();
    tell(&format!("a recording: {:?}", least(RECORDINGS, || metrics.accepted(black_box(100)))));
    let took = Duration::from_micros(1500);
    tell(&format!(
        "a recording of a duration: {:?}",
        least(RECORDINGS, || exporters[0].request_duration(black_box(took), Outcome::Delivered))
    ));
    tell(&format!(
        "a scrape of {lines} series: {:?}",
        least(10, || drop(reader.text(&telemetry, Format::TEXT)))
    ));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                black_box(reader.text(&telemetry, Format::TEXT));
            }
        });
        let beside = least(RECORDINGS, || metrics.accepted(black_box(100)));
        tell(&format!("a recording beside scrapes without a pause: {beside:?}"));
        stop.store(true, Ordering::Relaxed);
    });
    spans(telemetry.tracer());
}

/// What a span costs, with its context handed on, while nobody takes it, and with somebody who forgets it.
fn spans(tracer: &Tracer) {
    let span = || {
        let span = Span::start(black_box(tracer), None);
        black_box(span.context());
        span.end(None, || spans::Exporter {
            exporter: Exporter("otlp"),
            data_type: DataType::Traces,
            items_sent: ItemsSent(1),
            items_failed: ItemsFailed(0),
            error_type: None,
        });
    };
    tell(&format!("a span while nobody takes it: {:?}", least(RECORDINGS, span)));
    let told = |sampler| Tracing {
        sampler,
        propagators: Vec::new(),
        limits: SpanLimits::default(),
        sinks: vec![Arc::new(Forgetful)],
    };
    tracer.set(Some(told(Sampler::AlwaysOff)), false);
    tell(&format!("a span that is not sampled: {:?}", least(RECORDINGS, span)));
    tracer.set(Some(told(Sampler::AlwaysOn)), false);
    tell(&format!("a span that is taken: {:?}", least(RECORDINGS, span)));
}

struct Forgetful;

impl SpanSink for Forgetful {
    fn ended(&self, span: &Arc<SpanData>) {
        black_box(span);
    }
}

/// For one run of `body`.
fn least(times: u32, body: impl Fn()) -> Duration {
    let round = || {
        #[expect(clippy::disallowed_methods, reason = "time is what is measured")]
        let started = Instant::now();
        (0..times).for_each(|_| body());
        started.elapsed() / times
    };
    (0..ROUNDS).map(|_| round()).min().unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "for the person at the terminal")]
fn tell(line: &str) {
    println!("{line}");
}
