//! Sinks, senders and sample data for tests. Never part of the product.

pub mod corpus;
