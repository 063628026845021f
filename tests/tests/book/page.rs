//! Runs a page from top to bottom.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use etalon_tests::eventually;

use crate::expectation::{is_part, is_whole};
use crate::fence::{Fence, Kind, fences};
use crate::folder::Folder;

/// How the README starts Etalon from the sources.
const FROM_SOURCES: &str = "cargo run --release -p etalon";
/// Programs that a page may use and a machine may lack.
const OPTIONAL: [&str; 3] = ["curl", "openssl", "python"];
/// Sections of a configuration.
const SECTIONS: [&str; 5] = ["receivers:", "processors:", "exporters:", "connectors:", "service:"];

/// What could not be run on this machine.
#[derive(Debug, Default)]
pub(crate) struct Skipped(Vec<String>);

/// A page that is being run.
struct Page<'a> {
    name: &'a str,
    folder: Folder,
    /// The commands before, and what they have printed; nothing when they have not been run.
    last: Option<(&'a str, String)>,
    is_last_skipped: bool,
    python: Option<PathBuf>,
    configurations: usize,
}

/// Runs a page, and says how many fences were run.
pub(crate) fn run(name: &str, text: &str, skipped: &mut Skipped) -> Result<usize, String> {
    let fences = fences(text).map_err(|problem| format!("{name}: {problem}"))?;
    let python = std::env::var_os("ETALON_SDK_PYTHON").map(PathBuf::from);
    let folder = Folder::new(python.as_deref());
    let mut page = Page { name, folder, last: None, is_last_skipped: false, python, configurations: 0 };
    let mut run = 0;
    for (index, fence) in fences.iter().enumerate() {
        let next = fences.get(index + 1).filter(|next| next.kind == Kind::Output);
        let done = page.step(fence, next, skipped);
        run += usize::from(done.map_err(|problem| format!("{name}:{}: {problem}", fence.line))?);
    }
    page.folder.stop().map_err(|problem| format!("{name}: at its end: {problem}"))?;
    Ok(run)
}

impl<'a> Page<'a> {
    /// Takes one fence, and says whether there was something to do. `shown` is the output that follows.
    fn step(
        &mut self,
        fence: &'a Fence,
        shown: Option<&Fence>,
        skipped: &mut Skipped,
    ) -> Result<bool, String> {
        if let Some(file) = fence.file() {
            self.folder.write(file, &fence.body);
        }
        match &fence.kind {
            Kind::NotRun(_) | Kind::Diagram | Kind::Include | Kind::Python => return Ok(false),
            Kind::Yaml => self.configuration(&fence.body)?,
            Kind::Output if self.is_last_skipped => return Ok(false),
            Kind::BackgroundOutput if self.is_last_skipped => return Ok(false),
            Kind::Output => self.compare(&fence.body)?,
            Kind::BackgroundOutput => self.find(&fence.body)?,
            Kind::Run { .. } | Kind::Background { .. } => {
                self.is_last_skipped = false;
                self.last = None;
                if let Some(program) = self.missing(&fence.body) {
                    self.is_last_skipped = true;
                    skipped.0.push(format!("{}:{} needs {program}", self.name, fence.line));
                    return Ok(false);
                }
                self.commands(fence, shown)?;
            }
        }
        Ok(true)
    }

    fn commands(&mut self, fence: &'a Fence, shown: Option<&Fence>) -> Result<(), String> {
        let commands = as_installed(&fence.body);
        match fence.kind {
            Kind::Background { restart } => {
                if restart {
                    self.folder.stop_latest()?;
                }
                self.folder.start(commands.trim())
            }
            Kind::Run { exit, eventually: true } => {
                let shown = shown.ok_or("`eventually` needs the output that is waited for")?;
                let mut last = String::new();
                let printed = eventually(&format!("{commands} prints\n{}", shown.body), || {
                    let ran = self.folder.run(&commands).ok()?;
                    last.clone_from(&ran.output);
                    (ran.status.code() == Some(exit) && is_whole(&shown.body, &ran.output))
                        .then_some(ran.output)
                });
                self.last = Some((&fence.body, printed));
                Ok(())
            }
            Kind::Run { exit, eventually: false } => {
                let ran = self.folder.run(&commands)?;
                if ran.status.code() != Some(exit) {
                    return Err(format!("{commands}{}, not {exit}:\n{}", ran.status, ran.output));
                }
                self.last = Some((&fence.body, ran.output));
                Ok(())
            }
            _ => Err("not a command".to_owned()),
        }
    }

    /// All that the commands before have printed.
    fn compare(&mut self, expected: &str) -> Result<(), String> {
        let (commands, printed) = self.last.take().ok_or("no commands before it have printed this")?;
        if is_whole(expected, &printed) {
            Ok(())
        } else {
            Err(format!("{commands}printed:\n{printed}\nand the page shows:\n{expected}"))
        }
    }

    /// Part of what the latest background process has printed.
    fn find(&self, expected: &str) -> Result<(), String> {
        let printed = || self.folder.background_output().unwrap_or_default();
        eventually(&format!("{}: a background process prints\n{expected}", self.name), || {
            is_part(expected, &printed()).then_some(())
        });
        Ok(())
    }

    /// A configuration must be valid; a part of one must be when it is laid over the default.
    fn configuration(&mut self, text: &str) -> Result<(), String> {
        let has = |section: &&str| text.lines().any(|line| line.starts_with(*section));
        if !SECTIONS.iter().any(has) {
            return Err("a configuration, or a part of one, has sections".to_owned());
        }
        self.configurations += 1;
        let file = format!("configuration-{}.yaml", self.configurations);
        self.folder.write(&file, text);
        let is_whole = ["receivers:", "exporters:", "service:"].iter().all(has);
        let base = if is_whole { "" } else { "etalon print-config > default.yaml\n" };
        let over = if is_whole { "" } else { "--config default.yaml " };
        let ran = self.folder.run(&format!("{base}etalon validate {over}--config {file}"))?;
        if ran.status.success() {
            Ok(())
        } else {
            Err(format!("this configuration is not valid:\n{}", ran.output))
        }
    }

    /// A program that the commands need and that is not there.
    fn missing(&self, commands: &str) -> Option<&'static str> {
        let words: Vec<&str> = commands.split_whitespace().collect();
        let mut used = OPTIONAL.into_iter().filter(|program| words.contains(program));
        used.find(|program| match *program {
            "python" => self.python.is_none(),
            other => !is_on_path(other),
        })
    }
}

fn is_on_path(program: &str) -> bool {
    let look = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    look.is_ok_and(|look| look.status.success())
}

/// The commands for someone who has `etalon` on the path.
fn as_installed(commands: &str) -> String {
    commands.replace(&format!("{FROM_SOURCES} -- "), "etalon ").replace(FROM_SOURCES, "etalon")
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} fences skipped", self.0.len())?;
        self.0.iter().try_for_each(|skipped| writeln!(f, "  {skipped}"))
    }
}

#[test]
fn the_sources_stand_for_what_is_installed() {
    assert_eq!(as_installed("cargo run --release -p etalon -- send --count 2\n"), "etalon send --count 2\n");
    assert_eq!(as_installed("cargo run --release -p etalon\n"), "etalon\n");
}

#[test]
fn a_page_that_is_wrong_fails_at_its_line() {
    for (page, why) in [
        ("```sh\necho a\n```\n```text\nb\n```\n", "page:4: echo a\nprinted:\na"),
        ("```sh\nfalse\n```\n", "page:1: false\nexit status: 1, not 0"),
        ("```sh\nfalse\necho a\n```\n", "page:1: false\necho a\nexit status: 1, not 0"),
        ("```sh exit=2\nfalse\n```\n", "not 2"),
        ("```text\na\n```\n", "no commands before it"),
        ("```yaml\na: b\n```\n", "has sections"),
        ("```yaml\nexporters:\n  debug:\n    loud: true\n```\n", "unknown key"),
        ("```sh background\netalon --config missing.yaml\n```\n", "missing.yaml"),
    ] {
        let failure = run("page", page, &mut Skipped::default()).expect_err(page);
        assert!(failure.contains(why), "{page}{failure}");
    }
}

#[test]
fn a_page_that_is_right_passes_and_its_fences_are_counted() {
    let page = "```yaml\n# file: a.yaml\nexporters:\n  debug:\n```\n```sh\ncat a.yaml | wc -l\n```\n```text\n3\n```\n";
    assert_eq!(run("page", page, &mut Skipped::default()), Ok(3));
}
