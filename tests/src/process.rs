//! The collector as a process.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::{Scrape, WAIT, binary, deadline, remaining, witness};

/// The log line after which the collector takes data.
const READY: &str = "Everything is ready. Begin running and processing data.";

/// What a flag begins with that thins out the log.
const SAMPLING: &str = "service.telemetry.logs.sampling";
/// The key that says where metrics are to be had.
const READERS: &str = "service.telemetry.metrics.readers=";

/// A running `etalon` that logs JSON. Dropping it kills it, and panics when what it has told was not in its contract.
#[derive(Debug)]
pub struct Etalon {
    child: Child,
    log: Arc<Log>,
    stdout: mpsc::Receiver<String>,
    /// Its metrics, as they were last seen.
    seen: Mutex<Option<String>>,
    _folder: TempDir,
}

/// How a process ended, and what it wrote.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// What has come from standard error so far.
#[derive(Debug, Default)]
struct Log {
    state: Mutex<LogState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct LogState {
    text: String,
    lines: Vec<Value>,
    ended: bool,
}

impl Etalon {
    /// Starts the collector with a configuration and waits until it is ready.
    ///
    /// `service.telemetry` need not be in it: logs are set to JSON and not thinned out, and metrics to a
    /// port of the system's choice.
    pub fn start(configuration: &str) -> Self {
        Self::start_in(&[], configuration)
    }

    /// As [`start`](Self::start), with these environment variables on top.
    pub fn start_in(environment: &[(&str, &str)], configuration: &str) -> Self {
        let started = Self::launch_with(Command::new(binary()), environment, configuration);
        started.wait_for_line(READY);
        started
    }

    /// As [`start`](Self::start), and does not wait until it is ready.
    pub fn launch(configuration: &str) -> Self {
        Self::launch_with(Command::new(binary()), &[], configuration)
    }

    /// As [`start`](Self::start), with a file system of so many bytes of its own in `folder`, which is gone when it ends.
    ///
    /// # Errors
    /// Why that is not possible here: it takes a user namespace.
    pub fn start_with_tmpfs(folder: &Path, bytes: u64, configuration: &str) -> Result<Self, String> {
        const SCRIPT: &str = "mount -t tmpfs -o size=$0 tmpfs \"$1\" && shift && exec \"$@\"";
        let wrapped = |then: &Path| {
            let mut command = Command::new("unshare");
            command.args(["-Umr", "sh", "-c", SCRIPT, &bytes.to_string()]).arg(folder).arg(then);
            command
        };
        let tried = wrapped(Path::new("true")).output().map_err(|error| format!("unshare: {error}"))?;
        if !tried.status.success() {
            return Err(format!("unshare -Umr: {}", String::from_utf8_lossy(&tried.stderr)));
        }
        let started = Self::launch_with(wrapped(binary()), &[], configuration);
        started.wait_for_line(READY);
        Ok(started)
    }

    fn launch_with(command: Command, environment: &[(&str, &str)], configuration: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("etalon.yaml");
        fs::write(&path, configuration).expect("a temporary file can be written");
        Self::spawn(command, environment, &["--config", &path.to_string_lossy()], folder)
    }

    /// Starts the collector with these arguments, in `folder`, and waits until it is ready.
    pub fn start_with(arguments: &[&str], folder: TempDir) -> Self {
        let started = Self::spawn(Command::new(binary()), &[], arguments, folder);
        started.wait_for_line(READY);
        started
    }

    /// As [`start`](Self::start), with these readers of the metrics, in YAML.
    pub fn start_with_readers(readers: &str, configuration: &str) -> Self {
        let configuration = format!("yaml:{configuration}");
        let readers = format!("{READERS}{readers}");
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::start_with(&["--config", &configuration, "--set", &readers], folder)
    }

    fn spawn(
        mut command: Command,
        environment: &[(&str, &str)],
        arguments: &[&str],
        folder: TempDir,
    ) -> Self {
        let reader = "service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]";
        let has_readers = arguments.iter().any(|argument| argument.starts_with(READERS));
        let reader = if has_readers { "service.telemetry.metrics.level=normal" } else { reader };
        let is_sampled = arguments.iter().any(|argument| argument.starts_with(SAMPLING));
        let sampling = format!("{SAMPLING}.enabled={is_sampled}");
        let mut child = command
            .args(arguments)
            .envs(environment.iter().copied())
            .args(["--set", "service.telemetry.logs.encoding=json", "--set", reader])
            .args(["--set", &sampling])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary can be run");
        let log = Arc::new(Log::default());
        let (reading, stderr) = (Arc::clone(&log), child.stderr.take().expect("stderr is piped"));
        thread::spawn(move || reading.read(stderr));
        let stdout = read_to_end(child.stdout.take().expect("stdout is piped"));
        Self { child, log, stdout, seen: Mutex::new(None), _folder: folder }
    }

    /// Where the OTLP receiver takes gRPC.
    pub fn grpc(&self) -> SocketAddr {
        self.address("Starting GRPC server")
    }

    /// Where the OTLP receiver takes HTTP.
    pub fn http(&self) -> SocketAddr {
        self.address("Starting HTTP server")
    }

    /// Where the collector's own metrics are.
    pub fn metrics(&self) -> SocketAddr {
        self.address("Serving metrics")
    }

    /// The collector's own metrics now.
    pub fn scrape(&self) -> Scrape {
        let answer = crate::get(self.metrics(), "/metrics");
        assert_eq!(answer.status, 200, "{answer:?}");
        self.saw(answer.text());
        Scrape::parse(&answer.text())
    }

    fn saw(&self, metrics: String) {
        witness::note_metrics(&metrics);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(metrics);
    }

    /// Looks at its metrics a last time, if it still shows them.
    fn look(&self) {
        let served = self.log.lock().lines.iter().find(|line| line["msg"] == "Serving metrics").cloned();
        let address = served.and_then(|line| line["endpoint"].as_str()?.parse().ok());
        if let Some(answer) = address.and_then(|address| crate::try_get(address, "/metrics").ok())
            && answer.status == 200
        {
            self.saw(answer.text());
        }
    }

    /// Panics when something that it has told is not in the contract.
    fn hold_to_the_contract(&self) {
        let metrics = self.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        let state = self.log.lock();
        witness::note_events(&state.lines);
        let metrics = metrics.and_then(|text| witness::metrics_that_do_not_fit(&text));
        let events = witness::events_that_do_not_fit(&state.text);
        drop(state);
        let told: Vec<String> = metrics.into_iter().chain(events).collect();
        assert!(told.is_empty(), "not as the contract declares it:\n{}", told.join("\n"));
    }

    fn address(&self, message: &str) -> SocketAddr {
        let line = self.wait_for_line(message);
        let endpoint = line["endpoint"].as_str().unwrap_or_else(|| panic!("no endpoint in {line}"));
        endpoint.parse().unwrap_or_else(|_| panic!("not an address: {endpoint}"))
    }

    /// The first log line with this message; waits for it.
    ///
    /// # Panics
    ///
    /// When it does not come, with all that was written instead.
    pub fn wait_for_line(&self, message: &str) -> Value {
        self.wait_for(message, |line| line["msg"] == message)
    }

    /// The first log line of which `wanted` is true; waits for it.
    pub fn wait_for(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = deadline();
        let mut state = self.log.lock();
        loop {
            if let Some(line) = state.lines.iter().find(|line| wanted(line)) {
                return line.clone();
            }
            let left = remaining(deadline);
            assert!(!state.ended && !left.is_zero(), "no line {what:?} in\n{}", state.text);
            state = self.log.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The log lines so far.
    pub fn lines(&self) -> Vec<Value> {
        self.log.lock().lines.clone()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Memory that it has now, in KiB.
    pub fn memory_kib(&self) -> u64 {
        self.status("VmRSS")
    }

    /// The most memory that it has had since [`reset_peak_memory`](Self::reset_peak_memory), in KiB.
    pub fn peak_memory_kib(&self) -> u64 {
        self.status("VmHWM")
    }

    /// Begins to look for a new peak: `proc_pid_clear_refs(5)`.
    pub fn reset_peak_memory(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.pid()), "5").expect("a child's peak can be reset");
    }

    /// CPU time that it has taken since its start, in ticks of 10 ms: `proc_pid_stat(5)`.
    pub fn cpu_ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("the process lives");
        // The name of the program, which comes before, may have anything in it.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
        fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
    }

    /// A size of `proc_pid_status(5)`, in KiB.
    fn status(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("the process lives");
        let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kib = value.and_then(|value| value.trim().strip_suffix(" kB")?.parse().ok());
        kib.unwrap_or_else(|| panic!("no {name} in {status}"))
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.look();
        self.signal("TERM");
    }

    /// Sends the signal of this name, without its `SIG`.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("sh can be run");
        assert!(status.success(), "{kill}: {status}");
    }

    /// Kills it at once, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// Sends SIGTERM and waits for the end.
    pub fn stop(self) -> Finished {
        self.terminate();
        self.wait()
    }

    /// Waits for the end.
    ///
    /// # Panics
    ///
    /// When the process does not end in time; it is killed then.
    pub fn wait(mut self) -> Finished {
        let deadline = deadline();
        let mut state = self.log.lock();
        while !state.ended {
            let left = remaining(deadline);
            assert!(!left.is_zero(), "still running after {WAIT:?}\n{}", state.text);
            state = self.log.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let stderr = state.text.clone();
        drop(state);
        let stdout = self.stdout.recv_timeout(remaining(deadline)).expect("stdout ends with the process");
        let status = self.child.wait().expect("a child can be waited for");
        Finished { status, stdout, stderr }
    }
}

impl Drop for Etalon {
    fn drop(&mut self) {
        if !thread::panicking() && matches!(self.child.try_wait(), Ok(None)) {
            self.look();
        }
        // It may have ended already: then there is nothing to kill.
        self.child.kill().ok();
        self.child.wait().ok();
        // What has failed already is not to be hidden by what it has caused.
        if !thread::panicking() {
            self.hold_to_the_contract();
        }
    }
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, LogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, stderr: impl Read) {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let mut state = self.lock();
            state.lines.extend(serde_json::from_str::<Value>(&line));
            writeln!(state.text, "{line}").expect("writing to a String cannot fail");
            self.changed.notify_all();
        }
        self.lock().ended = true;
        self.changed.notify_all();
    }
}

impl Finished {
    /// The exit code.
    ///
    /// # Panics
    ///
    /// When a signal ended the process.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("ended by a signal: {self:?}"))
    }
}

/// Runs `etalon` with these arguments to its end.
///
/// # Panics
///
/// When it does not end in time; it is killed then.
pub fn run(arguments: &[&str]) -> Finished {
    run_in(Path::new("."), arguments, &[])
}

/// Runs `etalon` to its end in `folder`, with these environment variables on top.
pub fn run_in(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Finished {
    let mut child = Command::new(binary())
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be run");
    let stdout = read_to_end(child.stdout.take().expect("stdout is piped"));
    let stderr = read_to_end(child.stderr.take().expect("stderr is piped"));
    let deadline = deadline();
    let Ok(stdout) = stdout.recv_timeout(remaining(deadline)) else {
        child.kill().ok();
        let stderr = stderr.recv_timeout(WAIT).unwrap_or_default();
        panic!("{arguments:?} still runs after {WAIT:?}\n{stderr}");
    };
    let stderr = stderr.recv_timeout(remaining(deadline)).expect("stderr ends with the process");
    Finished { status: child.wait().expect("a child can be waited for"), stdout, stderr }
}

/// Reads on a thread, and sends all of it when it ends.
fn read_to_end(mut stream: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes).map(|_| String::from_utf8_lossy(&bytes).into_owned());
        // A test that has ended does not wait for it any more.
        sender.send(read.unwrap_or_default()).ok();
    });
    receiver
}

/// A port that nobody listened on a moment ago, for what must be refused.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback can be bound");
    listener.local_addr().expect("a bound listener has an address").port()
}
