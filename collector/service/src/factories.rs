//! The components that a distribution offers.

use etalon_component::{ExporterFactory, ProcessorFactory, ReceiverFactory};
use etalon_pdata::Signal;

/// What a distribution is made of: the signals it carries and the factories of its components.
#[derive(Debug, Default)]
pub struct Factories {
    /// Signals that pipelines may carry.
    pub signals: Vec<Signal>,
    /// Receivers.
    pub receivers: Vec<ReceiverFactory>,
    /// Processors.
    pub processors: Vec<ProcessorFactory>,
    /// Exporters.
    pub exporters: Vec<ExporterFactory>,
}

impl Factories {
    /// The receiver factory of a type, by its name or an alias.
    pub fn receiver(&self, kind: &str) -> Option<&ReceiverFactory> {
        self.receivers.iter().find(|factory| factory.kind() == kind || factory.aliases().contains(&kind))
    }

    /// The processor factory of a type, by its name or an alias.
    pub fn processor(&self, kind: &str) -> Option<&ProcessorFactory> {
        self.processors.iter().find(|factory| factory.kind() == kind || factory.aliases().contains(&kind))
    }

    /// The exporter factory of a type, by its name or an alias.
    pub fn exporter(&self, kind: &str) -> Option<&ExporterFactory> {
        self.exporters.iter().find(|factory| factory.kind() == kind || factory.aliases().contains(&kind))
    }
}
