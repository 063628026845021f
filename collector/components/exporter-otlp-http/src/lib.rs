//! The otlp_http exporter: OTLP over HTTP.
