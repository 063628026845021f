//! What `cargo xtask codegen` makes of `telemetry-schema/`.

pub mod attributes;
pub mod definitions;
pub mod metrics;
pub mod spans;
