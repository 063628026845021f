//! What the program tells each reader, without what is of the moment: the same bytes each time.

mod otlp;

use etalon_telemetry_schema::released::OTLP;
use etalon_telemetry_schema::{Contract, Escaping, Exposition, FamilyKind, Metric};

use super::Result;
use super::running::Running;
use crate::command::{Places, cargo, succeed};

/// A reader that writes what it would push to standard output, as JSON.
const CONSOLE: &str = "{periodic: {interval: 100, exporter: {console: {}}}}";

/// Builds the program, and observes it: names of files, and what they hold.
pub(super) fn all(places: &Places, contract: &Contract) -> Result<Vec<(String, String)>> {
    succeed(
        cargo().args(["build", "--quiet", "--package=etalon", "--bin=etalon"]).current_dir(&places.root),
    )?;
    let program = places.target.join("debug/etalon");
    let observe = || -> Result<Vec<(String, String)>> {
        let mut files = Vec::new();
        for exposition in &contract.expositions {
            let scrape = Running::start(&program, &pull(exposition))?.metrics(accept(exposition))?;
            files.push((format!("{}.txt", exposition.id), timeless(&scrape, contract, exposition)));
        }
        let pushed = Running::start(&program, CONSOLE)?.line()?;
        files.push((OTLP.to_owned(), otlp::timeless(&pushed, contract)?));
        Ok(files)
    };
    let (first, second) = (observe()?, observe()?);
    match first.iter().zip(&second).find(|(first, second)| first != second) {
        None => Ok(first),
        Some(((name, first), (_, second))) => {
            let lines = first.lines().zip(second.lines()).find(|(first, second)| first != second);
            let (first, second) = lines.unwrap_or_default();
            Err(format!("{name} is another one each time:\n  {first}\n  {second}").into())
        }
    }
}

/// A reader that is served an exposition, on a port of the system's choice.
fn pull(exposition: &Exposition) -> String {
    let options = format!(
        "host: 127.0.0.1, port: 0, without_units: {}, without_type_suffix: {}, without_scope_info: {}",
        !exposition.unit_suffix,
        !exposition.type_suffix,
        exposition.scope_labels.is_empty(),
    );
    format!("{{pull: {{exporter: {{prometheus: {{{options}}}}}}}}}")
}

fn accept(exposition: &Exposition) -> &'static str {
    match exposition.escaping {
        Escaping::Underscores => "text/plain;version=0.0.4",
        Escaping::Utf8 => "text/plain;version=1.0.0;escaping=allow-utf-8",
    }
}

/// Whether its value is of the moment at which it is read: memory, times. What has no unit is a state.
fn is_momentary(metric: &Metric) -> bool {
    metric.annotations.contract.asynchronous && metric.unit != "1"
}

/// A scrape with 0 for what is of the moment.
fn timeless(scrape: &str, contract: &Contract, exposition: &Exposition) -> String {
    let families = contract.families(exposition);
    let momentary: Vec<&str> = families
        .iter()
        .filter(|family| family.kind != FamilyKind::Histogram && is_momentary(family.metric))
        .map(|family| family.name.as_str())
        .collect();
    let line = |line: &str| {
        let end = line.find(['{', ' ']).unwrap_or(line.len());
        match line.rsplit_once(' ') {
            Some((series, _)) if momentary.contains(&&line[..end]) => format!("{series} 0\n"),
            _ => format!("{line}\n"),
        }
    };
    scrape.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Tree;

    #[test]
    fn only_what_is_of_the_moment_is_taken_out_of_a_scrape() {
        let contract = Tree::load().unwrap().current;
        let scrape = "# HELP otelcol_process_uptime Seconds\notelcol_process_uptime 1.5\netalon_contract_info{version=\"a b\"} 1\notelcol_exporter_sent_spans{exporter=\"x\"} 7\n";
        let exposition = contract.expositions.first().unwrap();
        assert_eq!(
            timeless(scrape, &contract, exposition),
            scrape.replace("otelcol_process_uptime 1.5", "otelcol_process_uptime 0")
        );
    }
}
