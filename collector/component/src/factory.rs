//! How the collector learns of a component: its type, configuration, signals, and how to create it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use etalon_conf::{Check, Description, Node, Problems, Validate};
use etalon_pdata::Signal;
use etalon_telemetry::Telemetry;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{BoxError, BuildInfo, Component, ComponentId, Consumer, Extension, Facts, Stage};

/// What a user writes about a component. `Default` is the documented default.
///
/// The configuration reference is generated from `JsonSchema`, so each type in a configuration derives it
/// (`#[derive(schemars::JsonSchema)]`), and the doc comments of its fields are what users read: what the key
/// does, its unit and bounds, and what 0 or nothing means. They link to nothing in the code. A string that
/// must be one of some names has [`etalon_conf::one_of`] for its schema, and a key that is refused has
/// [`etalon_conf::unsupported`]. `cargo xtask codegen` writes the reference, and fails for a key without a
/// doc comment, a type or a default.
pub trait Config:
    Default + Serialize + DeserializeOwned + JsonSchema + Validate + fmt::Debug + Send + Sync + 'static
{
}

impl<T> Config for T where
    T: Default + Serialize + DeserializeOwned + JsonSchema + Validate + fmt::Debug + Send + Sync + 'static
{
}

/// How far a component's support for a signal may be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stability {
    /// May change or go without notice.
    Development,
    /// May change in any release.
    Alpha,
    /// Changes are announced.
    Beta,
    /// Changes as VERSIONING.md says.
    Stable,
}

/// What the collector hands to a component that it creates.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The id as the user wrote it.
    pub id: ComponentId,
    /// The pipeline that it stands in; nothing for one that may serve several.
    pub pipeline: Option<ComponentId>,
    /// The distribution.
    pub build: BuildInfo,
    /// Where the component's instruments come from.
    pub telemetry: Telemetry,
    /// Identifies the component in its log events: enter it, or instrument tasks with it.
    pub span: tracing::Span,
}

/// Factory of components of one type. `Create` is the function that makes one; see
/// [`ReceiverFactory`], [`ProcessorFactory`], [`ExporterFactory`], [`ConnectorFactory`] and
/// [`ExtensionFactory`].
pub struct Factory<Create: ?Sized> {
    kind: &'static str,
    aliases: &'static [&'static str],
    signals: Vec<(Signal, Stability)>,
    /// Of a component that takes one signal in and gives another one out.
    pairs: Vec<(Pair, Stability)>,
    /// Of a component that has no signals.
    overall: Stability,
    decode: fn(&Node) -> Result<AnyConfig, Problems>,
    describe: fn() -> Description,
    facts: Option<Box<StateFacts>>,
    create: Box<Create>,
}

/// What a component of this configuration says about itself; nothing when another factory has made it.
type StateFacts = dyn Fn(&AnyConfig, Option<Signal>) -> Option<Facts> + Send + Sync;

/// What a connector takes in as an exporter of one pipeline, and gives out as a receiver of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The signal of the pipelines that it is an exporter of.
    pub from: Signal,
    /// The signal of the pipelines that it is a receiver of.
    pub to: Signal,
}

/// Where a receiver sends what it receives: the entrance of the pipelines, for each signal.
pub type Outputs = Vec<(Signal, Arc<dyn Consumer>)>;

type CreateReceiver =
    dyn Fn(Settings, &AnyConfig, Outputs) -> Result<Arc<dyn Component>, BoxError> + Send + Sync;
type CreateProcessor =
    dyn Fn(Settings, &AnyConfig, Signal, Arc<dyn Consumer>) -> Result<Stage, BoxError> + Send + Sync;
type CreateExporter = dyn Fn(Settings, &AnyConfig, Signal) -> Result<Stage, BoxError> + Send + Sync;
type CreateConnector =
    dyn Fn(Settings, &AnyConfig, Pair, Arc<dyn Consumer>) -> Result<Stage, BoxError> + Send + Sync;
type CreateExtension = dyn Fn(Settings, &AnyConfig) -> Result<Extension, BoxError> + Send + Sync;

/// Factory of receivers. One instance serves all signals and pipelines that name its id.
pub type ReceiverFactory = Factory<CreateReceiver>;
/// Factory of processors. Each pipeline that names one gets its own instance.
pub type ProcessorFactory = Factory<CreateProcessor>;
/// Factory of exporters. One instance serves all pipelines of one signal that name its id.
pub type ExporterFactory = Factory<CreateExporter>;
/// Factory of connectors. One instance serves all pipelines of one pair of signals that name its id.
pub type ConnectorFactory = Factory<CreateConnector>;
/// Factory of extensions. There is one instance of each id that `service.extensions` lists.
pub type ExtensionFactory = Factory<CreateExtension>;

impl<Create: ?Sized> Factory<Create> {
    /// The type, as users write it: `otlp_grpc`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Deprecated names of the type.
    pub fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    /// Names the type had before. They still work; the collector warns of each use.
    pub fn with_aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Adds a signal that the component supports.
    pub fn with_signal(mut self, signal: Signal, stability: Stability) -> Self {
        self.signals.push((signal, stability));
        self
    }

    /// The signals that the component supports.
    pub fn signals(&self) -> &[(Signal, Stability)] {
        &self.signals
    }

    /// How far the support for `signal` may be relied on; nothing when it is not supported.
    pub fn stability(&self, signal: Signal) -> Option<Stability> {
        self.signals.iter().find(|(supported, _)| *supported == signal).map(|(_, stability)| *stability)
    }

    /// Reads the configuration of one component.
    pub fn decode(&self, node: &Node) -> Result<AnyConfig, Problems> {
        (self.decode)(node)
    }

    /// What can be written in the configuration of one component.
    pub fn describe(&self) -> Description {
        (self.describe)()
    }

    /// Adds what a component says about itself before it runs. It is asked with the signal of an exporter, a processor
    /// or a connector; a receiver and an extension have none.
    pub fn with_facts<C: Config>(mut self, facts: fn(&C, Option<Signal>) -> Facts) -> Self {
        self.facts = Some(Box::new(move |config, signal| Some(facts(config.of_kind::<C>().ok()?, signal))));
        self
    }

    /// What a component of this configuration says about itself. `config` must come from [`Factory::decode`] of this
    /// factory.
    pub fn facts(&self, config: &AnyConfig, signal: Option<Signal>) -> Facts {
        self.facts.as_ref().and_then(|facts| facts(config, signal)).unwrap_or_default()
    }

    fn with<C: Config>(kind: &'static str, create: Box<Create>) -> Self {
        Self {
            kind,
            aliases: &[],
            signals: Vec::new(),
            pairs: Vec::new(),
            overall: Stability::Development,
            decode: AnyConfig::decode::<C>,
            describe: etalon_conf::describe::<C>,
            facts: None,
            create,
        }
    }
}

impl ReceiverFactory {
    /// A factory of receivers that are created with the consumer of each signal they shall receive.
    pub fn new<C: Config>(
        kind: &'static str,
        create: fn(Settings, &C, Outputs) -> Result<Arc<dyn Component>, BoxError>,
    ) -> Self {
        Self::with::<C>(
            kind,
            Box::new(move |settings, config, outputs| create(settings, config.of_kind::<C>()?, outputs)),
        )
    }

    /// Creates a receiver. `config` must come from [`Factory::decode`] of this factory.
    pub fn create(
        &self,
        settings: Settings,
        config: &AnyConfig,
        outputs: Outputs,
    ) -> Result<Arc<dyn Component>, BoxError> {
        (self.create)(settings, config, outputs)
    }
}

impl ProcessorFactory {
    /// A factory of processors that are created with the signal and the consumer behind them.
    pub fn new<C: Config>(
        kind: &'static str,
        create: fn(Settings, &C, Signal, Arc<dyn Consumer>) -> Result<Stage, BoxError>,
    ) -> Self {
        Self::with::<C>(
            kind,
            Box::new(move |settings, config, signal, next| {
                create(settings, config.of_kind::<C>()?, signal, next)
            }),
        )
    }

    /// Creates a processor. `config` must come from [`Factory::decode`] of this factory.
    pub fn create(
        &self,
        settings: Settings,
        config: &AnyConfig,
        signal: Signal,
        next: Arc<dyn Consumer>,
    ) -> Result<Stage, BoxError> {
        (self.create)(settings, config, signal, next)
    }
}

impl ExporterFactory {
    /// A factory of exporters that are created with the signal they shall export.
    pub fn new<C: Config>(
        kind: &'static str,
        create: fn(Settings, &C, Signal) -> Result<Stage, BoxError>,
    ) -> Self {
        Self::with::<C>(
            kind,
            Box::new(move |settings, config, signal| create(settings, config.of_kind::<C>()?, signal)),
        )
    }

    /// Creates an exporter. `config` must come from [`Factory::decode`] of this factory.
    pub fn create(&self, settings: Settings, config: &AnyConfig, signal: Signal) -> Result<Stage, BoxError> {
        (self.create)(settings, config, signal)
    }
}

impl ConnectorFactory {
    /// A factory of connectors that are created with the pair of signals they shall connect, and the
    /// consumer that leads into all pipelines behind them.
    pub fn new<C: Config>(
        kind: &'static str,
        create: fn(Settings, &C, Pair, Arc<dyn Consumer>) -> Result<Stage, BoxError>,
    ) -> Self {
        Self::with::<C>(
            kind,
            Box::new(move |settings, config, pair, next| {
                create(settings, config.of_kind::<C>()?, pair, next)
            }),
        )
    }

    /// Adds a pair of signals that the connector connects.
    pub fn with_pair(mut self, pair: Pair, stability: Stability) -> Self {
        self.pairs.push((pair, stability));
        self
    }

    /// The pairs of signals that the connector connects.
    pub fn pairs(&self) -> &[(Pair, Stability)] {
        &self.pairs
    }

    /// How far connecting `pair` may be relied on; nothing when the connector does not do it.
    pub fn pair_stability(&self, pair: Pair) -> Option<Stability> {
        self.pairs.iter().find(|(connected, _)| *connected == pair).map(|(_, stability)| *stability)
    }

    /// Creates a connector. `config` must come from [`Factory::decode`] of this factory.
    pub fn create(
        &self,
        settings: Settings,
        config: &AnyConfig,
        pair: Pair,
        next: Arc<dyn Consumer>,
    ) -> Result<Stage, BoxError> {
        (self.create)(settings, config, pair, next)
    }
}

impl ExtensionFactory {
    /// A factory of extensions, which see no signals.
    pub fn new<C: Config>(
        kind: &'static str,
        create: fn(Settings, &C) -> Result<Extension, BoxError>,
    ) -> Self {
        Self::with::<C>(kind, Box::new(move |settings, config| create(settings, config.of_kind::<C>()?)))
    }

    /// Says how far the extension may be relied on.
    pub fn with_stability(mut self, stability: Stability) -> Self {
        self.overall = stability;
        self
    }

    /// How far the extension may be relied on.
    pub fn overall_stability(&self) -> Stability {
        self.overall
    }

    /// Creates an extension. `config` must come from [`Factory::decode`] of this factory.
    pub fn create(&self, settings: Settings, config: &AnyConfig) -> Result<Extension, BoxError> {
        (self.create)(settings, config)
    }
}

impl Pair {
    /// The same signal in and out.
    pub fn same(signal: Signal) -> Self {
        Self { from: signal, to: signal }
    }
}

/// As people write it: `traces to metrics`.
impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.from, self.to)
    }
}

impl<Create: ?Sized> fmt::Debug for Factory<Create> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Factory")
            .field("kind", &self.kind)
            .field("signals", &self.signals)
            .field("pairs", &self.pairs)
            .finish_non_exhaustive()
    }
}

/// The configuration of a component whose type only its factory knows.
#[derive(Clone, Debug)]
pub struct AnyConfig(Arc<dyn Object>);

/// What the collector does with a configuration without knowing its type.
trait Object: fmt::Debug + Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn validate(&self, check: &mut Check);
    fn to_value(&self) -> etalon_conf::Value;
}

impl<C: Config> Object for C {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn validate(&self, check: &mut Check) {
        Validate::validate(self, check);
    }

    fn to_value(&self) -> etalon_conf::Value {
        etalon_conf::to_value(self)
    }
}

/// A factory was handed the configuration of another type of component: a defect of the caller.
#[derive(Debug, thiserror::Error)]
#[error("the configuration was not made by this factory")]
struct ForeignConfig;

impl AnyConfig {
    /// Reads a configuration of type `C`.
    fn decode<C: Config>(node: &Node) -> Result<Self, Problems> {
        Ok(Self(Arc::new(node.decode::<C>()?)))
    }

    /// With every default filled in, for printing.
    pub fn to_value(&self) -> etalon_conf::Value {
        self.0.to_value()
    }

    fn of_kind<C: Config>(&self) -> Result<&C, BoxError> {
        self.0.as_any().downcast_ref().ok_or_else(|| ForeignConfig.into())
    }
}

impl Validate for AnyConfig {
    fn validate(&self, check: &mut Check) {
        self.0.validate(check);
    }
}
