//! The otlp receiver: OTLP over gRPC and HTTP.
//!
//! [`factory`] makes it known to a collector; [`Config`] is what users write. One instance serves all
//! pipelines that name it, on at most two listeners, and answers each request with what became of it.
//!
//! It knows no signal but those it is given, nothing of sockets, and decodes no payload.

mod config;
mod intake;
mod receiver;
mod traced;

pub use config::{Config, HttpConfig, Paths, Protocols};

use etalon_component::ReceiverFactory;

/// The type, as users write it.
pub const KIND: &str = "otlp";

/// The factory, without signals: the distribution adds those that it supports.
pub fn factory() -> ReceiverFactory {
    ReceiverFactory::new::<Config>(KIND, receiver::create).with_facts::<Config>(|config, _| config.facts())
}

#[cfg(test)]
mod tests;
