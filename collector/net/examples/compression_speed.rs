//! CPU time and ratio of each compression and level that a user can choose, on sample requests:
//! `cargo run --release -p etalon-net --example compression_speed`. Linux only: it reads `/proc`.

use std::fs;

use bytes::Bytes;
use etalon_net::compression::{Compression, compress_at_level, decompress};
use etalon_pdata::{LOGS, METRICS, TRACES};
use etalon_testkit::corpus;

const REQUESTS: usize = 20;
const ITEMS: usize = 1000;
const ROUNDS: usize = 5;

#[expect(clippy::print_stdout, reason = "this is a program for a terminal")]
fn main() {
    for signal in [TRACES, METRICS, LOGS] {
        let requests = corpus::requests(signal, ITEMS, REQUESTS, 1);
        let total: usize = requests.iter().map(Bytes::len).sum();
        println!("{signal}: {REQUESTS} requests of {} bytes on average", total / REQUESTS);
        println!("  encoding         level  compress s/GB  ratio  decompress s/GB");
        let levels = [
            (Compression::Gzip, &[1, 2, 3, 4, 6, 9][..]),
            (Compression::Zstd, &[-5, -1, 1, 3, 6]),
            (Compression::Snappy, &[0]),
            (Compression::SnappyFramed, &[0]),
            (Compression::Lz4, &[0]),
        ];
        for (encoding, level) in
            levels.iter().flat_map(|(encoding, levels)| levels.iter().map(|level| (*encoding, *level)))
        {
            let chunks: Vec<[Bytes; 1]> = requests.iter().map(|request| [request.clone()]).collect();
            let (packing, packed) = best(|| {
                chunks.iter().map(|chunk| compress_at_level(encoding, level, chunk)).collect::<Vec<_>>()
            });
            let (unpacking, unpacked) = best(|| {
                let lengths =
                    packed.iter().map(|body| decompress(encoding, body, total).map_or(0, |body| body.len()));
                lengths.sum::<usize>()
            });
            assert_eq!(unpacked, total);
            let ratio = total as f64 / packed.iter().map(Bytes::len).sum::<usize>() as f64;
            let per_gb = 1e9 / total as f64;
            println!(
                "  {encoding:15}  {level:5}  {:13.2}  {ratio:5.2}  {:15.2}",
                packing * per_gb,
                unpacking * per_gb
            );
        }
    }
}

/// The least CPU seconds of several rounds, and what the last one yielded.
fn best<T>(mut work: impl FnMut() -> T) -> (f64, T) {
    let mut round = || {
        let before = cpu_seconds();
        let yielded = work();
        (cpu_seconds() - before, yielded)
    };
    let (mut least, mut yielded) = round();
    for _ in 1..ROUNDS {
        let (seconds, again) = round();
        least = least.min(seconds);
        yielded = again;
    }
    (least, yielded)
}

/// CPU time of this thread: the first number of `/proc/thread-self/schedstat`, in nanoseconds.
fn cpu_seconds() -> f64 {
    let stat =
        fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells the CPU time of a thread");
    let nanos: f64 =
        stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("it begins with a number");
    nanos / 1e9
}
