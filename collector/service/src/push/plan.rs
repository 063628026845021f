//! Which pushes there are to be, and which of them there are already.

use etalon_component::{BoxError, BuildInfo, Host};
use etalon_pdata::METRICS;
use etalon_telemetry::Telemetry;
use etalon_telemetry::attributes::DataType;
use tokio::time::Instant;

use super::{Push, Schedule};
use crate::factories::Factories;
use crate::own::{Prepared, prepare, warn_of_feedback};
use crate::telemetry_config::{MetricsConfig, PeriodicConfig};

/// A push that can be started.
#[derive(Debug)]
pub(crate) struct Planned {
    key: Key,
    schedule: Schedule,
    target: Prepared,
}

/// A push that runs.
#[derive(Debug)]
pub(crate) struct Running {
    key: Key,
    push: Push,
}

/// Two pushes with the same key are the same.
type Key = (PeriodicConfig, Schedule);

/// The pushes of a configuration: those of `running` that stay, by their number, and those that are new.
pub(crate) fn plan(
    config: &MetricsConfig,
    running: &[Running],
    factories: &Factories,
    build: &BuildInfo,
    telemetry: &Telemetry,
) -> Result<(Vec<usize>, Vec<Planned>), BoxError> {
    let (mut kept, mut new) = (Vec::new(), Vec::new());
    for (periodic, schedule) in config.pushes() {
        let key = (periodic, schedule.clone());
        let same = |(index, known): (usize, &Running)| known.key == key && !kept.contains(&index);
        if let Some(index) = running.iter().enumerate().position(same) {
            kept.push(index);
            continue;
        }
        let Some(to) = key.0.to() else { continue };
        let target = prepare(to, METRICS, factories, build, telemetry)?;
        new.push(Planned { key, schedule, target });
    }
    Ok((kept, new))
}

impl Planned {
    pub(crate) async fn start(self, telemetry: &Telemetry, host: &Host) -> Result<Running, BoxError> {
        let Self { key, schedule, target: Prepared { target, endpoint } } = self;
        let push = Push::start(schedule, telemetry.clone(), target, host).await?;
        if let Some(endpoint) = endpoint {
            warn_of_feedback(DataType::Metrics, &endpoint, &host.listening());
        }
        Ok(Running { key, push })
    }
}

impl Running {
    pub(crate) async fn shutdown(self, deadline: Instant) {
        self.push.shutdown(deadline).await;
    }
}
