//! The Etalon distribution of the OpenTelemetry collector, as a library with a thin binary.
//!
//! A [`Distribution`] is a list of component factories and a name; [`run`] is its command line.
//! [`Distribution::default`] is Etalon itself. A distribution of one's own is a `main` function that
//! adds factories to it: see `examples/custom_distribution.rs`.
//!
//! This crate names the components; everything else about them is in their own crates.

mod args;
mod banner;
mod command;
mod completion;
mod contract;
mod distribution;
mod explain;
mod feature_gates;
mod fetch;
mod inventory;
mod load;
mod own_telemetry;
mod print;
mod queue;
mod reload;
mod send;
mod stop;
mod usage;

pub use args::command;
pub use command::run;
pub use distribution::Distribution;
