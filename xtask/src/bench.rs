//! `cargo xtask bench`: forwarders of OTLP side by side, on real sockets.
//!
//! A measurement is three processes: a sender and a sink, which are this program again, and between
//! them the forwarder. The harness starts them, reads /proc at both ends of a window, and compares what
//! the sender saw acknowledged with what the sink received.
//!
//! All of it is behind the feature `bench`, which is on by default; `cargo xtask` turns it off, so that the
//! other tasks build without the collector's crates. What is left then builds this program with the
//! feature, optimised, and becomes it.

#[cfg(feature = "bench")]
mod child;
#[cfg(feature = "bench")]
mod command;
#[cfg(feature = "bench")]
mod content;
#[cfg(feature = "bench")]
mod corpus;
#[cfg(feature = "bench")]
mod error;
#[cfg(feature = "bench")]
mod events;
#[cfg(feature = "bench")]
mod histogram;
#[cfg(feature = "bench")]
mod load;
#[cfg(feature = "bench")]
mod measure;
mod optimised;
#[cfg(feature = "bench")]
mod overload;
#[cfg(feature = "bench")]
mod peer;
#[cfg(feature = "bench")]
mod process;
#[cfg(feature = "bench")]
mod refusals;
#[cfg(feature = "bench")]
mod report;
#[cfg(feature = "bench")]
mod run;
#[cfg(feature = "bench")]
mod sender;
#[cfg(feature = "bench")]
mod sink;
#[cfg(feature = "bench")]
mod statistics;
#[cfg(feature = "bench")]
mod store;
#[cfg(feature = "bench")]
mod suite;
#[cfg(feature = "bench")]
mod summary;

#[cfg(feature = "bench")]
use self::command::chain;
#[cfg(feature = "bench")]
pub(crate) use self::command::main;

/// Runs `bench` with the arguments that follow that word.
#[cfg(not(feature = "bench"))]
pub(crate) fn main(arguments: &[std::ffi::OsString]) -> std::process::ExitCode {
    optimised::run(arguments)
}
