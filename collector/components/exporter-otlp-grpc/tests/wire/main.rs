//! The exporter on real sockets, against servers that share no code with it.

#![allow(clippy::unwrap_used, reason = "a test may fail in its servers and senders too")]

mod authentication;
mod conversation;
mod exporter;
mod failures;
mod forwarding;
mod peer;
mod raw;
mod tls;
mod verdicts;
