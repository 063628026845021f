//! A collector with one exporter, senders in front of it, and a destination behind.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use etalon_tests::{Etalon, Finished, Scrape, Sink, eventually, logs, run, try_post};
use serde_json::Value;
use tempfile::TempDir;

/// Items of a request.
pub(crate) const ITEMS: u32 = 3;

/// How the exporter takes data over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    NoQueue,
    WaitForResult,
    Memory,
    Storage,
}

/// What a sender was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Ok,
    /// OK, but for so many items.
    Partial(u64),
    Retry,
    Permanent,
    /// Nothing: the connection broke.
    Broken,
}

/// All that a failure happens to.
pub(crate) struct World {
    pub(crate) mode: Mode,
    pub(crate) sink: Sink,
    /// Keys of the exporter that a scenario sets.
    pub(crate) keys: Keys,
    home: TempDir,
    etalon: Option<Etalon>,
    senders: Vec<JoinHandle<()>>,
    /// What the senders of each request were told, in order.
    told: Arc<Mutex<BTreeMap<u32, Vec<Told>>>>,
    /// What those collectors have logged that have ended.
    pub(crate) logged: Vec<Value>,
    /// The last metrics of each collector, as far as they were asked for.
    pub(crate) seen: Vec<Scrape>,
}

/// Keys of the exporter.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) timeout: &'static str,
    pub(crate) patience: &'static str,
    pub(crate) interval: &'static str,
    pub(crate) queue_size: u32,
    pub(crate) consumers: u32,
    /// Of each queue in the storage, in bytes.
    pub(crate) max_size: u64,
    /// The exporter's name.
    pub(crate) name: &'static str,
    /// Of the memory limiter, in MiB.
    pub(crate) limit_mib: u32,
    /// More of the queue.
    pub(crate) queue: &'static str,
    /// More of the retries.
    pub(crate) retries: &'static str,
}

impl Mode {
    pub(crate) const ALL: [Self; 4] = [Self::NoQueue, Self::WaitForResult, Self::Memory, Self::Storage];

    /// Whether senders wait for the destination.
    pub(crate) fn waits(self) -> bool {
        matches!(self, Self::NoQueue | Self::WaitForResult)
    }

    pub(crate) fn has_queue(self) -> bool {
        self != Self::NoQueue
    }
}

impl World {
    /// Nothing is started yet.
    pub(crate) fn new(mode: Mode) -> Self {
        Self {
            mode,
            sink: Sink::start(),
            keys: Keys {
                timeout: "30s",
                patience: "300s",
                interval: "20ms",
                queue_size: 100,
                consumers: 10,
                max_size: 1 << 30,
                name: "",
                limit_mib: 1024,
                queue: "",
                retries: "",
            },
            home: tempfile::tempdir().expect("a folder"),
            etalon: None,
            senders: Vec::new(),
            told: Arc::default(),
            logged: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// The configuration, as the keys are now.
    fn configuration(&self) -> String {
        let Keys {
            timeout,
            patience,
            interval,
            queue_size,
            consumers,
            max_size,
            name,
            limit_mib,
            queue,
            retries,
        } = &self.keys;
        let size = format!("queue_size: {queue_size}, num_consumers: {consumers}, {queue}");
        let queue = match self.mode {
            Mode::NoQueue => "{enabled: false}".to_owned(),
            Mode::WaitForResult => format!("{{wait_for_result: true, {size}}}"),
            Mode::Memory => format!("{{{size}}}"),
            Mode::Storage => format!("{{storage: file_storage, {size}}}"),
        };
        format!(
            "
extensions:
  file_storage: {{directory: {}, create_directory: true, timeout: 10ms, max_size: {max_size}}}
processors:
  memory_limiter: {{check_interval: 1s, limit_mib: {limit_mib}}}
receivers:
  otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:0}}}}}}
exporters:
  otlp_http{name}:
    endpoint: {}
    compression: none
    timeout: {timeout}
    retry_on_failure: {{initial_interval: {interval}, max_interval: {interval}, max_elapsed_time: {patience}, {retries}}}
    sending_queue: {queue}
service:
  extensions: [file_storage]
  pipelines:
    logs: {{receivers: [otlp], processors: [memory_limiter], exporters: [otlp_http{name}]}}
",
            self.storage().display(),
            self.sink.endpoint()
        )
    }

    /// The folder of the storage.
    pub(crate) fn storage(&self) -> PathBuf {
        self.home.path().join("storage")
    }

    pub(crate) fn configuration_file(&self) -> PathBuf {
        self.home.path().join("etalon.yaml")
    }

    pub(crate) fn write_configuration(&self) {
        fs::write(self.configuration_file(), self.configuration()).expect("it can be written");
    }

    /// What `explain` says of the failures of the exporter.
    pub(crate) fn explained(&self) -> Vec<Value> {
        self.write_configuration();
        let told =
            run(&["explain", "--config", &self.configuration_file().to_string_lossy(), "--format", "json"]);
        let explanation: Value = serde_json::from_str(&told.stdout).expect("JSON");
        explanation["destinations"][0]["failures"].as_array().expect("a list").clone()
    }

    /// What it says of one of them.
    pub(crate) fn row(&self, failure: &str) -> Value {
        let row = self.explained().into_iter().find(|row| row["id"] == failure);
        row.unwrap_or_else(|| panic!("explain does not know {failure}"))
    }

    /// Whether the failure can happen in this mode.
    pub(crate) fn is_possible(&self, failure: &str) -> bool {
        self.row(failure)["applies"] == Value::Bool(true)
    }

    /// Starts a collector with the keys as they are now.
    pub(crate) fn start(&mut self) {
        assert!(self.etalon.is_none(), "there is one");
        self.write_configuration();
        let path = self.configuration_file().to_string_lossy().into_owned();
        let folder = tempfile::tempdir().expect("a folder");
        self.etalon = Some(Etalon::start_with(&["--config", &path], folder));
    }

    pub(crate) fn is_running(&self) -> bool {
        self.etalon.is_some()
    }

    /// The collector that runs.
    pub(crate) fn etalon(&self) -> &Etalon {
        self.etalon.as_ref().expect("it is started")
    }

    /// Waits for the end of the collector, which was told to end.
    pub(crate) fn wait_for_end(&mut self) -> Finished {
        let etalon = self.etalon.take().expect("it is started");
        let ended = etalon.wait();
        self.logged.extend(ended.stderr.lines().filter_map(|line| serde_json::from_str(line).ok()));
        ended
    }

    /// Its metrics now, which are kept.
    pub(crate) fn look(&mut self) -> Scrape {
        let scrape = self.etalon().scrape();
        self.seen.push(scrape.clone());
        scrape
    }

    /// Sends these requests, each from a sender of its own that does not try again yet.
    pub(crate) fn send(&mut self, requests: std::ops::Range<u32>) {
        for request in requests {
            self.send_body(request, logs(request * ITEMS..(request + 1) * ITEMS));
        }
    }

    /// Sends a request of one's own making.
    pub(crate) fn send_body(&mut self, request: u32, body: Vec<u8>) {
        let (to, told) = (self.etalon().http(), self.told.clone());
        self.senders.push(thread::spawn(move || {
            let answer = post(to, &body);
            told.lock().expect("no panic").entry(request).or_default().push(answer);
        }));
    }

    /// Waits until all senders have been answered.
    pub(crate) fn wait_for_answers(&mut self) {
        for sender in self.senders.drain(..) {
            sender.join().expect("no panic");
        }
    }

    /// Sends these requests and waits until the exporter has them: those who do not wait for the destination are
    /// answered then.
    pub(crate) fn hand_over(&mut self, requests: std::ops::Range<u32>) {
        let number = requests.len();
        self.send(requests);
        if !self.mode.waits() {
            self.wait_for_answers();
            let told = self.told();
            assert!(told.values().flatten().all(|told| *told == Told::Ok), "{told:?}");
        } else if self.mode.has_queue() {
            self.wait_for_queue(number as u64);
        } else {
            self.sink.wait_until_seen(number);
        }
    }

    /// Waits until the queue holds so many requests.
    pub(crate) fn wait_for_queue(&self, requests: u64) {
        let size = || self.etalon().scrape().count("otelcol_exporter_queue_size");
        eventually("the queue has that size", || (size() == requests).then_some(()));
    }

    /// Waits until so many items are counted as lost.
    pub(crate) fn wait_for_losses(&self, items: u64) {
        let lost = || self.etalon().scrape().count("etalon_exporter_dropped_items");
        eventually("so many items are lost", || (lost() == items).then_some(()));
    }

    /// Has the configuration read again, and waits until that has this result.
    pub(crate) fn reload(&self, result: &str) {
        let count = || self.etalon().scrape().sum("etalon_config_reloads", &[("result", result)]);
        let before = count().unwrap_or(0.0);
        self.etalon().signal("HUP");
        eventually(result, || (count()? > before).then_some(()));
    }

    /// What the senders of each request were told, in order.
    pub(crate) fn told(&self) -> BTreeMap<u32, Vec<Told>> {
        self.told.lock().expect("no panic").clone()
    }
}

fn post(to: SocketAddr, body: &[u8]) -> Told {
    let Ok(answer) = try_post(to, "/v1/logs", "application/json", body) else { return Told::Broken };
    match answer.status {
        200 => {
            let told: Value = serde_json::from_slice(&answer.body).expect("an answer in JSON");
            // As a 64-bit number, it is a text.
            let rejected = told["partialSuccess"]["rejectedLogRecords"].as_str();
            rejected.map_or(Told::Ok, |number| Told::Partial(number.parse().expect("a number")))
        }
        429 | 502 | 503 | 504 => Told::Retry,
        _ => Told::Permanent,
    }
}
