//! The exporter on real sockets, against servers that share no code with it.

mod conversation;
mod exporter;
mod failures;
mod peer;
mod tls;
mod verdicts;
