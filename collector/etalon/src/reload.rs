//! SIGHUP: the configuration is read again, and replaces the one that runs if it can.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::mpsc;
use std::thread::Scope;

use etalon_service::{Collector, Logging, ShutdownConfig, TelemetryConfig, chain};
use etalon_telemetry::tell;
use tokio::sync::oneshot;

use crate::Distribution;
use crate::load::{LoadError, Loaded};

type Answer = oneshot::Sender<Result<Loaded, LoadError>>;

/// A thread that reads configurations. It ends when this is dropped.
pub(crate) struct Loader(mpsc::SyncSender<Answer>);

impl Loader {
    pub(crate) fn spawn<'scope>(
        scope: &'scope Scope<'scope, '_>,
        load: impl Fn() -> Result<Loaded, LoadError> + Send + 'scope,
    ) -> Self {
        let (ask, asked) = mpsc::sync_channel::<Answer>(1);
        scope.spawn(move || {
            for answer in asked {
                // Nobody waits any more when the collector is to stop.
                answer.send(load()).ok();
            }
        });
        Self(ask)
    }

    /// Reads the configuration.
    ///
    /// # Panics
    /// When reading it panics.
    pub(crate) async fn load(&self) -> Result<Loaded, LoadError> {
        let (answer, loaded) = oneshot::channel();
        self.0.try_send(answer).expect("the thread waits for one question at a time");
        loaded.await.expect("the thread answers")
    }
}

/// What a reload needs besides the collector.
pub(crate) struct Reloading<'a> {
    pub(crate) distribution: &'a Distribution,
    pub(crate) loader: Loader,
    pub(crate) logging: Logging,
    /// Stays for the life of the process.
    pub(crate) resource: &'a BTreeMap<String, String>,
}

impl Reloading<'_> {
    /// Reads the configuration and replaces what runs, or says why it stays. `telemetry` and `shutdown` are those of
    /// the configuration in service.
    pub(crate) async fn reload(
        &mut self,
        telemetry: &mut TelemetryConfig,
        shutdown: &mut ShutdownConfig,
        collector: &mut Collector,
    ) {
        let loaded = match self.loader.load().await {
            Ok(loaded) => loaded,
            Err(error) => {
                collector.count_refused_reload();
                for problem in error.problems() {
                    tell!(ConfigProblem {
                        problem: &problem.message(),
                        path: &problem.path(),
                        place: problem.origin().map(|place| place as &dyn Display),
                        help: problem.help().as_ref().map(|help| help as &dyn Display),
                    });
                }
                return refused(error.summary());
            }
        };
        for warning in &loaded.warnings {
            tell!(ConfigWarning { warning });
        }
        let new = &loaded.config.telemetry;
        let log = match Logging::prepare(&new.logs, self.resource) {
            Ok(log) => log,
            Err(error) => {
                collector.count_refused_reload();
                return refused(&chain(&error));
            }
        };
        if new.resource != telemetry.resource {
            tell!(ConfigResourceKept { path: &"service::telemetry::resource" });
        }
        let Distribution { factories, build, .. } = self.distribution;
        match collector.reload(&loaded.config, factories, build).await {
            Ok(etalon_service::Reloaded { kept, started, stopped }) => {
                self.logging.set(log);
                (*telemetry, *shutdown) = (loaded.config.telemetry, loaded.config.shutdown);
                tell!(ConfigReloadSucceeded {
                    kept: kept.into(),
                    started: started.into(),
                    stopped: stopped.into(),
                });
            }
            Err(error) => refused(&chain(&error)),
        }
    }
}

fn refused(error: &str) {
    tell!(ConfigReloadFailed { error: &error });
}
