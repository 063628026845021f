//! The collector's own spans and log lines, on their way to where `service.telemetry` sends them.

mod anew;
pub(crate) mod encoded;
mod queue;
mod records;
mod spans;
mod target;

use std::sync::Arc;
use std::time::Duration;

use etalon_component::{BoxError, BuildInfo, Host, Listening, data_type};
use etalon_pdata::Signal;
use etalon_telemetry::Telemetry;
use etalon_telemetry::attributes::DataType;
use tokio::time::Instant;

pub(crate) use self::anew::{Own, PlannedOwn, StartedOwn};
pub(crate) use self::records::{Record, Tap};
pub(crate) use self::target::{Prepared, Target, prepare, warn_of_feedback};

use self::queue::{Encode, Queue, Sender};
use crate::factories::Factories;
use crate::telemetry_config::{Pace, ProcessorConfig};

/// Longest time that a span waits where the configuration does not say.
const SPAN_DELAY: Duration = Duration::from_secs(5);
/// Longest time that a log line waits where the configuration does not say.
const RECORD_DELAY: Duration = Duration::from_secs(1);

/// The processors of one signal that can be started.
struct Planned {
    signal: Signal,
    data_type: DataType,
    processors: Vec<(Pace, Prepared)>,
}

/// The processors of one signal that run.
struct Running<T> {
    queues: Vec<Arc<Queue<T>>>,
    senders: Vec<(Sender, Arc<Target>)>,
    endpoints: Vec<String>,
}

impl Planned {
    fn new(
        signal: Signal,
        processors: &[ProcessorConfig],
        delay: Duration,
        factories: &Factories,
        build: &BuildInfo,
        telemetry: &Telemetry,
    ) -> Result<Self, BoxError> {
        let mut planned = Vec::new();
        for processor in processors {
            let Some(to) = processor.to() else { continue };
            planned.push((processor.pace(delay), prepare(to, signal, factories, build, telemetry)?));
        }
        Ok(Self { signal, data_type: data_type(signal)?, processors: planned })
    }

    async fn start<T: Send + Sync + 'static>(
        self,
        host: &Host,
        encode: impl Fn() -> Encode<T>,
    ) -> Result<Running<T>, BoxError> {
        let mut running = Running { queues: Vec::new(), senders: Vec::new(), endpoints: Vec::new() };
        for (pace, Prepared { target, endpoint }) in self.processors {
            target.start(host).await?;
            let (queue, target) = (Arc::new(Queue::new(pace)), Arc::new(target));
            let sender =
                Sender::spawn((self.signal, self.data_type), queue.clone(), target.clone(), encode());
            running.queues.push(queue);
            running.senders.push((sender, target));
            running.endpoints.extend(endpoint);
        }
        Ok(running)
    }
}

impl<T> Running<T> {
    fn warn_of_feedback(&self, data_type: DataType, listening: &[Listening]) {
        for endpoint in &self.endpoints {
            warn_of_feedback(data_type, endpoint, listening);
        }
    }

    /// Sends what waits, until `deadline` at the longest.
    async fn shutdown(self, deadline: Instant) {
        for (sender, target) in self.senders {
            sender.shutdown(deadline).await;
            target.shutdown(deadline).await;
        }
    }
}
