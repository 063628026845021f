#![allow(clippy::needless_raw_string_hashes, reason = "the snapshots are written by expect-test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use expect_test::{Expect, expect};

use super::*;

mod alerts;
mod dashboards;
mod expressions;
mod operator;
mod patterns;

static OTHERS: LazyLock<Others> = LazyLock::new(|| Others::of(&Target::of_go_collector().unwrap()));

/// The report of a file against a contract: of the Go collector, or ours.
fn report(name: &str, text: &str, contract: &str) -> (Prepared, Report) {
    let prepared =
        Prepared::new(vec![File { name: name.to_owned(), text: text.to_owned() }], &BTreeMap::new());
    let ours = crate::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_or_else(|error| panic!("{error}"));
    let target = match contract.strip_prefix("otelcol@") {
        Some(rest) => {
            let (version, exposition) = rest.split_once('/').map_or((rest, None), |(a, b)| (a, Some(b)));
            let found = upstream::find(version, exposition).unwrap();
            Target { name: found.name(), contract: found.contract, exposition: found.exposition }
        }
        None => Target { name: contract.to_owned(), contract: &ours, exposition: &ours.expositions[0] },
    };
    let report = Linter::new(target, &OTHERS, Options::default()).lint(&prepared);
    (prepared, report)
}

fn told(name: &str, text: &str, contract: &str) -> String {
    let (prepared, report) = report(name, text, contract);
    let told = Told {
        prepared: &prepared,
        report: &report,
        contracts: vec![contract.to_owned()],
        notes: Vec::new(),
    };
    render(&told, Format::Text)
}

fn check(name: &str, text: &str, contract: &str, expected: &Expect) {
    expected.assert_eq(&told(name, text, contract));
}
