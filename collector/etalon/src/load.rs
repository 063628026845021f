//! From the command line to a configuration.

use etalon_conf::{Lists, Node, Problem, Problems, ProcessEnvironment, Resolver};
use etalon_service::{CollectorConfig, FeatureGates, MERGE_APPEND};

use crate::Distribution;
use crate::args::ConfigArgs;
use crate::fetch::Network;

/// A configuration that has been read and decoded.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) config: CollectorConfig,
    /// The merged and expanded tree, which knows where everything was written.
    pub(crate) root: Node,
    /// What is odd but not wrong.
    pub(crate) warnings: Vec<Problem>,
    /// Whether the command line named none, so that the embedded default is used.
    pub(crate) is_default: bool,
}

/// A configuration could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("invalid argument \"{argument}\" for \"--set\" flag")]
    Set {
        argument: String,
        #[source]
        source: etalon_conf::SetError,
    },
    #[error("failed to get config: cannot resolve the configuration:\n{0}")]
    Resolve(Problems),
    #[error("failed to get config: cannot unmarshal the configuration:\n{0}")]
    Decode(Problems),
    #[error("invalid configuration:\n{0}")]
    Invalid(Problems),
}

impl LoadError {
    /// What was wrong where; none when the command line is.
    pub(crate) fn problems(&self) -> impl Iterator<Item = &Problem> {
        let problems = match self {
            Self::Set { .. } => None,
            Self::Resolve(problems) | Self::Decode(problems) | Self::Invalid(problems) => Some(problems),
        };
        problems.into_iter().flatten()
    }

    /// What could not be done with the configuration.
    pub(crate) fn summary(&self) -> &'static str {
        match self {
            Self::Set { .. } => "invalid --set flag",
            Self::Resolve(_) => "failed to get config: cannot resolve the configuration",
            Self::Decode(_) => "failed to get config: cannot unmarshal the configuration",
            Self::Invalid(_) => "invalid configuration",
        }
    }
}

/// Reads and decodes the configuration that the command line names.
pub(crate) fn decoded(
    distribution: &Distribution,
    args: &ConfigArgs,
    gates: &FeatureGates,
    network: &Network,
) -> Result<Loaded, LoadError> {
    let is_default = args.config.is_empty();
    let mut uris = args.config.clone();
    if is_default {
        uris.push(format!("yaml:{}", distribution.default_config));
    }
    for set in &args.set {
        uris.push(
            etalon_conf::set_uri(set).map_err(|source| LoadError::Set { argument: set.clone(), source })?,
        );
    }
    let lists = if gates.is_enabled(MERGE_APPEND) { Lists::Append } else { Lists::Replace };
    let resolver = Resolver::new(ProcessEnvironment).with_fetch(network.clone()).with_lists(lists);
    let resolved = resolver.resolve(&uris).map_err(LoadError::Resolve)?;
    let config =
        CollectorConfig::decode(&resolved.root, &distribution.factories).map_err(LoadError::Decode)?;
    Ok(Loaded { config, root: resolved.root, warnings: resolved.warnings, is_default })
}

/// Reads, decodes and validates the configuration that the command line names.
pub(crate) fn valid(
    distribution: &Distribution,
    args: &ConfigArgs,
    gates: &FeatureGates,
    network: &Network,
) -> Result<Loaded, LoadError> {
    let loaded = decoded(distribution, args, gates, network)?;
    loaded.config.validate(&loaded.root, gates).map_err(LoadError::Invalid)?;
    Ok(loaded)
}
