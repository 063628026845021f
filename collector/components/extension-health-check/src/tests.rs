use std::time::{Duration, SystemTime};

use bytes::Bytes;
use etalon_component::{BuildInfo, Component as _, Host, Outline, Phase, PipelineOutline, Settings, Status};
use etalon_net::server::Site as _;
use etalon_pdata::LOGS;
use etalon_telemetry::Telemetry;
use etalon_telemetry::readings::{ExporterReading, QueueReading, Readings, ReceiverReading, Who};
use http::Response;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::config::Own;
use crate::extension::HealthCheck;
use crate::judge::{Judge, Limits, Wrong};
use crate::pages::Pages;
use crate::watch::Latest;
use crate::{Config, TYPE};

const LIMITS: Limits = Limits {
    stalled_after: Duration::from_secs(30),
    recent: Duration::from_mins(1),
    interval: Duration::from_mins(5),
};

/// A judge of one pipeline, and the time.
struct Court {
    judge: Judge,
    outline: Outline,
    now: Instant,
}

impl Court {
    fn new() -> Self {
        let pipeline = PipelineOutline {
            id: "logs".parse().unwrap(),
            signal: LOGS,
            receivers: vec!["otlp".parse().unwrap()],
            processors: Vec::new(),
            exporters: vec!["out".parse().unwrap()],
        };
        let outline = Outline { pipelines: vec![pipeline], ..Outline::default() };
        Self { judge: Judge::new(LIMITS), outline, now: Instant::now() }
    }

    /// What is wrong with the pipeline so many seconds later.
    fn after(&mut self, seconds: u64, receiver: ReceiverReading, exporter: ExporterReading) -> Vec<Wrong> {
        let who = |id: &str| Who { id: id.to_owned(), signal: "logs".to_owned() };
        let readings = Readings {
            receivers: [(who("otlp"), receiver)].into(),
            exporters: [(who("out"), exporter)].into(),
            ..Readings::default()
        };
        self.now += Duration::from_secs(seconds);
        let verdict = self.judge.look(&readings, &self.outline, self.now, SystemTime::UNIX_EPOCH);
        verdict["logs"].iter().map(|finding| finding.what).collect()
    }

    fn exporter_after(&mut self, seconds: u64, exporter: ExporterReading) -> Vec<Wrong> {
        self.after(seconds, ReceiverReading::default(), exporter)
    }
}

fn working() -> ExporterReading {
    ExporterReading { in_flight: 1, ..ExporterReading::default() }
}

#[test]
fn an_exporter_has_stalled_when_it_works_for_too_long_without_success() {
    let mut court = Court::new();
    assert_eq!(court.exporter_after(0, working()), []);
    assert_eq!(court.exporter_after(29, working()), []);
    assert_eq!(court.exporter_after(1, working()), [Wrong::Stalled]);
    let success = ExporterReading { successful_attempts: 1, ..working() };
    assert_eq!(court.exporter_after(1, success.clone()), []);
    assert_eq!(court.exporter_after(29, success.clone()), []);
    assert_eq!(court.exporter_after(1, success.clone()), [Wrong::Stalled]);
    let idle = ExporterReading { in_flight: 0, ..success };
    assert_eq!(court.exporter_after(1000, idle), [], "nothing to do is no fault");
}

#[test]
fn a_queue_from_which_nothing_is_sent_is_stuck_but_a_batch_may_fill_up() {
    let waiting = || ExporterReading {
        queue: Some(QueueReading { requests: 1, oldest_age: 5.0, ..QueueReading::default() }),
        ..ExporterReading::default()
    };
    let mut court = Court::new();
    assert_eq!(court.exporter_after(0, waiting()), []);
    assert_eq!(court.exporter_after(299, waiting()), []);
    assert_eq!(court.exporter_after(1, waiting()), [Wrong::Stuck]);
    assert_eq!(court.exporter_after(1, ExporterReading { successful_attempts: 1, ..waiting() }), []);
}

#[test]
fn what_was_refused_or_lost_counts_for_a_while() {
    let mut court = Court::new();
    court.exporter_after(0, ExporterReading::default());
    let refused = |reason: &str| ReceiverReading {
        refused_requests: [(reason.to_owned(), 1)].into(),
        ..ReceiverReading::default()
    };
    let lost = ExporterReading {
        enqueue_failed_items: 1,
        dropped_items: [("shutdown".to_owned(), 1)].into(),
        ..ExporterReading::default()
    };
    let all = [Wrong::Refusing, Wrong::Full, Wrong::Losing];
    assert_eq!(court.after(1, refused("queue_full"), lost.clone()), all);
    assert_eq!(court.after(59, refused("queue_full"), lost.clone()), all);
    assert_eq!(court.after(1, refused("queue_full"), lost), []);
    for of_the_sender in ["malformed", "too_large", "unauthenticated", "unsupported", "rejected", "abandoned"]
    {
        assert_eq!(court.after(1, refused(of_the_sender), ExporterReading::default()), [], "{of_the_sender}");
    }
}

#[test]
fn what_had_happened_before_the_first_look_is_not_told() {
    let mut court = Court::new();
    let past = ExporterReading { enqueue_failed_items: 7, failed_attempts: 9, ..ExporterReading::default() };
    assert_eq!(court.exporter_after(0, past.clone()), []);
    assert_eq!(court.judge.failures(), 0);
    court.exporter_after(100, ExporterReading { failed_attempts: 12, ..past.clone() });
    assert_eq!(court.judge.failures(), 3);
    court.exporter_after(299, ExporterReading { failed_attempts: 12, ..past.clone() });
    assert_eq!(court.judge.failures(), 3);
    court.exporter_after(1, ExporterReading { failed_attempts: 12, ..past });
    assert_eq!(court.judge.failures(), 0, "the interval is over");
}

fn ask(pages: &Pages, path: &str) -> Response<Bytes> {
    let (head, ()) = http::Request::get(path).body(()).unwrap().into_parts();
    pages.page(&head)
}

#[tokio::test]
async fn it_is_ready_in_one_phase_only() {
    let pages = Pages { own: Own::default(), status: Status::default(), latest: Latest::new() };
    let told = |phase: Phase| {
        pages.status.enter(phase);
        let (up, ready) = (ask(&pages, "/"), ask(&pages, "/readyz?verbose"));
        let body: serde_json::Value = serde_json::from_slice(ready.body()).unwrap();
        assert_eq!(ready.headers()["cache-control"], "no-store");
        assert_eq!(body["status"], phase.as_str());
        (up.status().as_u16(), ready.status().as_u16())
    };
    assert_eq!(told(Phase::Starting), (503, 503));
    assert_eq!(told(Phase::Ready), (200, 200));
    assert_eq!(told(Phase::LameDuck), (503, 503));
    assert_eq!(told(Phase::Stopping), (503, 503));
}

#[tokio::test(start_paused = true)]
async fn it_is_not_alive_when_nobody_has_looked_at_the_metrics_for_too_long() {
    let pages = Pages { own: Own::default(), status: Status::default(), latest: Latest::new() };
    assert_eq!(ask(&pages, "/livez").status(), 200);
    tokio::time::advance(Duration::from_secs(31)).await;
    let stuck = ask(&pages, "/livez");
    assert_eq!(stuck.status(), 503);
    assert!(String::from_utf8_lossy(stuck.body()).contains("for 31 s"));
}

#[tokio::test]
async fn a_port_in_use_keeps_it_from_starting_and_a_shutdown_frees_it() {
    let create = |endpoint: String| {
        let mut config = Config::default();
        config.server.endpoint = endpoint;
        let settings = Settings {
            id: TYPE.parse().unwrap(),
            build: BuildInfo { command: "test", description: "Test", version: "0" },
            telemetry: Telemetry::new(&[]),
            span: tracing::Span::none(),
        };
        HealthCheck::new(settings, &config)
    };
    let host = Host::new(mpsc::channel(1).0);
    let first = create("127.0.0.1:0".to_owned());
    first.start(&host).await.unwrap();
    let address = host.listening()[0].address.to_string();
    let other = Host::new(mpsc::channel(1).0);
    let error = create(address.clone()).start(&other).await.unwrap_err();
    assert!(error.to_string().contains("cannot listen on"), "{error}");
    first.shutdown(Instant::now() + Duration::from_secs(5)).await.unwrap();
    create(address).start(&other).await.unwrap();
}
