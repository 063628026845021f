//! Turns `service.telemetry` into a resource and a log.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};

use etalon_component::{BuildInfo, LastErrors};
use serde_json::{Map, Value};
use tracing::Level;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::logs::{Encoding, Lines, Outputs, RESOURCE, Sampling, Style, Switch};
use crate::own::Tap;
use crate::telemetry_config::{LogEncoding, LogLevel, LogsConfig, TelemetryConfig};

/// The log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogSetupError {
    /// A file of `output_paths` could not be opened.
    #[error("failed to create logger: cannot open \"{path}\"")]
    Open {
        /// The path as configured.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// Something else in this process logs already.
    #[error("failed to create logger")]
    Install(#[source] tracing::subscriber::SetGlobalDefaultError),
}

/// The attributes of the resource: the defaults, then what the configuration sets or removes.
pub fn resource(config: &TelemetryConfig, build: &BuildInfo) -> BTreeMap<String, String> {
    let mut resource = BTreeMap::from([
        ("service.name".to_owned(), build.command.to_owned()),
        ("service.version".to_owned(), build.version.to_owned()),
        ("service.instance.id".to_owned(), random_uuid()),
    ]);
    for (key, value) in &config.resource {
        match value {
            Some(value) => resource.insert(key.clone(), value.clone()),
            None => resource.remove(key),
        };
    }
    resource
}

/// The log of this process.
#[derive(Debug)]
pub struct Logging {
    switch: Switch,
    /// Where lines can be taken from to be sent.
    pub(crate) tap: Tap,
    /// The last error of each component that a line has told.
    pub(crate) errors: LastErrors,
}

impl Logging {
    /// Makes `config` the log of this process. Call it once.
    pub fn start(config: &LogsConfig, resource: &BTreeMap<String, String>) -> Result<Self, LogSetupError> {
        let tap = Tap::default();
        let errors = LastErrors::default();
        let (lines, switch) = Lines::new(style(config, resource)?, tap.clone(), errors.clone());
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines))
            .map_err(LogSetupError::Install)?;
        Ok(Self { switch, tap, errors })
    }

    /// Opens the files that `config` names, and changes nothing yet.
    pub fn prepare(
        config: &LogsConfig,
        resource: &BTreeMap<String, String>,
    ) -> Result<PreparedLog, LogSetupError> {
        style(config, resource).map(PreparedLog)
    }

    /// Reads how many lines sampling has left out.
    pub(crate) fn suppressed(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        self.switch.suppressed()
    }

    /// Changes the log to what was prepared.
    pub fn set(&self, PreparedLog(style): PreparedLog) {
        self.switch.set(style);
    }
}

/// Another log for this process, ready to take the place of the one that there is.
pub struct PreparedLog(Style);

impl std::fmt::Debug for PreparedLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PreparedLog").finish_non_exhaustive()
    }
}

fn style(config: &LogsConfig, resource: &BTreeMap<String, String>) -> Result<Style, LogSetupError> {
    let mut fields: Map<String, Value> = Map::new();
    if !config.disable_zap_resource {
        fields.insert(
            RESOURCE.to_owned(),
            resource.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect(),
        );
    }
    fields.extend(config.initial_fields.clone());
    let outputs =
        |paths: &[String]| paths.iter().map(|path| open(path)).collect::<Result<_, _>>().map(Outputs);
    Ok(Style {
        encoding: match config.encoding {
            LogEncoding::Console => Encoding::Console,
            LogEncoding::Json => Encoding::Json,
        },
        level: match config.level {
            LogLevel::Debug => Level::DEBUG,
            LogLevel::Info => Level::INFO,
            LogLevel::Warn => Level::WARN,
            LogLevel::Error | LogLevel::Dpanic | LogLevel::Panic | LogLevel::Fatal => Level::ERROR,
        },
        sampling: config.sampling.as_ref().filter(|sampling| sampling.enabled).map(|sampling| Sampling {
            tick: sampling.tick.to_std(),
            initial: sampling.initial,
            thereafter: sampling.thereafter,
        }),
        caller: !config.disable_caller,
        fields,
        out: outputs(&config.output_paths)?,
        errors: outputs(&config.error_output_paths)?,
    })
}

fn open(path: &str) -> Result<Box<dyn Write + Send>, LogSetupError> {
    match path {
        "stderr" => Ok(Box::new(io::stderr())),
        "stdout" => Ok(Box::new(io::stdout())),
        _ => match OpenOptions::new()
            .create(true)
            .append(true)
            .open(path.strip_prefix("file://").unwrap_or(path))
        {
            Ok(file) => Ok(Box::new(file)),
            Err(source) => Err(LogSetupError::Open { path: path.to_owned(), source }),
        },
    }
}

/// A version 4 UUID (RFC 9562, section 5.4) of the standard library's random keys.
fn random_uuid() -> String {
    let random = || RandomState::new().hash_one(0_u8);
    let high = random() & 0xffff_ffff_ffff_0fff | 0x4000;
    let low = random() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILD: BuildInfo = BuildInfo { command: "etalon", description: "Etalon", version: "1.2.3" };

    #[test]
    fn the_resource_has_defaults_that_can_be_replaced_and_removed() {
        let mut config = TelemetryConfig::default();
        let defaults = resource(&config, &BUILD);
        assert_eq!(
            defaults.keys().collect::<Vec<_>>(),
            ["service.instance.id", "service.name", "service.version"]
        );
        config.resource.insert("service.name".into(), Some("edge".into()));
        config.resource.insert("service.instance.id".into(), None);
        config.resource.insert("region".into(), Some("eu".into()));
        let changed = resource(&config, &BUILD);
        assert_eq!(changed["service.name"], "edge");
        assert_eq!(changed.keys().collect::<Vec<_>>(), ["region", "service.name", "service.version"]);
    }

    #[test]
    fn instances_have_uuids_of_version_4_that_differ() {
        let uuid = random_uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(&uuid[14..15], "4");
        assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"));
        assert_ne!(uuid, random_uuid());
    }
}
