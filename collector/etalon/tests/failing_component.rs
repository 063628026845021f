//! A component that cannot go on ends the collector.

use std::process::ExitCode;
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
extensions: {failing: }
service:
  extensions: [failing]
  telemetry: {metrics: {level: none}}
  pipelines: {logs: {receivers: [nop], exporters: [nop]}}
";

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
struct Config {}

impl Validate for Config {
    fn validate(&self, _: &mut Check) {}
}

/// Starts, and then finds that it cannot go on.
struct Failing;

impl Component for Failing {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(host.fatal().send(("failing".parse()?, "the disk is gone".into())).await?) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}

#[test]
fn whoever_restarts_it_after_a_failure_learns_that_it_was_one() {
    let mut distribution = Distribution { default_config: CONFIGURATION, ..Distribution::default() };
    let factory = ExtensionFactory::new("failing", |_, _: &Config| Ok(Extension::new(Arc::new(Failing))));
    distribution.factories.extensions.push(factory);
    assert_eq!(etalon::run(&distribution, ["etalon".into()]), ExitCode::FAILURE);
}
