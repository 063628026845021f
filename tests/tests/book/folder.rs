//! Where a page runs, and what its commands find there.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::{env, fs};

use etalon_tests::{binary, eventually};
use tempfile::TempDir;

/// Line that a collector writes when it takes data.
const READY: &str = "Everything is ready. Begin running and processing data.";

/// A folder for the files of a page, with `etalon`, and `python` if there is one, on the path.
pub(crate) struct Folder {
    /// `files`, where commands run; `bin`; and the output of background processes.
    temporary: TempDir,
    path: OsString,
    background: Vec<Background>,
    started: usize,
}

/// A command that goes on.
struct Background {
    process: Process,
    output: PathBuf,
}

/// A process and those that it starts; dropping it kills them.
struct Process(Child);

/// What a command did.
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    /// Standard output and standard error in one, as on a terminal.
    pub(crate) output: String,
}

impl Folder {
    /// `python` is the interpreter that has the SDK.
    pub(crate) fn new(python: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let bin = folder.path().join("bin");
        for new in [&bin, &folder.path().join("files")] {
            fs::create_dir(new).expect("a temporary folder can be filled");
        }
        std::os::unix::fs::symlink(binary(), bin.join("etalon")).expect("a link can be made");
        let mut path = vec![bin];
        path.extend(python.and_then(Path::parent).map(Path::to_owned));
        path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let path = env::join_paths(path).expect("what was split can be joined");
        Self { temporary: folder, path, background: Vec::new(), started: 0 }
    }

    /// Writes a file of the page.
    pub(crate) fn write(&self, name: &str, content: &str) {
        fs::write(self.files().join(name), content).expect("a file can be written to a temporary folder");
    }

    /// Runs commands to their end.
    pub(crate) fn run(&mut self, commands: &str) -> Result<Ran, String> {
        let output = self.output_file();
        let mut process = self.spawn(&format!("set -e\n{commands}"), &output)?;
        let status = eventually(&format!("these commands end: {commands}"), || process.ended());
        Ok(Ran { status, output: read(&output) })
    }

    /// Starts a command that goes on, and waits until it is ready.
    pub(crate) fn start(&mut self, command: &str) -> Result<(), String> {
        let output = self.output_file();
        let mut process = self.spawn(&format!("exec env {command}"), &output)?;
        eventually(&format!("this is ready: {command}"), || {
            let ended = process.ended();
            match (read(&output).contains(READY), ended) {
                (true, _) => Some(Ok(())),
                (false, Some(status)) => Some(Err(format!("{command}: {status}\n{}", read(&output)))),
                (false, None) => None,
            }
        })?;
        self.background.push(Background { process, output });
        Ok(())
    }

    /// What the latest background process has printed.
    pub(crate) fn background_output(&self) -> Option<String> {
        self.background.last().map(|background| read(&background.output))
    }

    /// Stops the latest background process as Ctrl-C and a supervisor would; it must end well.
    pub(crate) fn stop_latest(&mut self) -> Result<(), String> {
        let Some(mut stopped) = self.background.pop() else { return Ok(()) };
        stopped.process.signal("TERM");
        let status = eventually("a background process ends when it is stopped", || stopped.process.ended());
        if status.success() {
            Ok(())
        } else {
            Err(format!("a background process ended with {status}:\n{}", read(&stopped.output)))
        }
    }

    /// Stops all background processes, the latest first.
    pub(crate) fn stop(&mut self) -> Result<(), String> {
        while !self.background.is_empty() {
            self.stop_latest()?;
        }
        Ok(())
    }

    fn files(&self) -> PathBuf {
        self.temporary.path().join("files")
    }

    fn output_file(&mut self) -> PathBuf {
        self.started += 1;
        self.temporary.path().join(format!("output-{}", self.started))
    }

    fn spawn(&self, script: &str, output: &Path) -> Result<Process, String> {
        let file = fs::File::create(output).map_err(|error| error.to_string())?;
        let both = file.try_clone().map_err(|error| error.to_string())?;
        let child = Command::new("sh")
            .args(["-c", script])
            .env("PATH", &self.path)
            .current_dir(self.files())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(both)
            .spawn();
        child.map(Process).map_err(|error| format!("sh: {error}"))
    }
}

impl Process {
    fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("a child can be waited for")
    }

    /// Sends a signal to it and to all that it has started.
    fn signal(&self, name: &str) {
        let kill = format!("kill -s {name} -- -{}", self.0.id());
        // It may have ended by itself: its status tells.
        Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status().ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.0.try_wait().is_ok_and(|status| status.is_none()) {
            self.signal("KILL");
            self.0.wait().ok();
        }
    }
}

/// Shows what a page that ends with a panic has printed.
impl Drop for Folder {
    #[expect(clippy::print_stdout, reason = "whoever reads the failure needs it")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            for number in 1..=self.started {
                let output = read(&self.temporary.path().join(format!("output-{number}")));
                println!("--- printed by command {number} of the page:\n{output}");
            }
        }
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}
