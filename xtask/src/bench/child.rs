//! Child processes that are pinned to a CPU and end with the harness.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, set_parent_process_death_signal};
use rustix::thread::{CpuSet, sched_setaffinity};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::error::Error;
use super::events::Event;

#[derive(Debug, clap::Args)]
pub(crate) struct LaunchArgs {
    /// CPU to run on
    #[arg(long)]
    cpu: Option<usize>,
    /// Program and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Becomes another program, on one CPU, which is asked to end when the harness does, however that ends.
pub(crate) fn launch(args: &LaunchArgs) -> Result<Infallible, Error> {
    if let Some(cpu) = args.cpu {
        let mut set = CpuSet::new();
        if cpu < CpuSet::MAX_CPU {
            set.set(cpu);
        }
        sched_setaffinity(None, &set).map_err(|source| Error::Pin { cpu, source: source.into() })?;
    }
    set_parent_process_death_signal(Some(Signal::TERM))
        .map_err(|source| Error::ParentDeathSignal(source.into()))?;
    let (program, arguments) = args.command.split_first().expect("clap requires a program");
    let source = std::process::Command::new(program).args(arguments).exec();
    Err(Error::Exec { program: program.to_string_lossy().into_owned(), source })
}

/// A running child. Dropping it kills it and all its descendants.
#[derive(Debug)]
pub(crate) struct Child {
    name: String,
    process: tokio::process::Child,
    /// The child leads a process group of its own, with this id.
    pid: u32,
    log: PathBuf,
    pipes: Option<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
}

/// How long a child that was asked to end may take.
const GRACE: Duration = Duration::from_secs(3);

impl Child {
    /// Starts a program whose output goes to a file in `folder`.
    pub(crate) fn program(
        name: &str,
        cpu: Option<usize>,
        command: &[String],
        folder: &Path,
    ) -> Result<Self, Error> {
        Self::spawn(name, cpu, command, folder, false)
    }

    /// Starts this program with other arguments; it prints events, and ends with its standard input.
    pub(crate) fn ours(
        name: &str,
        cpu: Option<usize>,
        arguments: &[String],
        folder: &Path,
    ) -> Result<Self, Error> {
        let mut command = vec![own_path()?, "bench".into(), name.into(), "--watch-stdin".into()];
        command.extend_from_slice(arguments);
        Self::spawn(name, cpu, &command, folder, true)
    }

    fn spawn(
        name: &str,
        cpu: Option<usize>,
        argv: &[String],
        folder: &Path,
        pipes: bool,
    ) -> Result<Self, Error> {
        let log = folder.join(format!("{name}.log"));
        let write = |source| Error::Write { path: log.clone(), source };
        let out = File::create(&log).map_err(write)?;
        let err = out.try_clone().map_err(write)?;
        let mut command = Command::new(own_path()?);
        command.args(["bench", "launch"]);
        if let Some(cpu) = cpu {
            command.args(["--cpu", &cpu.to_string()]);
        }
        command.arg("--").args(argv).process_group(0).kill_on_drop(true).stderr(err);
        if pipes {
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
        } else {
            command.stdin(Stdio::null()).stdout(out);
        }
        let spawn_error = |source| Error::Spawn { program: argv[0].clone(), source };
        let mut process = command.spawn().map_err(spawn_error)?;
        let pid = process.id().ok_or_else(|| spawn_error(std::io::ErrorKind::NotFound.into()))?;
        let pipes = process.stdin.take().zip(process.stdout.take().map(|out| BufReader::new(out).lines()));
        Ok(Self { name: name.to_owned(), process, pid, log, pipes })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// An error when the child has ended.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        match self.process.try_wait() {
            Ok(None) => Ok(()),
            _ => Err(Error::Ended { name: self.name.clone(), said: self.said() }),
        }
    }

    /// The next event that the child prints.
    pub(crate) async fn event(&mut self, what: &'static str, limit: Duration) -> Result<Event, Error> {
        let name = self.name.clone();
        let Some((_, lines)) = &mut self.pipes else {
            return Err(Error::Ended { name, said: "nothing, for it has no pipe".into() });
        };
        match timeout(limit, lines.next_line()).await {
            Err(_) => Err(Error::TooLate { name, what, limit, said: self.said() }),
            Ok(Err(source)) => Err(Error::Pipe { name, source }),
            Ok(Ok(None)) => Err(Error::Ended { name, said: self.said() }),
            Ok(Ok(Some(line))) => {
                serde_json::from_str(&line).map_err(|source| Error::Event { name, line, source })
            }
        }
    }

    /// Writes an empty line to the child.
    pub(crate) async fn ask(&mut self) -> Result<(), Error> {
        if let Some((input, _)) = &mut self.pipes {
            let asked = input.write_all(b"\n").await;
            asked.map_err(|source| Error::Pipe { name: self.name.clone(), source })?;
        }
        Ok(())
    }

    pub(crate) fn wrong(&self, event: &Event, expected: &'static str) -> Error {
        Error::WrongEvent { name: self.name.clone(), event: event.name().into(), expected }
    }

    /// Asks the child to end, and kills it when it does not.
    pub(crate) async fn end(self) {
        self.end_by(Signal::TERM, GRACE).await;
    }

    /// Ends it by a signal, and kills it when that takes longer.
    pub(crate) async fn end_by(mut self, signal: Signal, within: Duration) {
        self.pipes = None;
        self.signal(signal);
        drop(timeout(within, self.process.wait()).await);
    }

    /// Kills it, and does not wait.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// The last lines of what the child wrote to its log.
    pub(crate) fn said(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(5).collect();
        if lines.is_empty() {
            "nothing".into()
        } else {
            lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            // The only failure is that the group is gone, which is what is wanted.
            let _gone = kill_process_group(group, signal);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

fn own_path() -> Result<String, Error> {
    let path = std::env::current_exe().map_err(|source| Error::Spawn { program: "xtask".into(), source })?;
    Ok(path.to_string_lossy().into_owned())
}
