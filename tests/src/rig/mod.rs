//! Loops in which a collector is killed, stopped, reloaded, and left without space, under load.
//!
//! The senders and the destination of a loop outlive the collector, and count what it promised and what it did: so the
//! oracle is outside of the process. A loop is a function of its options, as far as real time allows; its [`Summary`]
//! says what was counted, and which promises were broken. The tests run a few cycles, `cargo xtask chaos` thousands.

mod flood;
mod full_disk;
mod kill;
mod load;
mod overload;
mod reload;
mod stop;
mod summary;

use std::path::Path;
use std::time::Duration;

pub use self::flood::Way;
pub use self::full_disk::full_disk;
pub use self::kill::{CONSUMERS, Kills};
pub use self::load::{ITEMS, Load, Tally, is_acknowledged, send};
pub use self::overload::{Overload, Refuses};
pub use self::reload::Reloads;
pub use self::stop::{Queue, Stops};
pub use self::summary::Summary;
use crate::{Etalon, Sink, Verdict, eventually};

/// One pipeline of logs with a queue on disk in `folder`, in front of `sink`.
pub fn on_disk(folder: &Path, sink: &Sink, queue: &str) -> String {
    let storage = format!("\nextensions:\n  file_storage: {{directory: {}}}", folder.display());
    pipeline(&storage, "file_storage", sink, &format!("storage: file_storage, {queue}"))
}

/// The same with a queue in memory.
pub fn in_memory(sink: &Sink, queue: &str) -> String {
    pipeline("", "", sink, queue)
}

fn pipeline(extensions: &str, service: &str, sink: &Sink, queue: &str) -> String {
    format!(
        "{extensions}
receivers:
  otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:0}}}}}}
exporters:
  otlp_http:
    endpoint: {}
    compression: none
    retry_on_failure: {{initial_interval: 20ms, max_interval: 20ms, max_elapsed_time: 0}}
    sending_queue: {{enabled: true, queue_size: 100000, {queue}}}
service:
  extensions: [{service}]
  pipelines:
    logs: {{receivers: [otlp], exporters: [otlp_http]}}
",
        sink.endpoint()
    )
}

/// Waits until nothing is in the queue.
pub fn drained(etalon: &Etalon) {
    eventually("the queue is empty", || {
        (etalon.scrape().count("otelcol_exporter_queue_size") == 0).then_some(())
    });
}

/// What a destination may be like.
fn weather(number: u32) -> Verdict {
    match number % 8 {
        0..4 => Verdict::Accept,
        4 | 5 => Verdict::Status(503),
        6 => Verdict::Slow(Duration::from_millis(u64::from(number) % 30)),
        _ => Verdict::Hold,
    }
}
