//! Tells in the collector's metrics how each pipeline gets on.

use std::sync::{Arc, Mutex, PoisonError};

use etalon_component::health::{self, Limits, Verdict};
use etalon_component::{Outline, PipelineOutline, Status};
use etalon_telemetry::Telemetry;
use etalon_telemetry::attributes::{Pipeline, Problem};
use etalon_telemetry::metrics::{PipelineAttributes, PipelineMetrics, PipelineReads};
use tokio_util::task::AbortOnDropHandle;

/// The series of the pipelines that run, and what looks at them.
pub(crate) struct Health {
    telemetry: Telemetry,
    latest: Arc<Mutex<Verdict>>,
    series: Vec<PipelineMetrics>,
    watching: Option<AbortOnDropHandle<()>>,
}

impl Health {
    /// All is well until somebody looks.
    pub(crate) fn new(telemetry: &Telemetry, outline: &Outline) -> Self {
        let latest = Arc::default();
        let series = series(telemetry, outline, &latest);
        Self { telemetry: telemetry.clone(), latest, series, watching: None }
    }

    /// Looks from now on, as long as this lives.
    pub(crate) fn start(&mut self, status: &Status) {
        let latest = self.latest.clone();
        let watching =
            health::watch(self.telemetry.clone(), status.clone(), Limits::default(), move |look| {
                *latest.lock().unwrap_or_else(PoisonError::into_inner) = look.verdict;
            });
        self.watching = Some(AbortOnDropHandle::new(tokio::spawn(watching)));
    }

    /// These pipelines run now.
    pub(crate) fn follow(&mut self, outline: &Outline) {
        // What stays is bound anew before it is let go of, so that its series does not end.
        self.series = series(&self.telemetry, outline, &self.latest);
    }
}

fn series(telemetry: &Telemetry, outline: &Outline, latest: &Arc<Mutex<Verdict>>) -> Vec<PipelineMetrics> {
    let of_pipeline = |pipeline: &PipelineOutline| {
        let id = pipeline.id.to_string();
        Problem::ALL.map(|problem| {
            let of = PipelineAttributes { pipeline: Pipeline(&id), problem };
            let (id, latest) = (id.clone(), latest.clone());
            let degraded = move || {
                let verdict = latest.lock().unwrap_or_else(PoisonError::into_inner);
                let findings = verdict.get(&id).map(Vec::as_slice).unwrap_or_default();
                u64::from(findings.iter().any(|finding| finding.what == problem))
            };
            PipelineMetrics::new(telemetry, of, PipelineReads { degraded })
        })
    };
    outline.pipelines.iter().flat_map(of_pipeline).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use etalon_pdata::LOGS;
    use etalon_telemetry::attributes::{DataType, Exporter, Outcome};
    use etalon_telemetry::metrics::{ExporterAttributes, ExporterMetrics};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_pipeline_whose_exporter_has_stalled_is_told_of_until_the_exporter_succeeds() {
        let telemetry = Telemetry::new(&[]);
        let of = ExporterAttributes { exporter: Exporter("out"), data_type: DataType::Logs };
        let exporter = ExporterMetrics::new(&telemetry, of);
        let pipeline = PipelineOutline {
            id: "logs".parse().unwrap(),
            signal: LOGS,
            receivers: Vec::new(),
            processors: Vec::new(),
            exporters: vec!["out".parse().unwrap()],
        };
        let outline = Outline { pipelines: vec![pipeline], ..Outline::default() };
        let status = Status::default();
        let mut health = Health::new(&telemetry, &outline);
        status.set_outline(outline);
        health.start(&status);
        let is_stalled = |value: u8| {
            let told = format!("etalon_pipeline_degraded{{pipeline=\"logs\",problem=\"stalled\"}} {value}\n");
            telemetry.prometheus_text().contains(&told)
        };
        let _working = exporter.in_flight_requests(1);
        tokio::time::sleep(Duration::from_secs(29)).await;
        assert!(is_stalled(0));
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(is_stalled(1));
        exporter.request_duration(Duration::from_secs(1), Outcome::Delivered);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(is_stalled(0));
    }
}
