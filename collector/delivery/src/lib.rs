//! The chain in front of every exporter: queue, retry, timeout.
