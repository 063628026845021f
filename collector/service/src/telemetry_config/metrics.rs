//! `service.telemetry.metrics`: what the collector's own metrics tell, and where.

use etalon_conf::{Check, Validate};
use etalon_telemetry::{Level, Selection, Telemetry};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::readers::{PeriodicConfig, PullReader, ReaderConfig};
use super::views::ViewConfig;
use crate::push::Schedule;

/// The collector's own metrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MetricsConfig {
    /// How much is told: each level has the metrics of those before it, and the reference of the metrics says which
    /// level each is of.
    pub level: MetricsLevel,
    /// Where metrics can be read. A list that is written replaces the default as a whole.
    pub readers: Vec<ReaderConfig>,
    /// Metrics that no reader is told of. Only with `level: detailed`.
    pub views: Vec<ViewConfig>,
}

/// How much the metrics tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum MetricsLevel {
    #[serde(alias = "None")]
    None,
    #[serde(alias = "Basic")]
    Basic,
    #[default]
    #[serde(alias = "Normal")]
    Normal,
    #[serde(alias = "Detailed")]
    Detailed,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            level: MetricsLevel::default(),
            readers: vec![ReaderConfig::pull("localhost", 8888)],
            views: Vec::new(),
        }
    }
}

impl MetricsConfig {
    /// The endpoints for Prometheus.
    pub(crate) fn pull_readers(&self, telemetry: &Telemetry) -> Vec<PullReader> {
        let Some(selection) = self.selection() else { return Vec::new() };
        self.readers
            .iter()
            .filter_map(|reader| reader.pull_reader(&selection, telemetry.resource()))
            .collect()
    }

    /// What is pushed, and when.
    pub(crate) fn pushes(&self) -> Vec<(PeriodicConfig, Schedule)> {
        let Some(selection) = self.selection() else { return Vec::new() };
        let periodic = self.readers.iter().filter_map(|reader| reader.periodic.as_ref());
        let with_schedule = periodic.map(|periodic| {
            let schedule = Schedule {
                interval: periodic.interval(),
                timeout: periodic.timeout(),
                temporality: periodic.temporality(),
                selection: selection.clone(),
            };
            (periodic.clone(), schedule)
        });
        with_schedule.collect()
    }

    /// What readers are told; nothing when they are told nothing.
    fn selection(&self) -> Option<Selection> {
        let level = match self.level {
            MetricsLevel::None => return None,
            MetricsLevel::Basic => Level::Basic,
            MetricsLevel::Normal => Level::Normal,
            MetricsLevel::Detailed => Level::Detailed,
        };
        Some(Selection { level, dropped: self.views.iter().map(ViewConfig::selector).collect() })
    }
}

impl Validate for MetricsConfig {
    fn validate(&self, check: &mut Check) {
        if self.readers.is_empty() && self.level != MetricsLevel::None {
            check.error("collector telemetry metrics reader should exist when metric level is not none");
        }
        if self.level != MetricsLevel::Detailed && !self.views.is_empty() {
            check.at("views", |check| {
                check.error("can only be set when service::telemetry::metrics::level is detailed");
            });
        }
        check.field("views", &self.views);
        check.field("readers", &self.readers);
        let endpoints: Vec<_> = self.readers.iter().map(ReaderConfig::endpoint).collect();
        for (index, endpoint) in endpoints.iter().enumerate() {
            if let Some(endpoint) = endpoint
                && endpoints[..index].contains(&Some(endpoint.clone()))
            {
                check.at("readers", |check| {
                    check.at(index, |check| check.error(format!("another reader is at {endpoint} already")));
                });
            }
        }
    }
}
