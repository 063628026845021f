//! The components that a distribution offers.

use etalon_component::{
    BoxError, ConnectorFactory, ExporterFactory, ExtensionFactory, Factory, ProcessorFactory,
    ReceiverFactory, Settings, Stage,
};
use etalon_pdata::Signal;

use crate::telemetry_config::OtlpPush;

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
    /// Connectors.
    pub connectors: Vec<ConnectorFactory>,
    /// Extensions.
    pub extensions: Vec<ExtensionFactory>,
    /// Creates what sends the collector's own telemetry as OTLP; nothing where it cannot be sent.
    pub own_telemetry: Option<fn(&OtlpPush, Settings) -> Result<Stage, BoxError>>,
}

impl Factories {
    /// The receiver factory of a type, by its name or an alias.
    pub fn receiver(&self, kind: &str) -> Option<&ReceiverFactory> {
        of_kind(&self.receivers, kind)
    }

    /// The processor factory of a type, by its name or an alias.
    pub fn processor(&self, kind: &str) -> Option<&ProcessorFactory> {
        of_kind(&self.processors, kind)
    }

    /// The exporter factory of a type, by its name or an alias.
    pub fn exporter(&self, kind: &str) -> Option<&ExporterFactory> {
        of_kind(&self.exporters, kind)
    }

    /// The connector factory of a type, by its name or an alias.
    pub fn connector(&self, kind: &str) -> Option<&ConnectorFactory> {
        of_kind(&self.connectors, kind)
    }

    /// The extension factory of a type, by its name or an alias.
    pub fn extension(&self, kind: &str) -> Option<&ExtensionFactory> {
        of_kind(&self.extensions, kind)
    }
}

fn of_kind<'a, C: ?Sized>(factories: &'a [Factory<C>], kind: &str) -> Option<&'a Factory<C>> {
    factories.iter().find(|factory| factory.kind() == kind || factory.aliases().contains(&kind))
}
