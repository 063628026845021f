//! Builds the graph of components, starts and stops it in order, and serves the collector's own telemetry.
