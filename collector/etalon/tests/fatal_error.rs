//! A component that cannot go on, of which the distribution has none: a receiver that fails once it has
//! started.

use std::process::{Command, ExitCode};
use std::sync::Arc;

use etalon::Distribution;
use etalon_component::{BoxError, BoxFuture, Component, ComponentId, Host, ReceiverFactory, Stability};
use etalon_conf::{Check, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
struct Config {}

impl Validate for Config {
    fn validate(&self, _: &mut Check) {}
}

struct Failing(ComponentId);

impl Component for Failing {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        let (fatal, id) = (host.fatal(), self.0.clone());
        Box::pin(async move {
            tokio::spawn(async move { fatal.send((id, "the socket is gone".into())).await });
            Ok(())
        })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}

const CONFIGURATION: &str = "yaml:
receivers: {failing/one: }
exporters: {nop: }
service:
  telemetry: {logs: {encoding: json}, metrics: {level: none}}
  pipelines:
    logs: {receivers: [failing/one], exporters: [nop]}
";

/// The log is that of a process, so that the test runs itself again.
#[test]
fn a_component_that_cannot_go_on_ends_the_process_in_order_with_status_0() {
    const AGAIN: &str = "ETALON_TEST_FATAL_ERROR";
    if std::env::var_os(AGAIN).is_some() {
        let mut distribution = Distribution::default();
        let mut failing =
            ReceiverFactory::new::<Config>("failing", |settings, _, _| Ok(Arc::new(Failing(settings.id))));
        for signal in &distribution.factories.signals {
            failing = failing.with_signal(*signal, Stability::Alpha);
        }
        distribution.factories.receivers.push(failing);
        let code = etalon::run(&distribution, ["etalon", "--config", CONFIGURATION].map(Into::into));
        assert_eq!(code, ExitCode::SUCCESS);
        return;
    }
    let name = "a_component_that_cannot_go_on_ends_the_process_in_order_with_status_0";
    let mut again = Command::new(std::env::current_exe().unwrap());
    let ended = again.args(["--exact", name, "--nocapture"]).env(AGAIN, "1").output().unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success(), "{log}");
    let told = |message: &str| {
        log.lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find(|line| line["msg"] == message)
            .unwrap_or_else(|| panic!("{message:?} is not in\n{log}"))
    };
    let error = told("Asynchronous error received, terminating process");
    assert_eq!((&error["level"], &error["component"]), (&"error".into(), &"failing/one".into()), "{error}");
    assert_eq!(error["error"], "the socket is gone");
    told("Shutdown complete.");
}
