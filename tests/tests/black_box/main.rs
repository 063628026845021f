//! The built binary, from outside: what a user starts, reads and sends to.

mod authentication;
mod batching;
mod command_line;
mod configuration;
mod connectors;
mod contract;
mod contract_check;
mod contract_lint;
mod debug_exporter;
mod events;
mod explain;
mod forwarding;
mod health_check;
mod log_settings;
mod memory_limit;
mod overload;
mod own_log_lines;
mod own_metrics;
mod own_metrics_push;
mod own_spans;
mod proxies;
mod reload;
mod shutdown;
mod stages;
mod telemetry;
mod zpages;

/// An `otlp` receiver on ports of the system's choice.
const OTLP: &str = "\
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:0
      http:
        endpoint: 127.0.0.1:0
";

/// A configuration: [`OTLP`], these exporters in YAML of two columns' indent, and all three pipelines
/// into those that are named.
fn forwarding_to(exporters: &str, named: &str) -> String {
    let pipelines = ["traces", "metrics", "logs"]
        .map(|signal| format!("    {signal}: {{receivers: [otlp], exporters: [{named}]}}\n"))
        .concat();
    format!("{OTLP}exporters:\n{exporters}\nservice:\n  pipelines:\n{pipelines}")
}
