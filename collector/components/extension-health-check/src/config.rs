//! What users write.

use etalon_component::health::Limits;
use etalon_conf::{Check, Duration, Optional, Validate};
use etalon_net::server::{HttpServerConfig, Unsupported};
use http::Uri;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where liveness is told.
pub(crate) const LIVE: &str = "/livez";
/// Where readiness is told.
pub(crate) const READY: &str = "/readyz";
/// Where is told how the pipelines get on.
pub(crate) const STATUS: &str = "/status";

/// Longest time over which failures are counted.
const INTERVAL_MAX: Duration = Duration::from_secs(60 * 60);

/// Tells probes and load balancers how the collector is: at `path`, `/livez`, `/readyz` and `/status`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(from = "(HttpServerConfig, Own)", into = "(HttpServerConfig, Own)")]
pub struct Config {
    /// The server.
    pub server: HttpServerConfig,
    /// What is told.
    pub own: Own,
}

/// What is told.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Own {
    /// Path at which is told, as the Go collector does, whether the collector is ready. It begins with a slash.
    pub path: String,
    /// What is answered at `path` instead of JSON.
    pub response_body: Optional<ResponseBody>,
    /// Whether `path` tells of exporters that fail, too.
    pub check_collector_pipeline: PipelineCheck,
    /// When a pipeline counts as degraded, and the process as stuck.
    pub progress: Progress,
    /// Another extension of the Go collector in its place.
    pub use_v2: Unsupported,
    /// Of that other extension.
    pub http: Unsupported,
    /// Of that other extension.
    pub grpc: Unsupported,
    /// Of that other extension.
    pub component_health: Unsupported,
}

/// Texts in place of JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ResponseBody {
    /// While the collector is ready.
    pub healthy: String,
    /// While it is not.
    pub unhealthy: String,
}

/// Makes `path` answer 503 while exporters fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PipelineCheck {
    /// Whether it does.
    pub enabled: bool,
    /// Over which time failures are counted, up to 1 h.
    pub interval: Duration,
    /// Most attempts to send that may fail in that time, over all exporters.
    pub exporter_failure_threshold: u64,
}

/// When a pipeline counts as degraded, and the process as stuck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Progress {
    /// An exporter that has work and no success for this time has stalled. One whose queue holds requests of which
    /// none is under way has ten times as long.
    pub stalled_after: Duration,
    /// What was refused or lost counts for this time.
    pub recent: Duration,
    /// The process is stuck when it has not looked at its own metrics for this time, which it does every second.
    pub live_within: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { server: HttpServerConfig::of_site("localhost:13133"), own: Own::default() }
    }
}

impl Default for Own {
    fn default() -> Self {
        Self {
            path: "/".to_owned(),
            response_body: Optional::none(),
            check_collector_pipeline: PipelineCheck::default(),
            progress: Progress::default(),
            use_v2: Unsupported::default(),
            http: Unsupported::default(),
            grpc: Unsupported::default(),
            component_health: Unsupported::default(),
        }
    }
}

impl Default for PipelineCheck {
    fn default() -> Self {
        let interval = Limits::default().interval.into();
        Self { enabled: false, interval, exporter_failure_threshold: 5 }
    }
}

impl Default for Progress {
    fn default() -> Self {
        let Limits { stalled_after, recent, .. } = Limits::default();
        Self {
            stalled_after: stalled_after.into(),
            recent: recent.into(),
            live_within: Duration::from_secs(30),
        }
    }
}

etalon_conf::joined!(Config { server: HttpServerConfig, own: Own });

impl Validate for Config {
    fn validate(&self, check: &mut Check) {
        self.server.validate(check);
        let Own { path, check_collector_pipeline, progress, use_v2, http, grpc, component_health, .. } =
            &self.own;
        check.at("path", |check| {
            if !path.starts_with('/') || path.parse::<Uri>().is_ok_and(|uri| uri.query().is_some()) {
                check.error("must begin with a slash, and have no query");
            }
            if [LIVE, READY, STATUS].contains(&path.as_str()) {
                check.error_with_help(
                    format!("something else is told at {path}"),
                    "choose another path; liveness is at /livez, readiness at /readyz whatever this says",
                );
            }
        });
        check.at("check_collector_pipeline", |check| {
            let interval = check_collector_pipeline.interval;
            if interval.is_negative() || interval.is_zero() || interval > INTERVAL_MAX {
                check.at("interval", |check| check.error("must be more than 0 and 1h at most"));
            }
        });
        check.at("progress", |check| {
            let Progress { stalled_after, recent, live_within } = *progress;
            for (key, duration) in
                [("stalled_after", stalled_after), ("recent", recent), ("live_within", live_within)]
            {
                if duration < Duration::from_secs(2) {
                    let help = "the collector looks at its metrics once a second";
                    check.at(key, |check| check.error_with_help("must be 2s at least", help));
                }
            }
        });
        check.field("use_v2", use_v2);
        check.field("http", http);
        check.field("grpc", grpc);
        check.field("component_health", component_health);
    }
}
