//! The telemetry contract: what a collector says about itself, in a form that programs can compare.
//!
//! [`load`] reads a folder of definition files into a [`Contract`]; the form of the files is the definition/2 of
//! OpenTelemetry Weaver, with everything of ours below `annotations.contract`. An [`Exposition`] tells how its metrics
//! look to a reader: [`Contract::families`] lists them as that reader sees them.
//!
//! A contract is of Etalon or, in the same form, of another collector. This crate does no I/O but reading the folder.

mod canonical;
mod cardinality;
pub mod catalog;
#[cfg(feature = "check")]
pub mod check;
mod contract;
pub mod diff;
mod editor;
mod exposition;
pub mod invariant;
pub mod lint;
mod load;
pub mod notice;
pub mod promql;
pub mod released;
pub mod review;
mod sarif;
pub mod upstream;
pub mod weaver;

pub use cardinality::MaxSeries;
pub use contract::{
    Annotated, Attribute, AttributeKind, AttributeNote, AttributeRef, Binding, Contract, Deprecated, Domain,
    Entity, Event, EventNote, Instrument, Level, Member, Metric, MetricNote, Presence, Primitive, Relation,
    Requirement, Severity, Span, SpanKind, SpanName, SpanNote, Stability, Upstream, ValueType,
};
pub use editor::definitions_schema;
pub use exposition::{Escaping, Exposition, Family, FamilyKind, Label, unit_word};
pub use load::{Definitions, FILE_FORMAT, LoadError, Manifest, Preamble, load};
