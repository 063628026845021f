//! What extensions are told of a configuration.

use std::time::SystemTime;

use etalon_component::{Outline, PipelineOutline};
use etalon_conf::Secrets;

use crate::config::{CollectorConfig, Pipeline};
use crate::extensions::Extensions;
use crate::graph::Graph;

/// Of a configuration that comes into service now.
pub(crate) fn outline(config: &CollectorConfig, graph: &Graph, extensions: &Extensions) -> Outline {
    #[expect(clippy::disallowed_methods, reason = "told to people, no decision depends on it")]
    let since = SystemTime::now();
    let pipeline = |pipeline: &Pipeline| PipelineOutline {
        id: pipeline.id.clone(),
        signal: pipeline.signal,
        receivers: pipeline.receivers.clone(),
        processors: pipeline.processors.clone(),
        exporters: pipeline.exporters.clone(),
    };
    Outline {
        since,
        pipelines: config.pipelines.iter().map(pipeline).collect(),
        connectors: config.connectors.keys().cloned().collect(),
        components: graph.statuses().chain(extensions.statuses()).collect(),
        configuration: config.to_value().to_yaml(Secrets::Redacted),
    }
}
