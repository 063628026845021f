//! Measures the scanner: `cargo run --release -p etalon-pdata --example scan_speed`.
//!
//! Requests lie in memory, but not all in the cache; each row is the best of several rounds.

use std::hint::black_box;
use std::time::{Duration, Instant};

use etalon_pdata::{LOGS, METRICS, TRACES, Utf8Policy, scan};
use etalon_testkit::corpus;

const CORPUS_BYTES: usize = 4_000_000;
/// Rounds are short, so that some of them run undisturbed.
const ROUNDS: u32 = 60;

#[expect(clippy::print_stdout, reason = "the table is what the example is for")]
fn main() {
    println!(
        "{:8} {:>6} {:>10} {:>8} {:>8} {:>8}",
        "signal", "items", "B/request", "B/item", "ns/item", "s/GB"
    );
    for signal in [TRACES, LOGS, METRICS] {
        for items in [10, 100, 1000] {
            let sample: usize = corpus::requests(signal, items, 8, 1).iter().map(bytes::Bytes::len).sum();
            let count = (CORPUS_BYTES * 8 / sample).max(1);
            let mut requests: Vec<Vec<u8>> =
                corpus::requests(signal, items, count, 42).iter().map(|request| request.to_vec()).collect();
            let bytes: usize = requests.iter().map(Vec::len).sum();

            let best = (0..ROUNDS)
                .map(|_| {
                    round(|| {
                        for request in &mut requests {
                            let found = scan(signal, black_box(request), Utf8Policy::Repair)
                                .expect("the corpus is valid");
                            assert_eq!(black_box(found).items, items);
                        }
                    })
                })
                .min()
                .unwrap_or_default();
            println!(
                "{:8} {:>6} {:>10} {:>8} {:>8.1} {:>8.3}",
                signal.name,
                items,
                bytes / count,
                bytes / count / items,
                best.as_nanos() as f64 / (count * items) as f64,
                best.as_secs_f64() * 1e9 / bytes as f64,
            );
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement of real time, without a runtime")]
fn round(mut work: impl FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
