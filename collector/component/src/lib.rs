//! What a component author needs, and no more.
//!
//! A component is a [`Component`] (it starts and shuts down) that may also be a [`Consumer`] (it
//! takes a [`Batch`] and answers with an [`Outcome`]), or an [`Extension`], which stands beside the
//! pipelines and offers something to the other components. A factory ([`ReceiverFactory`],
//! [`ProcessorFactory`], [`ExporterFactory`], [`ConnectorFactory`], [`ExtensionFactory`]) tells the
//! collector a component's type, its configuration, the signals it supports, and how to create it.
//!
//! This crate knows no protocol, no concrete component, and nothing of how pipelines are built.

mod auth;
mod batch;
mod consumer;
mod extension;
mod factory;
mod facts;
pub mod health;
mod host;
mod lifecycle;
mod memory;
mod outcome;
mod random;
mod signal;
mod status;
mod storage;

pub use auth::{AuthError, ClientAuthenticator, Identity, ServerAuthenticator};
pub use batch::{Batch, Caller, Context, Metadata};
pub use consumer::{Consumer, Stage, same_consumer};
pub use etalon_conf::ComponentId;
pub use etalon_telemetry::SpanContext;
pub use extension::{AuthenticatorError, Extension, MiddlewareError};
pub use factory::{
    AnyConfig, Config, ConnectorFactory, ExporterFactory, ExtensionFactory, Factory, Outputs, Pair,
    ProcessorFactory, ReceiverFactory, Settings, Stability,
};
pub use facts::{
    Acknowledges, Delivers, Destination, Facts, Holding, Intake, Listener, MemoryLimit, Purpose, Queue,
    Reach, Retries, Unit,
};
pub use host::{Address, BuildInfo, Host, Listening};
pub use lifecycle::Component;
pub use memory::{Budgets, FairBy, Memory, MemoryBudget, MemoryLimits, NoRoom, Reserved, Sender};
pub use outcome::{Code, Delivered, Failure, Origin, Outcome};
pub use random::{random_unit, seed_random};
pub use signal::{UndeclaredSignal, data_type};
pub use status::{
    ComponentStatus, GateOutline, LastErrors, Outline, Phase, PipelineOutline, Place, Role, State, Status,
    Trouble,
};
pub use storage::{Storage, StorageError};

use std::pin::Pin;

/// A future behind a seam.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An error behind a seam; the cause is in its `source` chain.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
