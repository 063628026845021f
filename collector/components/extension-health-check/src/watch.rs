//! Keeps what the latest look at the pipelines has found, and tells when a pipeline changes.

use std::sync::{Arc, Mutex, PoisonError};

use etalon_component::Status;
use etalon_component::health::{self, Limits, Look, Verdict};
use etalon_telemetry::{Telemetry, tell};

/// What the latest look has found. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Latest(Arc<Mutex<Look>>);

impl Latest {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Look::nothing())))
    }

    pub(crate) fn get(&self) -> Look {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, look: Look) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = look;
    }
}

/// Looks for ever.
pub(crate) async fn watch(telemetry: Telemetry, status: Status, limits: Limits, latest: Latest) {
    let each = |look: Look| {
        tell_changes(&latest.get().verdict, &look.verdict);
        latest.set(look);
    };
    health::watch(telemetry, status, limits, each).await;
}

fn tell_changes(before: &Verdict, now: &Verdict) {
    for (pipeline, findings) in now {
        let was = before.get(pipeline).is_some_and(|findings| !findings.is_empty());
        match findings.first() {
            Some(finding) if !was => {
                let problem = format!("{} {}: {}", finding.role, finding.id, finding.text);
                tell!(PipelineDegraded { otelcol_pipeline_id: pipeline, error: &problem });
            }
            None if was => tell!(PipelineRecovered { otelcol_pipeline_id: pipeline }),
            Some(_) | None => {}
        }
    }
}
