use expect_test::{Expect, expect};

use super::*;
use crate::catalog;
use crate::{Contract, Exposition, Level};

/// What the program of the release 0.1.0 served, which does not change any more.
const PLAIN: &str = include_str!("../../released/0.1.0/prometheus.txt");
const SUFFIXED: &str = include_str!("../../released/0.1.0/prometheus-suffixed.txt");

fn read(text: &str) -> Scrape {
    Scrape::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn told(text: &str, (contract, exposition): &(Contract, Exposition)) -> String {
    let scrape = read(text);
    let report = check(&scrape, contract, exposition, Level::Normal);
    render(&Told { source: "scrape", contract, report: &report }, Format::Text)
}

fn check_all(forged: &[(&str, &str)], expected: &Expect) {
    let contract = catalog::find("0.1.0").unwrap();
    let mut all = String::new();
    for (from, to) in forged {
        assert!(PLAIN.contains(from), "{from}");
        all.push_str(&format!("{from:?} → {to:?}\n{}\n", told(&PLAIN.replacen(from, to, 1), &contract)));
    }
    expected.assert_eq(&all);
}

/// A histogram of the Go collector, with these bounds.
fn histogram(kind: &str, bounds: &str) -> String {
    let buckets: Vec<String> = bounds
        .split(' ')
        .map(|bound| format!("otelcol_exporter_x_bucket{{processor=\"batch\",le=\"{bound}\"}} 1\n"))
        .collect();
    let buckets = buckets.concat();
    let text = format!(
        "{kind}{buckets}otelcol_exporter_x_sum{{processor=\"batch\"}} 1\notelcol_exporter_x_count{{processor=\"batch\"}} 1\n"
    );
    text.replace("otelcol_exporter_x", "otelcol_processor_batch_batch_send_size")
}

#[test]
fn what_the_contract_declares_fits_in_the_exposition_that_is_found_to_be_the_closest() {
    let (contract, default) = catalog::find("0.1.0").unwrap();
    for (text, exposition) in [(PLAIN, "prometheus"), (SUFFIXED, "prometheus-suffixed")] {
        let report = closest(&read(text), &contract, &default, Level::Detailed);
        assert_eq!((report.exposition.as_str(), report.findings), (exposition, Vec::new()));
        assert_eq!(read(text).contract_version(), Some("0.1.0"));
    }
    assert!(!check(&read(SUFFIXED), &contract, &default, Level::Normal).findings.is_empty());
}

#[test]
fn each_way_not_to_fit_is_found_and_nothing_else() {
    check_all(
        &[
            ("# TYPE otelcol_process_uptime counter\n", "# TYPE otelcol_process_uptime gauge\n"),
            ("# TYPE otelcol_process_uptime counter\n", ""),
            ("\notelcol_process_uptime ", "\notelcol_process_uptime{host=\"a\",rack=\"b\"} "),
            ("\netalon_contract_info{version=\"0.1.0\"} 1", "\netalon_contract_info 1"),
            ("\netalon_contract_info{version=\"0.1.0\"} 1", "\netalon_contract_info{version=\"\"} 1"),
            ("result=\"applied\"", "result=\"guessed\""),
            (
                "# HELP target_info",
                "# TYPE otelcol_forged gauge\notelcol_forged 1\nbare 2\n# HELP target_info",
            ),
            ("# TYPE otelcol_process_uptime counter\n", "# TYPE other counter\n"),
            ("result=\"applied\"", "result=\"refused\""),
            ("\notelcol_process_uptime ", "\notelcol_process_uptime\u{1b}[31m 1\notelcol_process_uptime "),
        ],
        &expect![[r##"
            "# TYPE otelcol_process_uptime counter\n" → "# TYPE otelcol_process_uptime gauge\n"
            scrape:966: error[type]: otelcol_process_uptime: its type is gauge
              = expected: counter
            48 families, 895 series against etalon 0.1.0/prometheus: 1 finding

            "# TYPE otelcol_process_uptime counter\n" → ""
            scrape:966: error[type]: otelcol_process_uptime: its type is not told
              = expected: counter
            48 families, 895 series against etalon 0.1.0/prometheus: 1 finding

            "\notelcol_process_uptime " → "\notelcol_process_uptime{host=\"a\",rack=\"b\"} "
            scrape:967: error[undeclared-attribute]: otelcol_process_uptime{host="a",rack="b"}: the contract does not have its host, rack
              = expected: no label
            48 families, 895 series against etalon 0.1.0/prometheus: 1 finding

            "\netalon_contract_info{version=\"0.1.0\"} 1" → "\netalon_contract_info 1"
            scrape:13: error[missing-attribute]: etalon_contract_info: it has no version
              = expected: version on each series
            48 families, 895 series against etalon 0.1.0/prometheus: 1 finding

            "\netalon_contract_info{version=\"0.1.0\"} 1" → "\netalon_contract_info{version=\"\"} 1"
            scrape:13: error[missing-attribute]: etalon_contract_info{version=""}: it has no version
              = expected: version on each series
            48 families, 895 series against etalon 0.1.0/prometheus: 1 finding

            "result=\"applied\"" → "result=\"guessed\""
            scrape:9: error[undeclared-value]: etalon_config_reloads{result="guessed"}: result is "guessed"
              = expected: applied, refused
            48 families, 895 series against etalon 0.1.0/prometheus: 1 finding

            "# HELP target_info" → "# TYPE otelcol_forged gauge\notelcol_forged 1\nbare 2\n# HELP target_info"
            scrape:3: error[undeclared-metric]: bare: the contract does not have it
              = expected: a family of the contract
            scrape:1: error[undeclared-metric]: otelcol_forged: the contract does not have it
              = expected: a family of the contract
            50 families, 897 series against etalon 0.1.0/prometheus: 2 findings

            "# TYPE otelcol_process_uptime counter\n" → "# TYPE other counter\n"
            scrape:967: error[type]: otelcol_process_uptime: its type is not told
              = expected: counter
            scrape:966: error[undeclared-metric]: other: the contract does not have it
              = expected: a family of the contract
            49 families, 895 series against etalon 0.1.0/prometheus: 2 findings

            "result=\"applied\"" → "result=\"refused\""
            scrape:10: error[duplicate-series]: etalon_config_reloads{result="refused"}: it is there again
              = expected: it once; it is on line 9 too
            48 families, 895 series against etalon 0.1.0/prometheus: 1 finding

            "\notelcol_process_uptime " → "\notelcol_process_uptime\u{1b}[31m 1\notelcol_process_uptime "
            scrape:967: error[malformed]: the line is not of the format
              = expected: a number
            48 families, 895 series against etalon 0.1.0/prometheus: 1 finding

        "##]],
    );
}

#[test]
fn what_must_be_there_from_the_start_is_missed_unless_the_level_is_lower() {
    let (mut contract, exposition) = catalog::find("0.1.0").unwrap();
    let scrape = read(&PLAIN.replace("otelcol_process_uptime", "target_info"));
    let missing = |contract: &Contract, level| check(&scrape, contract, &exposition, level).findings;
    let rules = |findings: &[Finding]| findings.iter().map(|finding| finding.rule).collect::<Vec<_>>();
    assert!(rules(&missing(&contract, Level::Basic)).contains(&Rule::MissingMetric));
    let uptime = contract.metrics.get_mut("otelcol_process_uptime").unwrap();
    uptime.annotations.contract.level = Level::Detailed;
    assert!(!rules(&missing(&contract, Level::Normal)).contains(&Rule::MissingMetric));
    assert!(rules(&missing(&contract, Level::Detailed)).contains(&Rule::MissingMetric));
}

#[test]
fn histograms_have_the_bounds_of_the_contract() {
    let contract = catalog::find("otelcol@0.159").unwrap();
    let declared = "10 25 50 75 100 250 500 750 1000 2000 3000 4000 5000 6000 7000 8000 9000 10000 20000 30000 50000 100000 +Inf";
    let typed = "# TYPE otelcol_exporter_x histogram\n";
    let found = |kind: &str, bounds: &str| {
        let scrape = read(&histogram(kind, bounds));
        let findings = check(&scrape, &contract.0, &contract.1, Level::Normal).findings;
        findings.into_iter().filter(|finding| finding.rule != Rule::MissingMetric).collect::<Vec<_>>()
    };
    assert_eq!(found(typed, declared), []);
    assert_eq!(found(typed, &declared.replace("10 ", "10.0 ")), []);
    for other in [
        "10 +Inf",
        &declared.replace(" +Inf", ""),
        &declared.replace("25", "x"),
        &declared.replace("25", "26"),
    ] {
        let [finding] = &found(typed, other)[..] else { panic!("one finding for {other}") };
        assert_eq!(finding.rule, Rule::Buckets);
        assert_eq!(finding.instance, "otelcol_processor_batch_batch_send_size{processor=\"batch\"}");
        assert_eq!(finding.expected, declared.replace(' ', ", "));
    }
    let untyped: Vec<Rule> = found("", declared).iter().map(|finding| finding.rule).collect();
    assert_eq!(untyped, [Rule::Type; 3]);
}

#[test]
fn a_counter_of_openmetrics_has_its_name_as_queries_have_it() {
    let scrape = read(
        "# TYPE a counter\n# UNIT a seconds\na_total{x=\"1\"} 1.0 1.5 # {trace_id=\"0\"} 1 2\na_created{x=\"1\"} 2\n# TYPE b unknown\nb 1\n# TYPE target info\ntarget_info{a=\"b\"} 1\n# EOF\n",
    );
    assert!(scrape.is_open_metrics());
    assert_eq!(scrape.malformed(), []);
    let names: Vec<(&str, usize)> =
        scrape.families().iter().map(|family| (family.name.as_str(), family.series.len())).collect();
    assert_eq!(names, [("a_total", 2), ("b", 1), ("target_info", 1)]);
    assert_eq!(
        read("a 1\n# EOF\nb 1\n").malformed(),
        [Malformed { line: 3, expected: "nothing after # EOF" }]
    );
}

#[test]
fn names_and_labels_are_read_in_every_notation() {
    let scrape = read(
        "  a { x = \"1\" , y=\"a\\\\b\\\"c\\n}\" , } -Inf 1700000000000\n{\"b.c\",\"d e\"=\"ü\"} NaN\n# any remark\n\n# TYPE \"b.d\" gauge\n{\"b.d\"} 1e3",
    );
    assert_eq!(scrape.malformed(), []);
    let [a, b, d] = &scrape.series().collect::<Vec<_>>()[..] else { panic!("three") };
    assert_eq!((a.name.as_str(), a.label("y"), a.value), ("a", Some("a\\b\"c\n}"), f64::NEG_INFINITY));
    assert_eq!((b.name.as_str(), b.label("d e"), b.line), ("b.c", Some("ü"), 2));
    assert_eq!((d.name.as_str(), d.value), ("b.d", 1000.0));
    assert_eq!(scrape.families()[2].kind, Some(ScrapedKind::Gauge));
}

#[test]
fn lines_that_are_not_of_the_format_are_told_with_what_was_expected() {
    let mut told = String::new();
    for line in [
        "a",
        "a ",
        "a x",
        "a 1 x",
        "a 1 2 3",
        "1a 1",
        "{} 1",
        "{x=\"1\"} 1",
        "a{x} 1",
        "a{x=1} 1",
        "a{x=\"1} 1",
        "a{x=\"\\t\"} 1",
        "a{x=\"1\"",
        "a{x=\"1\" y=\"2\"} 1",
        "a{x=\"1\",x=\"2\"} 1",
        "a{\"\"=\"1\"} 1",
        "a{,} 1",
        "a{x:y=\"1\"} 1",
        "a{\"b\"} 1",
        "a 1 # {} 1",
        "# TYPE a",
        "# TYPE a thing",
        "# TYPE a gauge more",
        "# TYPE 1 gauge",
        "# HELP a{ text",
        "# TYPE known gauge",
        "# TYPE h histogram\nh 1",
        "a 1\r",
        "<html>",
    ] {
        let scrape = read(&format!("known 1\n{line}\n"));
        let [Malformed { expected, .. }] = scrape.malformed() else { panic!("{line:?}: {scrape:?}") };
        told.push_str(&format!("{line:?}: {expected}\n"));
    }
    expect![[r##"
        "a": a value
        "a ": a value
        "a x": a number
        "a 1 x": a number
        "a 1 2 3": the end of the line
        "1a 1": the name of a metric
        "{} 1": the name of a metric
        "{x=\"1\"} 1": the name of a metric
        "a{x} 1": = after the name of a label
        "a{x=1} 1": a text in double quotes, with \\, \" and \n as its only escapes
        "a{x=\"1} 1": a text in double quotes, with \\, \" and \n as its only escapes
        "a{x=\"\\t\"} 1": a text in double quotes, with \\, \" and \n as its only escapes
        "a{x=\"1\"": , or } after a label
        "a{x=\"1\" y=\"2\"} 1": , or } after a label
        "a{x=\"1\",x=\"2\"} 1": each label once
        "a{\"\"=\"1\"} 1": a label with a name
        "a{,} 1": the name of a label
        "a{x:y=\"1\"} 1": = after the name of a label
        "a{\"b\"} 1": = after the name of a label
        "a 1 # {} 1": the end of the line
        "# TYPE a": a type that the format knows
        "# TYPE a thing": a type that the format knows
        "# TYPE a gauge more": the end of the line
        "# TYPE 1 gauge": the name of a family
        "# HELP a{ text": a space after the name of the family
        "# TYPE known gauge": one # TYPE for each family, before its series
        "# TYPE h histogram\nh 1": a series with a name that the type of its family has
        "a 1\r": a number
        "<html>": the name of a metric
    "##]]
    .assert_eq(&told);
}

#[test]
fn what_exceeds_a_limit_or_is_no_scrape_is_refused() {
    let error = |text: &[u8]| Scrape::parse(text).unwrap_err();
    assert_eq!(error(b""), ScrapeError::NoSeries);
    assert_eq!(error(b"# TYPE a gauge\nwrong\n"), ScrapeError::NoSeries);
    assert_eq!(error(b"a 1\nb{x=\"\xff\"} 1\n"), ScrapeError::NotUtf8 { line: 2 });
    let malformed = |number| format!("a 1\n{}", "wrong\n".repeat(number));
    assert_eq!(read(&malformed(MAX_MALFORMED)).malformed().len(), MAX_MALFORMED);
    assert_eq!(error(malformed(MAX_MALFORMED + 1).as_bytes()), ScrapeError::OtherFormat { line: 2 });
    let line = |length: usize| format!("a 1\nb 1{}\n", " ".repeat(length - 3));
    assert!(Scrape::parse(line(MAX_LINE_BYTES).as_bytes()).is_ok());
    assert_eq!(error(line(MAX_LINE_BYTES + 1).as_bytes()), ScrapeError::LineTooLong { line: 2 });
    assert_eq!(error(&vec![b'\n'; MAX_SCRAPE_BYTES + 1]), ScrapeError::TooLarge);
    // The family counts too.
    assert!(Scrape::parse("a 1\n".repeat(MAX_SERIES - 1).as_bytes()).is_ok());
    assert_eq!(error("a 1\n".repeat(MAX_SERIES).as_bytes()), ScrapeError::TooManySeries);
}

#[test]
fn the_names_of_rules_are_those_of_the_data() {
    for rule in Rule::ALL {
        assert_eq!(serde_json::to_value(rule).unwrap(), rule.id());
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "([a-z#{}=,\"\\\\ .0-9\n_]|TYPE |# TYPE |counter\n|_total|# EOF\n|_bucket|\\PC){0,80}") {
        if let Ok(scrape) = Scrape::parse(text.as_bytes()) {
            let (contract, default) = catalog::find("0.1.0").unwrap();
            let report = closest(&scrape, &contract, &default, Level::Normal);
            proptest::prop_assert!(report.findings.is_sorted());
        }
    }
}

mod inputs;
mod kinds;
