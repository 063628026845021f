//! What a person sees when the collector has started: where it listens, and what to try next.

use std::fmt::Write as _;

use etalon_component::{Address, BuildInfo};
use etalon_service::Collector;

use crate::command::tell;
use crate::load::Loaded;

/// Prints the banner to standard error.
pub(crate) fn print(loaded: &Loaded, collector: &Collector, build: &BuildInfo) {
    tell(format_args!("{}", text(loaded, collector, build)));
}

fn text(loaded: &Loaded, collector: &Collector, build: &BuildInfo) -> String {
    let mut text = format!("\n  {} {}\n\n", build.description, build.version);
    let mut line = |what: &str, value: &str| {
        writeln!(text, "  {what:<16} {value}").expect("writing to a String cannot fail");
    };
    for listening in collector.listening() {
        let scheme = match &listening.address {
            Address::Unix(_) => "unix",
            Address::Network(_) if listening.tls => "https",
            Address::Network(_) => "http",
        };
        let what = format!("{} ({})", listening.component, listening.protocol);
        line(&what, &format!("{scheme}://{}", listening.address));
    }
    for address in collector.metrics_addresses() {
        line("metrics", &format!("http://{address}/metrics"));
    }
    for pipeline in &loaded.config.pipelines {
        let ids = |ids: &[etalon_component::ComponentId]| {
            ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        let mut route = ids(&pipeline.receivers);
        if !pipeline.processors.is_empty() {
            route = format!("{route} -> {}", ids(&pipeline.processors));
        }
        line(&pipeline.id.to_string(), &format!("{route} -> {}", ids(&pipeline.exporters)));
    }
    if loaded.is_default {
        line("try", &format!("{} send        (in another terminal)", build.command));
        line("stop", "Ctrl-C");
    }
    text.push('\n');
    text
}
