//! From the signal that asks for it to the end: not ready any more, then no new data, then nothing left.

use etalon_component::{BoxError, ComponentId};
use etalon_service::{Collector, Role, ShutdownConfig};
use etalon_telemetry::attributes::{Signal as OsSignal, StopReason};
use etalon_telemetry::tell;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep};

use crate::command::{CommandError, given_up, reason};

/// The signals that ask for a shutdown. From when this is there, none ends the process without one.
pub(crate) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

/// What is still to be done once the collector is to stop.
pub(crate) struct Shutdown {
    pub(crate) config: ShutdownConfig,
    pub(crate) stop: Stop,
}

type Failures = Vec<(Role, ComponentId, BoxError)>;

impl Stop {
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one, and tells of it.
    pub(crate) async fn asked(&mut self) -> StopReason {
        let (signal, reason) = tokio::select! {
            _ = self.terminate.recv() => (OsSignal::Terminated, StopReason::Terminated),
            _ = self.interrupt.recv() => (OsSignal::Interrupt, StopReason::Interrupt),
        };
        tell!(ServiceSignalReceived { signal });
        reason
    }
}

impl Shutdown {
    /// Takes the collector out of service. A second signal ends all waiting, a third one the process.
    ///
    /// # Errors
    /// There was a second signal.
    pub(crate) async fn run(
        mut self,
        collector: &mut Collector,
        ended: &Result<StopReason, CommandError>,
    ) -> Result<Failures, CommandError> {
        let deadline = Instant::now() + self.config.timeout.to_std();
        let is_patient = if ended.is_ok() { self.lame_duck(collector).await } else { true };
        tell!(ServiceStopping { stop_reason: reason(ended) });
        if is_patient {
            tokio::select! {
                biased;
                _ = self.stop.asked() => {}
                failures = collector.shutdown(deadline) => return Ok(failures),
            }
        }
        tell!(ServiceStopForced);
        tokio::select! {
            biased;
            _ = self.stop.asked() => exit(),
            _ = collector.shutdown(Instant::now()) => Err(CommandError::StopForced),
        }
    }

    /// Is not ready any more, and takes data for a while. Whether it may go on to take its time.
    async fn lame_duck(&mut self, collector: &mut Collector) -> bool {
        let (was_ready, duration) = (collector.become_lame_duck(), self.config.lame_duck);
        if !was_ready || duration.is_zero() {
            return true;
        }
        tell!(ServiceLameDuck { duration: &duration });
        tokio::select! {
            biased;
            _ = self.stop.asked() => false,
            () = sleep(duration.to_std()) => true,
            // Without that component there is nothing worth waiting for.
            failed = collector.failed() => {
                given_up(failed);
                true
            }
        }
    }
}

fn exit() -> ! {
    #[expect(clippy::exit, reason = "the person asked three times")]
    std::process::exit(1)
}
