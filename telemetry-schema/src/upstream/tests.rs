use super::*;

fn names(version: &str, exposition: &str) -> Vec<String> {
    let found = find(version, Some(exposition)).unwrap_or_else(|error| panic!("{error}: {error:?}"));
    found.contract.families(found.exposition).into_iter().map(|family| family.name).collect()
}

fn labels(version: &str, exposition: &str, metric: &str) -> Vec<String> {
    let found = find(version, Some(exposition)).unwrap();
    let family = found.contract.family(&found.contract.metrics[metric], found.exposition);
    family.labels.into_iter().map(|label| label.name).collect()
}

#[test]
fn the_facts_are_valid_and_every_release_has_both_expositions() {
    let releases = releases().unwrap_or_else(|error| panic!("{error:?}"));
    assert!(releases.is_sorted_by(|a, b| a.version < b.version));
    for contract in releases {
        let ids: Vec<&str> = contract.expositions.iter().map(|exposition| exposition.id.as_str()).collect();
        assert_eq!(ids, ["default", "explicit"], "{}", contract.version);
        for metric in contract.metrics.values() {
            let wrong = crate::load::check::metric(metric, contract).fields;
            assert_eq!(wrong, [], "{} {}", contract.version, metric.name);
        }
    }
    assert!(FACTS.len() < 200_000);
}

#[test]
fn the_number_of_metrics_is_that_of_the_release() {
    let counted = |version| names(version, "default").len();
    let expected = [("0.118", 40), ("0.126", 46), ("0.127", 52), ("0.132", 53), ("0.133", 57), ("0.135", 59)];
    let later = [("0.144", 67), ("0.152", 68), ("0.155", 68), ("0.159", 70)];
    for (version, number) in expected.into_iter().chain(later) {
        assert_eq!(counted(version), number, "{version}");
    }
}

#[test]
fn the_counter_that_was_renamed_most_has_each_of_its_names() {
    let sent = |version, exposition| {
        let all = names(version, exposition);
        all.into_iter().find(|name| name.starts_with("otelcol_exporter_sent_spans")).unwrap()
    };
    assert_eq!(sent("0.118", "default"), "otelcol_exporter_sent_spans");
    assert_eq!(sent("0.118", "explicit"), "otelcol_exporter_sent_spans");
    assert_eq!(sent("0.119", "explicit"), "otelcol_exporter_sent_spans_total");
    assert_eq!(sent("0.130", "explicit"), "otelcol_exporter_sent_spans__spans__total");
    assert_eq!(sent("0.131", "explicit"), "otelcol_exporter_sent_spans_total");
    assert_eq!(sent("0.151", "explicit"), "otelcol_exporter_sent_spans_total");
    assert_eq!(sent("0.152", "explicit"), "otelcol_exporter_sent_spans");
    assert_eq!(sent("0.159", "default"), "otelcol_exporter_sent_spans");
}

#[test]
fn labels_came_and_went_with_the_releases() {
    let sent = "otelcol_exporter_sent_spans";
    let service = ["service_name", "service_instance_id", "service_version"];
    assert_eq!(labels("0.128", "default", sent)[1..], service);
    assert_eq!(labels("0.130", "default", sent).len(), 7);
    assert_eq!(labels("0.128", "explicit", sent)[1..], ["otel_scope_name", "otel_scope_version"]);
    assert_eq!(labels("0.149", "default", sent), ["exporter"]);
    assert_eq!(labels("0.151", "default", sent), ["exporter", "server_address", "server_port", "url_path"]);
}

#[test]
fn what_a_release_changed_is_changed_from_it_on() {
    let metric = |version, name: &str| &find(version, None).unwrap().contract.metrics[name];
    let note = |version, name| &metric(version, name).annotations.contract;
    let failed = "otelcol_exporter_send_failed_spans";
    assert_eq!(
        note("0.145", failed).presence,
        Presence::OnEvent("the first request of the signal".to_owned())
    );
    assert_eq!(note("0.146", failed).presence, Presence::OnEvent("the first failure".to_owned()));
    assert_eq!(note("0.121", "otelcol_processor_batch_batch_send_size").level, Level::Basic);
    assert_eq!(note("0.122", "otelcol_processor_batch_batch_send_size").level, Level::Normal);
    assert_eq!(note("0.156", "otelcol_processor_batch_batch_send_size_bytes").buckets.len(), 39);
    assert_eq!(note("0.157", "otelcol_processor_batch_batch_send_size_bytes").buckets.len(), 18);
    assert_eq!(metric("0.147", failed).unit, "{spans}");
    assert_eq!(metric("0.148", failed).unit, "{span}");
    assert!(!find("0.155", None).unwrap().contract.metrics.contains_key("otelcol_processor_refused_spans"));
}

#[test]
fn a_version_between_two_is_that_of_the_earlier_one_and_says_so() {
    let found = find("v0.145.1", None).unwrap();
    assert_eq!(found.contract.version, Version::new(0, 144, 0));
    assert_eq!(
        found.note().unwrap(),
        "the contract of 0.145.1 is that of 0.144.0: no query sees a difference"
    );
    assert_eq!(
        find("0.200", None).unwrap().note().unwrap(),
        "of 0.200.0 nothing is known yet: this is the contract of 0.159.0, the last that is"
    );
    assert_eq!(find("0.144", None).unwrap().note(), None);
}

#[test]
fn what_is_not_there_is_refused_with_what_is() {
    let told = |version, exposition| find(version, exposition).unwrap_err().to_string();
    assert_eq!(told("0.62", None), "the Go collector's contract is known from 0.118.0 on, not of 0.62.0");
    assert_eq!(
        told("latest", None),
        "\"latest\" is no version of the Go collector: write it as 0.128 or 0.128.0"
    );
    assert_eq!(
        told("0.128", Some("otlp")),
        "the Go collector has no exposition \"otlp\": use default or explicit"
    );
}

#[test]
fn a_pattern_that_meets_nothing_is_told_with_its_place() {
    let facts = "name: x\nreleases:\n  - version: 0.1.0\n    remove: [a_*]\n";
    assert_eq!(
        history("x.yaml", facts).unwrap_err().to_string(),
        "x.yaml:4:14: no metric is called \"a_*\"\n   |\n 4 |     remove: [a_*]\n   |              ^^^"
    );
}
