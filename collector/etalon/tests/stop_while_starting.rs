//! A collector that is told to stop while it starts.

use std::process::{Command, ExitCode};
use std::sync::Arc;

use etalon::Distribution;
use etalon_component::{BoxError, BoxFuture, Component, Extension, ExtensionFactory, Host};
use etalon_conf::{Check, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

const CONFIGURATION: &str = "
receivers: {nop: }
exporters: {nop: }
extensions: {waiting: }
service:
  extensions: [waiting]
  telemetry: {metrics: {level: none}}
  pipelines: {logs: {receivers: [nop], exporters: [nop]}}
";

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
struct Config {}

impl Validate for Config {
    fn validate(&self, _: &mut Check) {}
}

/// Has the process told to stop, and waits for what never comes.
struct Waiting;

impl Component for Waiting {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        let kill = format!("kill -TERM {}", std::process::id());
        Box::pin(async move {
            Command::new("sh").args(["-c", &kill]).status()?;
            std::future::pending().await
        })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}

#[test]
fn a_start_that_hangs_does_not_keep_it_from_stopping() {
    let mut distribution = Distribution { default_config: CONFIGURATION, ..Distribution::default() };
    let factory = ExtensionFactory::new("waiting", |_, _: &Config| Ok(Extension::new(Arc::new(Waiting))));
    distribution.factories.extensions.push(factory);
    assert_eq!(etalon::run(&distribution, ["etalon".into()]), ExitCode::SUCCESS);
}
