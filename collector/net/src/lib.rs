//! Listeners, TLS, gRPC and HTTP servers and clients, capped compression, outcomes on the wire.
//!
//! [`server`] and [`client`] speak the two OTLP transports; [`status`] is the one table between outcomes
//! and their answers; [`auth`], [`compression`] and [`tls`] serve both sides.
//!
//! This crate knows no component, no pipeline and no protobuf message but `google.rpc.Status`. No type
//! of the HTTP library passes it: who uses it hands over and gets `Bytes`.

pub mod auth;
pub mod client;
mod coalesced;
pub mod compression;
pub mod server;
pub mod status;
pub mod tls;
pub mod watched_file;
