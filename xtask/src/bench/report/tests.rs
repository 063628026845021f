use super::*;
use crate::bench::content::Content;
use crate::bench::events::{Latency, Received, Sent};
use crate::bench::load::{Body, Compress};

const CASE: Case =
    Case { signal: Signal::Traces, items: 1000, protocol: Protocol::Grpc, mode: Mode::Saturation };

fn measurement(user_seconds: f64, verdict: Verdict) -> Measurement {
    let content = Content { requests: 1000, items: 1_000_000, bytes: 1_000_000_000, entries: 1, hash: 1 };
    Measurement {
        ready_seconds: 0.01,
        idle_resident: 8 << 20,
        peak_resident: 16 << 20,
        window_seconds: 2.0,
        window: content,
        user_seconds,
        system_seconds: 0.5,
        others_seconds: 0.0,
        sent: Sent {
            acknowledged: content,
            rejected_items: 0,
            refused: 0,
            failed: 0,
            first_error: None,
            latency: Latency { requests: 1000, p50: 1_500_000, p90: 2, p99: 9_000_000, p999: 4, max: 5 },
            late_share: 0.0,
        },
        received: Received { content, refused: 0, wire_bytes: 0 },
        verdict,
    }
}

pub(crate) fn row(peer: &str, users: &[f64]) -> Row {
    let rounds = users.iter().map(|&user| Ok(measurement(user, Verdict::Same))).collect();
    Row { peer: peer.into(), rounds }
}

pub(crate) fn report(rows: Vec<Row>) -> Report {
    let load = Load {
        connections: 4,
        in_flight: None,
        warm_up: 1.0,
        seconds: 2.0,
        body: Body::Protobuf,
        compress: Compress::None,
        corpus: 1,
        seed: 1,
    };
    let mut report = Report::new(load, Cpus { peer: Some(0), load: None }, "nginx".into());
    report.cases.push(CaseResult {
        case: CASE,
        client: "a client",
        mean_request_bytes: 1e6,
        largest: 1,
        rows,
    });
    report
}

fn line<'a>(table: &'a str, peer: &str) -> &'a str {
    table.lines().find(|line| line.trim_start().starts_with(peer)).unwrap()
}

#[test]
fn a_row_shows_costs_and_its_ratio_to_the_anchor() {
    let report = report(vec![row("nginx", &[0.5, 1.5]), row("etalon", &[0.6, 1.1])]);
    let table = table(&report.cases[0], 0);
    let cells: Vec<&str> = line(&table, "etalon").split_whitespace().collect();
    // 1.1 and 1.6 s of CPU for 1 GB, against 1.0 and 2.0: the ratios are 1.1 and 0.8.
    assert_eq!(cells[..9], ["etalon", "1.350", "0.850", "0.500", "1.350", "1350.0", "500", "500", "68"]);
    assert_eq!(cells[9..], ["1.50", "9.00", "8.0", "16.0", "10", "0.95", "(0.80-1.10)", "ok"]);
    assert!(report.all_sound());
}

#[test]
fn a_round_that_lost_data_is_named_and_has_no_speed_and_fails_the_run() {
    let mut lossy = row("etalon", &[0.5]);
    lossy.rounds.push(Ok(measurement(0.0, Verdict::Mismatch("10 items acknowledged, 9 received".into()))));
    let report = report(vec![row("nginx", &[0.5, 0.5]), lossy]);
    let table = table(&report.cases[0], 0);
    assert!(line(&table, "etalon").ends_with("1.00 (1.00-1.00)  MISMATCH"), "{table}");
    assert!(table.contains("etalon in round 2: MISMATCH: 10 items acknowledged, 9 received"));
    assert!(!report.all_sound());
}

#[test]
fn a_peer_that_never_ran_has_dashes_and_its_error() {
    let failed = Row { peer: "etalon".into(), rounds: vec![Err("etalon ended".into())] };
    let report = report(vec![row("nginx", &[0.5]), failed]);
    let table = table(&report.cases[0], 0);
    assert!(line(&table, "etalon").ends_with("-  FAILED"), "{table}");
    assert!(table.contains("etalon in round 1: etalon ended"));
    assert!(!report.all_sound());
}

#[test]
fn the_bars_are_told_for_their_case_only() {
    let mut report = report(vec![row("nginx", &[0.5, 0.5]), row("etalon", &[1.0, 1.0])]);
    let text = bars(&report);
    assert!(text.contains("CPU compared with nginx: 1.50, at most 1.00: MISSED"), "{text}");
    assert!(text.contains("idle memory: 8.00 MiB, at most 12.00 MiB: met"), "{text}");
    assert!(text.contains("ready after: 10.00 ms, at most 50.00 ms: met"), "{text}");
    report.cases[0].case.items = 10;
    assert_eq!(bars(&report), "");
}

#[test]
fn a_cpu_that_others_used_is_told() {
    let mut disturbed = measurement(0.5, Verdict::Same);
    disturbed.others_seconds = 0.5;
    let row = Row { peer: "etalon".into(), rounds: vec![Ok(disturbed)] };
    assert_eq!(remark(&row, Mode::Saturation), "ok, but others took 25 % of the CPU");
}

#[test]
fn late_open_loops_are_void() {
    let mut late = measurement(0.5, Verdict::Same);
    late.sent.late_share = 0.05;
    let row = Row { peer: "etalon".into(), rounds: vec![Ok(late)] };
    assert_eq!(remark(&row, Mode::Rate(10.0)), "late: 5 %, latency void");
    assert_eq!(remark(&row, Mode::Saturation), "ok");
}
