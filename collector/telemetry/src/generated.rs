//! What `cargo xtask codegen` makes of `telemetry-schema/` and `support/`.

pub mod attributes;
#[allow(clippy::unreadable_literal, reason = "bounds of histograms are as the contract has them")]
pub mod definitions;
#[allow(missing_debug_implementations, reason = "they live for the moment in which they are told")]
pub mod events;
pub mod metrics;
pub mod spans;
pub(crate) mod support;
