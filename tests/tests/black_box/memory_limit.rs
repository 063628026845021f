//! More than fits into memory: what is refused before it is read, what is told of it, and that it is over when it is.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use etalon_tests::{
    Answer, Etalon, GrpcCalls, HttpRequests, Sink, Verdict, eventually, field, framed, post, run, tokens,
    try_post,
};

use crate::OTLP;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const PROTOBUF: &str = "application/x-protobuf";
/// Most seconds that a sender is told to wait.
const RETRY_AFTER_MAX: u32 = 5;
/// What the process may take besides its memory limit, in KiB.
const OVERHEAD_KIB: u64 = 64 * KIB as u64;

/// A collector with this limiter in front of a queue that holds whatever comes, and its destination.
fn limited(limiter: &str, sink: &Sink) -> Etalon {
    Etalon::start(&format!(
        "{OTLP}{}",
        behind(&format!("processors: {{memory_limiter: {limiter}}}\n"), "memory_limiter", sink)
    ))
}

fn behind(more: &str, processors: &str, sink: &Sink) -> String {
    format!(
        "{more}exporters:
  otlp_http:
    endpoint: {}
    compression: none
    sending_queue: {{queue_size: 100000, num_consumers: 2}}
service:
  pipelines: {{logs: {{receivers: [otlp], processors: [{processors}], exporters: [otlp_http]}}}}
",
        sink.endpoint()
    )
}

/// A request of one record, in so many bytes or a few more, that [`Sink::items`] finds by its number.
fn record(number: u32, bytes: usize) -> Vec<u8> {
    let token = format!("item:{number:08}{}", " ".repeat(bytes));
    let body = field(5, &field(1, token.as_bytes()));
    field(1, &field(2, &field(2, &body)))
}

fn send(etalon: &Etalon, number: u32, bytes: usize) -> Answer {
    post(etalon.http(), "/v1/logs", PROTOBUF, &record(number, bytes))
}

fn assert_retryable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    let retry_after = answer.header("retry-after").expect("a refusal says when to come back");
    let seconds: u32 = retry_after.parse().expect("whole seconds");
    assert!((1..=RETRY_AFTER_MAX).contains(&seconds), "{seconds}");
}

fn reserved(etalon: &Etalon) -> f64 {
    etalon.scrape().sum("etalon_memory_limiter_reserved", &[]).expect("there is a limiter")
}

#[test]
fn what_finds_no_room_in_memory_is_refused_before_it_is_read_and_counted() {
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let etalon = limited("{check_interval: 1s, limit_mib: 1}", &sink);
    assert_eq!(send(&etalon, 1, 600 * KIB).status, 200);
    assert!((600.0 * 1024.0..650.0 * 1024.0).contains(&reserved(&etalon)), "{}", reserved(&etalon));
    assert_retryable(&send(&etalon, 2, 600 * KIB));
    assert_eq!(send(&etalon, 3, 100 * KIB).status, 200);
    let never = send(&etalon, 4, MIB);
    assert_eq!((never.status, never.header("retry-after")), (413, None));

    let scrape = etalon.scrape();
    let refused = |reason| {
        let of = [("limiter_kind", "processor"), ("memory_refusal_reason", reason)];
        scrape.sum("etalon_memory_limiter_refused_requests", &of)
    };
    assert_eq!([refused("full"), refused("too_large"), refused("share")], [Some(1.0), Some(1.0), Some(0.0)]);
    let received = |reason| {
        scrape.sum("etalon_receiver_refused_requests", &[("refusal_reason", reason), ("data_type", "logs")])
    };
    assert_eq!([received("memory_limit"), received("too_large")], [Some(1.0), Some(1.0)]);
    assert_eq!(scrape.count("otelcol_receiver_refused_log_records"), 0, "nobody has counted its items");

    sink.answer(Verdict::Accept);
    eventually("all is given back", || (reserved(&etalon) == 0.0).then_some(()));
    assert_eq!(sink.items().keys().copied().collect::<Vec<_>>(), [1, 3]);
    assert_eq!(send(&etalon, 5, 600 * KIB).status, 200);
}

#[test]
fn an_extension_limits_the_server_that_names_it() {
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let otlp = OTLP.replace("      http:\n", "      http:\n        middlewares: [{id: memory_limiter}]\n");
    let extension = "extensions: {memory_limiter: {check_interval: 1s, limit_mib: 1}}\n";
    let configuration = behind(extension, "", &sink);
    let etalon = Etalon::start(&format!("{otlp}{configuration}  extensions: [memory_limiter]\n"));
    assert_eq!(send(&etalon, 1, 600 * KIB).status, 200);
    assert_retryable(&send(&etalon, 2, 600 * KIB));
    let of = [("limiter_kind", "extension"), ("memory_refusal_reason", "full")];
    assert_eq!(etalon.scrape().sum("etalon_memory_limiter_refused_requests", &of), Some(1.0));
    sink.answer(Verdict::Accept);
    eventually("all is given back", || (reserved(&etalon) == 0.0).then_some(()));
    assert_eq!(send(&etalon, 2, 600 * KIB).status, 200);
}

#[test]
fn the_limits_are_told_as_configured() {
    let sink = Sink::start();
    let etalon = limited("{check_interval: 2s, limit_mib: 100, spike_limit_mib: 30}", &sink);
    let scrape = etalon.scrape();
    let told = |name| scrape.sum(name, &[("limiter", "memory_limiter")]);
    assert_eq!(told("etalon_memory_limiter_limit"), Some(100.0 * 1_048_576.0));
    assert_eq!(told("etalon_memory_limiter_soft_limit"), Some(70.0 * 1_048_576.0));
    let line = etalon.wait_for_line("Memory limiter configured");
    assert_eq!(
        (&line["limit_bytes"], &line["check_interval"]),
        (&104_857_600.into(), &"2s".into()),
        "{line}"
    );

    let relative = limited("{check_interval: 2s, limit_percentage: 50}", &sink);
    let scrape = relative.scrape();
    let limit = scrape.sum("etalon_memory_limiter_limit", &[]).expect("it is told");
    let soft = scrape.sum("etalon_memory_limiter_soft_limit", &[]).expect("it is told");
    assert!(limit > 1e8 && soft < limit, "{limit}, {soft}");
}

#[test]
fn a_time_of_refusals_is_told_once_when_it_begins_and_once_when_it_ends() {
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let etalon = limited("{check_interval: 20ms, limit_mib: 1}", &sink);
    assert_eq!(send(&etalon, 1, 900 * KIB).status, 200);
    for _ in 0..3 {
        assert_retryable(&send(&etalon, 2, 900 * KIB));
    }
    sink.answer(Verdict::Accept);
    let ended = etalon.wait_for("memory.refusal.ended", |line| line["event.name"] == "memory.refusal.ended");
    assert_eq!(ended["requests"], 3, "{ended}");
    let lines = etalon.lines();
    let started: Vec<_> =
        lines.iter().filter(|line| line["event.name"] == "memory.refusal.started").collect();
    let [started] = &started[..] else { panic!("{started:?}") };
    assert_eq!(started["memory_refusal_reason"], "full", "{started}");
}

/// As many requests as the soft limit of 1 MiB has room for.
const SHARE: u32 = 8;

#[test]
fn a_tenant_that_floods_does_not_keep_another_out_of_the_connection_that_they_share() {
    const GRPC: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let etalon = limited("{check_interval: 1s, limit_mib: 1, fair_by_metadata_key: X-Tenant}", &sink);
    let mut gateway = GrpcCalls::open(etalon.grpc()).expect("a connection");
    let mut send = |tenant: &str, number| {
        let message = framed(0, &record(number, 100 * KIB));
        gateway.call(GRPC, &[("x-tenant", tenant)], message).expect("an answer").code
    };
    for number in 0..SHARE {
        assert_eq!(send("flood", number), Some(0));
    }
    assert_eq!(send("flood", SHARE), Some(14));
    assert_eq!(send("other", SHARE + 1), Some(0));
    let of = [("limiter_kind", "processor"), ("memory_refusal_reason", "share")];
    assert_eq!(etalon.scrape().sum("etalon_memory_limiter_refused_requests", &of), Some(1.0));
    sink.answer(Verdict::Accept);
    eventually("all is given back", || (reserved(&etalon) == 0.0).then_some(()));
}

#[test]
fn an_extension_knows_tenants_by_the_header_of_http_and_the_most_that_it_may() {
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let otlp = OTLP.replace("      http:\n", "      http:\n        middlewares: [{id: memory_limiter}]\n");
    let fair = "fair_by_metadata_key: x-tenant, metadata_cardinality_limit: 1";
    let extension = format!("extensions: {{memory_limiter: {{check_interval: 1s, limit_mib: 1, {fair}}}}}\n");
    let configuration = behind(&extension, "", &sink);
    let etalon = Etalon::start(&format!("{otlp}{configuration}  extensions: [memory_limiter]\n"));
    let mut gateway = HttpRequests::to(etalon.http());
    let mut send = |tenant: &str, number| {
        let fields = [("Content-Type", PROTOBUF), ("X-Tenant", tenant)];
        gateway.post("/v1/logs", &fields, &record(number, 100 * KIB)).expect("an answer").status
    };
    assert_eq!(send("known", 0), 200);
    for number in 1..SHARE {
        assert_eq!(send("beyond", number), 200);
    }
    assert_eq!(send("beyond too", SHARE), 503, "those that are not known are one");
    assert_eq!(send("known", SHARE + 1), 200);
}

#[test]
fn ten_times_as_much_as_fits_is_refused_retryably_and_nothing_accepted_is_lost() {
    const LIMIT_MIB: usize = 64;
    const BYTES: usize = MIB;
    const SENDERS: u32 = 8;
    // Of a MiB each.
    const REQUESTS: u32 = 640;
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let etalon = limited(&format!("{{check_interval: 100ms, limit_mib: {LIMIT_MIB}}}"), &sink);
    let (to, next, accepted) = (etalon.http(), AtomicU32::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= REQUESTS {
                        return;
                    }
                    let answer = try_post(to, "/v1/logs", PROTOBUF, &record(number, BYTES));
                    let answer = answer.unwrap_or_else(|error| panic!("request {number}: {error}"));
                    if answer.status == 200 {
                        accepted.lock().expect("no sender panics").push(number);
                    } else {
                        assert_retryable(&answer);
                    }
                }
            });
        }
    });
    let peak = etalon.peak_memory_kib();
    let mut accepted = accepted.into_inner().expect("no sender panics");
    accepted.sort_unstable();
    assert!(accepted.len() * BYTES > LIMIT_MIB * MIB / 2, "{} requests were accepted", accepted.len());
    assert!(accepted.len() * BYTES <= LIMIT_MIB * MIB, "{} requests were accepted", accepted.len());
    assert!(peak <= LIMIT_MIB as u64 * 1024 + OVERHEAD_KIB, "{peak} KiB");

    sink.answer(Verdict::Accept);
    let sent = || etalon.scrape().count("otelcol_exporter_sent_log_records");
    eventually("all that was accepted is sent", || (sent() == accepted.len() as u64).then_some(()));
    // The number stands at the beginning of a request.
    let bodies = sink.bodies();
    let mut arrived: Vec<u32> = bodies.iter().flat_map(|body| tokens(&body[..64]).into_keys()).collect();
    arrived.sort_unstable();
    assert_eq!(arrived, accepted);
    eventually("all is given back", || (reserved(&etalon) == 0.0).then_some(()));
    assert_eq!(send(&etalon, REQUESTS, BYTES).status, 200);
    assert_eq!(etalon.stop().code(), 0);
}

#[test]
fn a_limiter_without_a_limit_is_refused_and_says_what_to_write() {
    let sink = Sink::start();
    let configuration =
        format!("{OTLP}{}", behind("processors: {memory_limiter: }\n", "memory_limiter", &sink));
    let failed = run(&["validate", "--config", &format!("yaml:{configuration}")]);
    assert_eq!(failed.code(), 1);
    for wanted in ["'check_interval' must be greater than zero", "'limit_mib' or 'limit_percentage' must be"]
    {
        assert!(failed.stderr.contains(wanted), "{wanted:?} is not in\n{}", failed.stderr);
    }
}
