//! The nop exporter: accepts and discards.
