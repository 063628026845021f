//! SIGHUP under load.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::load::again;
use super::{ITEMS, Load, Summary, drained, on_disk};
use crate::{Etalon, Sink, eventually, free_port, try_post};

/// Reloads a collector with a queue on disk while it is sent to.
#[derive(Clone, Copy, Debug)]
pub struct Reloads {
    /// How often.
    pub cycles: u32,
    /// Between two of them.
    pub pause: Duration,
    /// Of what is changed.
    pub seed: u64,
}

const SENDERS: usize = 3;

impl Reloads {
    /// Runs it: now and then the file is invalid; else the queue, or the port of a second receiver, is another one.
    pub fn run(self) -> Summary {
        let mut summary = Summary::new("reload");
        let mut rng = StdRng::seed_from_u64(self.seed);
        let (folder, home) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let sink = Sink::counting();
        let file = home.path().join("etalon.yaml");
        let port = free_port();
        let mut second = free_port();
        write(&file, &configuration(folder.path(), &sink, port, second, 1));
        let arguments = ["--config", &file.to_string_lossy()];
        let etalon = Etalon::start_with(&arguments, tempfile::tempdir().expect("a folder"));
        let next = Arc::new(AtomicU32::new(0));
        let load = Load::start(([127, 0, 0, 1], port).into(), SENDERS, &next);
        let (mut applied, mut rejected) = (0_u32, 0_u32);
        for _ in 0..self.cycles {
            thread::park_timeout(self.pause);
            if rng.random_bool(0.1) {
                rejected += 1;
                write(&file, "receivers: {otlp: {no: such}}");
            } else {
                applied += 1;
                if rng.random_bool(0.3) {
                    second = free_port();
                }
                let consumers = rng.random_range(1..8);
                write(&file, &configuration(folder.path(), &sink, port, second, consumers));
            }
            etalon.signal("HUP");
            eventually("it has tried to reload", || {
                let scrape = etalon.scrape();
                let count =
                    |result| scrape.sum("etalon_config_reloads", &[("result", result)]).unwrap_or_default();
                (count("applied") >= f64::from(applied) && count("refused") >= f64::from(rejected))
                    .then_some(())
            });
            let answer = try_post(([127, 0, 0, 1], second).into(), "/v1/logs", "application/json", b"{}");
            summary.promise(answer.is_ok_and(|answer| answer.status == 200), || {
                "the second receiver does not answer where the file says".to_owned()
            });
        }
        let tally = load.end();
        summary.count("reloads applied", applied.try_into().unwrap_or(usize::MAX));
        summary.count("reloads rejected", rejected.try_into().unwrap_or(usize::MAX));
        tally.sum_up(&mut summary);
        drained(&etalon);
        let told = tally.refused + tally.unanswered;
        summary.promise(told == 0, || format!("{told} requests were refused or not answered"));
        let lost = tally.lost(&sink);
        summary.count("acknowledged items", tally.acknowledged.len() * ITEMS as usize);
        summary.count("lost items", lost.len());
        summary.promise(lost.is_empty(), || format!("acknowledged and lost: {lost:?}"));
        let again = again(&sink);
        summary.count("items that came again", again);
        summary.promise(again == 0, || format!("{again} items came again, and no attempt was ambiguous"));
        etalon.stop();
        summary
    }
}

/// With a second receiver.
fn configuration(folder: &Path, sink: &Sink, port: u16, second: u16, consumers: u32) -> String {
    on_disk(folder, sink, &format!("num_consumers: {consumers}"))
        .replace("endpoint: 127.0.0.1:0", &format!("endpoint: 127.0.0.1:{port}"))
        .replace("exporters:\n  otlp_http:", &format!(
            "  otlp/second: {{protocols: {{http: {{endpoint: 127.0.0.1:{second}}}}}}}\nexporters:\n  otlp_http:"
        ))
        .replace("receivers: [otlp]", "receivers: [otlp, otlp/second]")
}

fn write(file: &Path, configuration: &str) {
    fs::write(file, configuration).expect("it can be written");
}
