//! Holds what every collector of the tests tells to the contract, and notes what of the contract they have told.
//!
//! The notes are for `cargo xtask test rust`: it names a folder in [`FOLDER`], in which each test program writes a file of
//! its own, and compares all of them with the contract when no test was left out. Without that folder nothing is noted.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

use etalon_telemetry_schema::check::{
    self, Against, Finding, Format, Input, InputError, Kind, Report, Rule, Told, render,
};
use etalon_telemetry_schema::{Contract, Exposition, Level, catalog};
use serde_json::Value;

/// The environment variable with the folder that notes go to.
const FOLDER: &str = "ETALON_TELEMETRY_NOTES";

/// Fields that tests have the configuration add to each line of the log.
static FIELDS: LazyLock<[String; 1]> = LazyLock::new(|| ["site".to_owned()]);

/// The contract of the binary: it is built of the same sources.
static CONTRACT: LazyLock<(Contract, Exposition)> =
    LazyLock::new(|| catalog::find(catalog::CURRENT).expect("the current contract"));

/// What has been noted by this test program.
static NOTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Notes the metrics of a scrape that are not zero.
pub(crate) fn note_metrics(text: &str) {
    if folder().is_none() {
        return;
    }
    let Ok(scrape) = check::Scrape::parse(text.as_bytes()) else { return };
    let (contract, _) = &*CONTRACT;
    for exposition in &contract.expositions {
        let families = contract.families(exposition);
        for scraped in scrape.families() {
            let is_told = scraped.series.iter().any(|series| series.value != 0.0);
            if let Some(family) = families.iter().find(|family| is_told && family.name == scraped.name) {
                note(&format!("metric {}", family.metric.name));
            }
        }
    }
}

/// Notes the events of log lines.
pub(crate) fn note_events(lines: &[Value]) {
    for name in lines.iter().filter_map(|line| line["event.name"].as_str()) {
        note(&format!("event {name}"));
    }
}

/// What of a scrape is not in the contract.
///
/// What is missing is no matter here: a scenario may have less than everything.
pub(crate) fn metrics_that_do_not_fit(text: &str) -> Option<String> {
    not_fitting(text, Kind::Scrape, |finding| finding.rule != Rule::MissingMetric)
}

/// What of a log is not in the contract.
pub(crate) fn events_that_do_not_fit(log: &str) -> Option<String> {
    not_fitting(log, Kind::Log, |_| true)
}

fn not_fitting(text: &str, kind: Kind, counts: fn(&Finding) -> bool) -> Option<String> {
    let (contract, exposition) = &*CONTRACT;
    let against = Against {
        contract,
        exposition,
        or_closest: true,
        level: Level::Basic,
        temporality: None,
        fields: &*FIELDS,
    };
    let told = |report: Report| {
        let findings: Vec<Finding> = report.findings.into_iter().filter(counts).collect();
        let report = Report { findings, ..report };
        (!report.fits())
            .then(|| render(&Told { source: "etalon", contract, report: &report }, Format::Text) + text)
    };
    match Input::open(text.as_bytes(), Some(kind)).and_then(|input| input.check(&against)) {
        Ok(report) => told(report),
        Err(InputError::Empty) => None,
        Err(error) => Some(format!("{error}\n{text}")),
    }
}

fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

fn note(what: &str) {
    let Some(folder) = folder() else { return };
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    if noted.insert(what.to_owned()) {
        let path = folder.join(std::process::id().to_string());
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let written = file.and_then(|mut file| writeln!(file, "{what}"));
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_the_contract_is_found_and_what_is_missing_is_not() {
        let fits = "# TYPE otelcol_process_uptime counter\notelcol_process_uptime 1\n";
        assert_eq!(metrics_that_do_not_fit(fits), None);
        let forged = metrics_that_do_not_fit("# TYPE otelcol_forged counter\notelcol_forged 1\n");
        assert!(forged.is_some_and(|told| told.contains("error[undeclared-metric]: otelcol_forged: ")));
        let forged = events_that_do_not_fit(r#"{"level":"info","msg":"m","event.name":"forged"}"#);
        assert!(forged.is_some_and(|told| told.contains("error[undeclared-event]: forged: ")));
        let nameless = events_that_do_not_fit(r#"{"level":"info","msg":"m"}"#);
        assert!(
            nameless.is_some_and(|told| told.contains("error[undeclared-event]: m: it has no event.name"))
        );
    }
}
