use etalon_pdata::LOGS;

use super::*;

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
        Self { judge: Judge::new(Limits::default()), outline, now: Instant::now() }
    }

    /// What is wrong with the pipeline so many seconds later.
    fn after(&mut self, seconds: u64, receiver: ReceiverReading, exporter: ExporterReading) -> Vec<Problem> {
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

    fn exporter_after(&mut self, seconds: u64, exporter: ExporterReading) -> Vec<Problem> {
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
    assert_eq!(court.exporter_after(1, working()), [Problem::Stalled]);
    let success = ExporterReading { successful_attempts: 1, ..working() };
    assert_eq!(court.exporter_after(1, success.clone()), []);
    assert_eq!(court.exporter_after(29, success.clone()), []);
    assert_eq!(court.exporter_after(1, success.clone()), [Problem::Stalled]);
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
    assert_eq!(court.exporter_after(1, waiting()), [Problem::Stuck]);
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
    let all = [Problem::Refusing, Problem::Full, Problem::Losing];
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
