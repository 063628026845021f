//! Measures splitting: `cargo run --release -p etalon-pdata --example split_speed`.
//!
//! Each row is the best of several rounds, beside the time that a scan of the same requests takes.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use etalon_pdata::{LOGS, METRICS, Payload, TRACES, Utf8Policy, scan};
use etalon_testkit::corpus;

const ITEMS: usize = 10_000;
const REQUESTS: usize = 4;
/// Rounds are short, so that some of them run undisturbed.
const ROUNDS: u32 = 40;

#[expect(clippy::print_stdout, reason = "the table is what the example is for")]
fn main() {
    println!(
        "{:8} {:>14} {:>6} {:>10} {:>8} {:>14}",
        "signal", "limit", "parts", "pieces", "s/GB", "scan, s/GB"
    );
    for signal in [TRACES, LOGS, METRICS] {
        let requests: Vec<Payload> = corpus::requests(signal, ITEMS, REQUESTS, 42)
            .into_iter()
            .map(|request| Payload::from_validated(signal, request, ITEMS))
            .collect();
        let bytes: usize = requests.iter().map(Payload::len).sum();
        let mut copies: Vec<Vec<u8>> = requests.iter().map(|request| request.contiguous().to_vec()).collect();
        let scan_time = best(|| {
            for request in &mut copies {
                assert!(scan(signal, black_box(request), Utf8Policy::Repair).is_ok());
            }
        });
        let limit = |limit| NonZeroUsize::new(limit).expect("not 0");
        for (name, most, by_bytes) in [
            ("8192 items", limit(8192), false),
            ("1000 items", limit(1000), false),
            ("10 items", limit(10), false),
            ("1 MiB", limit(1 << 20), true),
            ("64 KiB", limit(1 << 16), true),
        ] {
            let (mut parts, mut pieces) = (0, 0);
            let time = best(|| {
                (parts, pieces) = (0, 0);
                for request in &requests {
                    let request = black_box(request.clone());
                    for part in if by_bytes { request.split_bytes(most) } else { request.split_items(most) } {
                        parts += 1;
                        pieces += black_box(part.into_payload()).chunks().len();
                    }
                }
            });
            let per_gb = |time: Duration| time.as_secs_f64() * 1e9 / bytes as f64;
            println!(
                "{:8} {:>14} {:>6} {:>10} {:>8.4} {:>14.3}",
                signal.name,
                name,
                parts / REQUESTS,
                pieces / REQUESTS,
                per_gb(time),
                per_gb(scan_time),
            );
        }
    }
}

fn best(mut work: impl FnMut()) -> Duration {
    (0..ROUNDS)
        .map(|_| {
            #[expect(clippy::disallowed_methods, reason = "a measurement of real time, without a runtime")]
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}
