//! A collector that is told to stop while a reload starts components.

use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use etalon::Distribution;
use etalon_component::{BoxError, BoxFuture, Component, Extension, ExtensionFactory, Host};
use etalon_conf::{Check, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

static STARTED: AtomicUsize = AtomicUsize::new(0);
static STOPPED: AtomicUsize = AtomicUsize::new(0);

/// A reload with `round: 2` in the file starts one that hangs.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Config {
    /// Which start it is of.
    round: u8,
    /// The file that this is in.
    file: String,
}

impl Validate for Config {
    fn validate(&self, _: &mut Check) {}
}

struct Waiting(Config);

fn kill(signal: &str) -> std::io::Result<()> {
    let kill = format!("kill -{signal} {}", std::process::id());
    Command::new("sh").args(["-c", &kill]).status().map(drop)
}

fn configuration(round: u8, file: &str) -> String {
    format!(
        "receivers: {{nop: }}
exporters: {{nop: }}
extensions: {{waiting: {{round: {round}, file: '{file}'}}}}
service:
  extensions: [waiting]
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{logs: {{receivers: [nop], exporters: [nop]}}}}
"
    )
}

impl Component for Waiting {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        STARTED.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            if self.0.round == 1 {
                std::fs::write(&self.0.file, configuration(2, &self.0.file))?;
                return Ok(kill("HUP")?);
            }
            kill("TERM")?;
            std::future::pending().await
        })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        STOPPED.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    }
}

#[test]
fn a_start_that_hangs_in_a_reload_does_not_keep_it_from_stopping_and_is_taken_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("collector.yaml").display().to_string();
    std::fs::write(&file, configuration(1, &file)).expect("a file");
    let mut distribution = Distribution::default();
    let factory = ExtensionFactory::new("waiting", |_, config: &Config| {
        Ok(Extension::new(Arc::new(Waiting(config.clone()))))
    });
    distribution.factories.extensions.push(factory);
    let arguments = ["etalon".into(), "--config".into(), file.into()];
    assert_eq!(etalon::run(&distribution, arguments), ExitCode::SUCCESS);
    let told = (STARTED.load(Ordering::SeqCst), STOPPED.load(Ordering::SeqCst));
    assert_eq!(told, (2, 2), "both are shut down");
}
