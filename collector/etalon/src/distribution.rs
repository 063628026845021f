//! What makes a distribution.

use etalon_component::{BuildInfo, Pair, Stability};
use etalon_pdata::{LOGS, METRICS, Signal, TRACES};
use etalon_service::Factories;

use crate::own_telemetry;

/// A named set of components with its default configuration.
#[derive(Debug)]
pub struct Distribution {
    /// Name and version.
    pub build: BuildInfo,
    /// The components and signals.
    pub factories: Factories,
    /// The configuration, in YAML, that runs when the command line names none.
    pub default_config: &'static str,
}

/// The signals that every component of Etalon supports as stable.
const STABLE: [Signal; 3] = [TRACES, METRICS, LOGS];

impl Default for Distribution {
    fn default() -> Self {
        let mut receivers = vec![etalon_receiver_nop::factory(), etalon_receiver_otlp::factory()];
        let mut exporters = vec![
            etalon_exporter_debug::factory(),
            etalon_exporter_nop::factory(),
            etalon_exporter_otlp_grpc::factory(),
            etalon_exporter_otlp_http::factory(),
        ];
        let mut processors =
            vec![etalon_memory_limiter::processor_factory(), etalon_processor_batch::factory()];
        let mut forward = etalon_connector_forward::factory();
        for signal in STABLE {
            receivers = receivers.into_iter().map(|f| f.with_signal(signal, Stability::Stable)).collect();
            exporters = exporters.into_iter().map(|f| f.with_signal(signal, Stability::Stable)).collect();
            processors = processors.into_iter().map(|f| f.with_signal(signal, Stability::Beta)).collect();
            forward = forward.with_pair(Pair::same(signal), Stability::Stable);
        }
        Self {
            build: BuildInfo {
                command: "etalon",
                description: "Etalon OpenTelemetry Collector",
                version: env!("CARGO_PKG_VERSION"),
            },
            factories: Factories {
                signals: STABLE.to_vec(),
                receivers,
                processors,
                exporters,
                connectors: vec![forward],
                extensions: vec![
                    etalon_extension_basicauth::factory(),
                    etalon_extension_bearertokenauth::factory(),
                    etalon_extension_file_storage::factory(),
                    etalon_extension_headers_setter::factory(),
                    etalon_extension_health_check::factory(),
                    etalon_memory_limiter::extension_factory(),
                    etalon_extension_zpages::factory(),
                ],
                own_telemetry: Some(own_telemetry::exporter),
            },
            default_config: include_str!("default.yaml"),
        }
    }
}
