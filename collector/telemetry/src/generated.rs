//! What `cargo xtask codegen` makes of `telemetry-schema/` and `support/`.

pub mod attributes;
pub mod definitions;
#[allow(missing_debug_implementations, reason = "they live for the moment in which they are told")]
pub mod events;
pub mod metrics;
pub mod spans;
pub(crate) mod support;
