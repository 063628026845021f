//! Hostile input: what must not crash, must not cost more than it is worth, and must be told so.
//!
//! One module per kind of victim. Each holds a table: what is sent, what must be answered, how much
//! memory it may take, and what becomes of the connection. After each row, the process must live and
//! serve a normal request.

mod auth;
mod clients;
mod configuration;
mod listeners;
mod tls;
