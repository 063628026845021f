//! A component that cannot go on ends the collector.

use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
  telemetry: {logs: {encoding: json}, metrics: {level: none}}
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
        WAS_SHUT_DOWN.store(true, Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    }
}

static WAS_SHUT_DOWN: AtomicBool = AtomicBool::new(false);

/// Set where the test is the collector.
const IS_COLLECTOR: &str = "ETALON_TEST_FAILING_COMPONENT";

/// The log is that of a process, so the test runs itself again.
#[test]
fn whoever_restarts_it_after_a_failure_learns_that_it_was_one() {
    if std::env::var_os(IS_COLLECTOR).is_some() {
        let mut distribution = Distribution { default_config: CONFIGURATION, ..Distribution::default() };
        let factory = ExtensionFactory::new("failing", |_, _: &Config| Ok(Extension::new(Arc::new(Failing))));
        distribution.factories.extensions.push(factory);
        assert_eq!(etalon::run(&distribution, ["etalon".into()]), ExitCode::FAILURE);
        assert!(WAS_SHUT_DOWN.load(Ordering::Relaxed));
        return;
    }
    let name = "whoever_restarts_it_after_a_failure_learns_that_it_was_one";
    let mut again = Command::new(std::env::current_exe().unwrap());
    let ended = again.args(["--exact", name, "--nocapture"]).env(IS_COLLECTOR, "1").output().unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success(), "{log}");
    let error = log
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find(|line| line["msg"] == "Asynchronous error received, terminating process")
        .unwrap_or_else(|| panic!("{log}"));
    assert_eq!(
        (&error["level"], &error["otelcol.component.id"]),
        (&"error".into(), &"failing".into()),
        "{error}"
    );
    assert_eq!(error["error"], "the disk is gone");
    assert!(log.contains("Error: \"failing\" cannot go on: the disk is gone"), "{log}");
}
