//! What the collector says about itself is what its contract declares, and means what it says.

mod balance;
mod exporter;
mod losses;
mod pipelines;
mod processors;
mod queue;
mod refusals;
mod service;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use etalon_telemetry_schema::check::{Scrape, ScrapedFamily, Series};
use etalon_telemetry_schema::{Contract, Exposition, FamilyKind, Presence};
use etalon_tests::{
    Etalon, HttpPeer, HttpReply, Identity, Sink, Verdict, eventually, field, free_port, get, logs, post,
    varint,
};

use crate::forwarding_to;

/// A path of OTLP/HTTP, a request of two items for it, and what its items are called.
const SIGNALS: [(&str, &str, &str); 3] = [
    ("/v1/traces", r#"{"resourceSpans": [{"scopeSpans": [{"spans": [SPAN, SPAN]}]}]}"#, "spans"),
    (
        "/v1/metrics",
        r#"{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [{"asInt": "1"}, {"asInt": "2"}]}}]}]}]}"#,
        "metric_points",
    ),
    ("/v1/logs", r#"{"resourceLogs": [{"scopeLogs": [{"logRecords": [{}, {}]}]}]}"#, "log_records"),
];
const SPAN: &str =
    r#"{"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "name": "s"}"#;
/// Items of each of [`SIGNALS`]' requests.
const ITEMS: u64 = 2;

#[test]
fn a_scrape_has_exactly_what_the_contract_declares() {
    let (_files, etalon) = everything();
    let endpoint = etalon.wait_for_line("Serving metrics")["endpoint"].as_str().unwrap().parse().unwrap();
    let seen = seen(&get(endpoint, "/metrics").text());
    let contract = contract();
    let declared = declared(&contract, contract.exposition("prometheus").unwrap());

    let mut wrong = Vec::new();
    for (name, _) in declared.iter().filter(|(name, family)| !family.on_event && !seen.contains_key(*name)) {
        wrong.push(format!("{name} is declared and not there"));
    }
    for (name, seen) in &seen {
        match declared.get(name) {
            None => wrong.push(format!("{name} is there and not declared")),
            Some(declared) => wrong.extend(declared.differences(seen).map(|what| format!("{name}: {what}"))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let version = contract.version.to_string();
    assert_eq!(etalon.scrape().sum("etalon_contract_info", &[("version", &version)]), Some(1.0));
}

#[test]
fn each_test_of_a_meaning_that_the_contract_names_exists() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let missing: Vec<String> = contract()
        .metrics
        .values()
        .flat_map(|metric| metric.annotations.contract.tests.iter().map(|test| (metric.name.clone(), test)))
        .filter(|(_, test)| !exists(&tests, test))
        .map(|(metric, test)| format!("{metric}: there is no {test}"))
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn what_a_full_queue_refuses_is_counted_for_each_signal_by_receiver_and_queue() {
    let exporters = format!(
        "  otlp_http:
    endpoint: http://127.0.0.1:{}
    sending_queue: {{queue_size: 1, num_consumers: 1}}
    retry_on_failure: {{initial_interval: 50ms, max_interval: 50ms, max_elapsed_time: 0s}}",
        free_port()
    );
    let etalon = Etalon::start(&forwarding_to(&exporters, "otlp_http"));
    for (path, body, items) in SIGNALS {
        let answers: Vec<u16> = (0..4).map(|_| post_json(&etalon, path, body)).collect();
        let accepted = answers.iter().filter(|status| **status == 200).count() as u64;
        let refused = answers.len() as u64 - accepted;
        assert!(accepted >= 1 && refused >= 1, "{path}: {answers:?}");
        let scrape = etalon.scrape();
        let count = |name: &str| scrape.count(&format!("{name}_{items}"));
        assert_eq!(count("otelcol_receiver_accepted"), accepted * ITEMS, "{items}");
        assert_eq!(count("otelcol_receiver_refused"), refused * ITEMS, "{items}");
        assert_eq!(count("otelcol_exporter_enqueue_failed"), refused * ITEMS, "{items}");
        assert_eq!(
            (count("otelcol_exporter_sent"), count("otelcol_exporter_send_failed")),
            (0, 0),
            "{items}"
        );
    }
}

#[test]
fn what_the_destination_will_never_take_is_counted_for_each_signal() {
    let sink = Sink::start();
    sink.answer(Verdict::Status(400));
    let exporters = format!("  otlp_http: {{endpoint: '{}', compression: none}}", sink.endpoint());
    let etalon = Etalon::start(&forwarding_to(&exporters, "otlp_http"));
    for (path, body, items) in SIGNALS {
        assert_eq!(post_json(&etalon, path, body), 200, "{path}");
        eventually("the failure is counted", || {
            let scrape = etalon.scrape();
            (scrape.count(&format!("otelcol_exporter_send_failed_{items}")) == ITEMS).then_some(())
        });
        assert_eq!(etalon.scrape().count(&format!("otelcol_exporter_sent_{items}")), 0);
    }
}

#[test]
fn what_the_destination_rejects_is_counted_apart_from_what_it_takes() {
    let peer = HttpPeer::start();
    peer.always(HttpReply::status(200, &[], &partial_success(2)));
    let exporters = format!("  otlp_http: {{endpoint: '{}'}}", peer.endpoint());
    let etalon = Etalon::start(&forwarding_to(&exporters, "otlp_http"));
    assert_eq!(post(etalon.http(), "/v1/logs", "application/json", &logs(0..5)).status, 200);
    let labels = [("exporter", "otlp_http"), ("data_type", "logs")];
    let rejected = |etalon: &Etalon| etalon.scrape().sum("etalon_exporter_rejected_items", &labels);
    eventually("the rejection is counted", || (rejected(&etalon) == Some(2.0)).then_some(()));
    let scrape = etalon.scrape();
    assert_eq!(scrape.count("otelcol_exporter_sent_log_records"), 3);
    assert_eq!(scrape.count("otelcol_exporter_send_failed_log_records"), 2);
    assert_eq!(scrape.count("etalon_exporter_rejected_items"), 2, "of no other signal");
}

#[test]
fn requests_are_in_flight_until_the_destination_has_taken_them() {
    let sink = Sink::start();
    sink.answer(Verdict::Status(503));
    let exporters = format!(
        "  otlp_http:
    endpoint: {}
    compression: none
    sending_queue: {{num_consumers: 2}}
    retry_on_failure: {{initial_interval: 20ms, max_interval: 20ms, max_elapsed_time: 0s}}",
        sink.endpoint()
    );
    let etalon = Etalon::start(&forwarding_to(&exporters, "otlp_http"));
    let in_flight =
        |labels: &[(&str, &str)]| etalon.scrape().sum("otelcol_exporter_in_flight_requests", labels);
    assert_eq!(in_flight(&[]), Some(0.0));
    for number in 0..3 {
        assert_eq!(
            post(etalon.http(), "/v1/logs", "application/json", &logs(number..number + 1)).status,
            200
        );
    }
    let logs = [("exporter", "otlp_http"), ("data_type", "logs")];
    eventually("both consumers are at work", || (in_flight(&logs) == Some(2.0)).then_some(()));
    assert_eq!(in_flight(&[]), Some(2.0), "of no other signal");
    sink.answer(Verdict::Accept);
    eventually("nothing is left to do", || {
        (etalon.scrape().count("otelcol_exporter_sent_log_records") == 3 && in_flight(&[]) == Some(0.0))
            .then_some(())
    });
}

#[test]
fn bytes_are_those_of_the_protobuf_that_comes_and_goes() {
    let peer = HttpPeer::start();
    peer.always(HttpReply::status(200, &[], b""));
    let exporters = format!("  otlp_http: {{endpoint: '{}', compression: gzip}}", peer.endpoint());
    let etalon = Etalon::start(&forwarding_to(&exporters, "otlp_http"));
    // `ExportLogsServiceRequest`, down to the body of one record.
    let record = field(5, &field(1, &[b'x'; 1000]));
    let request = field(1, &field(2, &field(2, &record)));
    for _ in 0..3 {
        let answer = post(etalon.http(), "/v1/logs", "application/x-protobuf", &request);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    eventually("all is sent", || {
        (etalon.scrape().count("otelcol_exporter_sent_log_records") == 3).then_some(())
    });
    let (scrape, bytes) = (etalon.scrape(), 3 * request.len() as u64);
    assert_eq!(scrape.count("etalon_receiver_accepted_bytes"), bytes);
    assert_eq!(scrape.count("etalon_exporter_sent_bytes"), bytes);
    let logs = [("data_type", "logs")];
    assert_eq!(scrape.sum("etalon_exporter_sent_bytes", &logs), Some(bytes as f64), "of no other signal");
}

#[test]
fn the_destination_of_an_exporter_is_told() {
    let exporters = "  otlp_http: {endpoint: 'http://me:secret@localhost:4321/otlp'}
  otlp_grpc: {endpoint: 'localhost:4322', tls: {insecure: true}}";
    let etalon = Etalon::start(&forwarding_to(exporters, "otlp_http, otlp_grpc"));
    let scrape = etalon.scrape();
    let told = |labels: &[(&str, &str)]| scrape.sum("etalon_exporter_destination_info", labels);
    for (signal, path) in
        [("traces", "/otlp/v1/traces"), ("metrics", "/otlp/v1/metrics"), ("logs", "/otlp/v1/logs")]
    {
        let of = [("exporter", "otlp_http"), ("data_type", signal)];
        let to = [("server_address", "localhost"), ("server_port", "4321"), ("url_path", path)];
        assert_eq!(told(&[of.as_slice(), &to].concat()), Some(1.0), "{path}");
        let of = [("exporter", "otlp_grpc"), ("data_type", signal)];
        let to = [("server_address", "localhost"), ("server_port", "4322")];
        assert_eq!(told(&[of, to].concat()), Some(1.0), "{signal}");
    }
    assert_eq!(told(&[]), Some(6.0));
}

#[test]
fn the_process_is_told_of_as_the_system_tells() {
    let etalon = Etalon::start(&forwarding_to("  nop:", "nop"));
    let told = |name: &str| etalon.scrape().sum(name, &[]).expect("it is told");
    // Clock ticks are hundredths of a second.
    let cpu = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", etalon.pid())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
    };
    let (before, between, after) = (cpu(), told("otelcol_process_cpu_seconds"), cpu());
    assert!(before <= between && between <= after, "{before} {between} {after}");

    let (told_bytes, system_bytes) =
        (told("otelcol_process_memory_rss"), etalon.memory_kib() as f64 * 1024.0);
    assert!(
        told_bytes > system_bytes / 2.0 && told_bytes < system_bytes * 2.0,
        "{told_bytes} {system_bytes}"
    );

    let (first, second) = (told("otelcol_process_uptime"), told("otelcol_process_uptime"));
    assert!(0.0 < first && first < second, "{first} {second}");
}

fn post_json(etalon: &Etalon, path: &str, body: &str) -> u16 {
    post(etalon.http(), path, "application/json", body.replace("SPAN", SPAN).as_bytes()).status
}

/// An export response that says that so many items were rejected.
fn partial_success(rejected: u64) -> Vec<u8> {
    field(1, &[&[8], varint(rejected).as_slice()].concat())
}

fn contract() -> Contract {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../telemetry-schema");
    etalon_telemetry_schema::load(&folder).unwrap_or_else(|error| panic!("{error}"))
}

/// A collector with each component that has metrics, and each of their options that adds any.
fn everything() -> (tempfile::TempDir, Etalon) {
    let (files, identity) = (tempfile::tempdir().expect("a folder"), Identity::new());
    let write = |name: &str, text: &str| -> PathBuf {
        let path = files.path().join(name);
        fs::write(&path, text).expect("a file");
        path
    };
    let certificate = write("certificate.pem", &identity.certificate);
    let key = write("key.pem", &identity.key);
    let (certificate, key) = (certificate.display(), key.display());
    let queues = files.path().join("queues");
    let queues = queues.display();
    let port = free_port();
    let pipeline =
        "{receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp_grpc, otlp_http, debug]}";
    let etalon = Etalon::start(&format!(
        "
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: '127.0.0.1:0', tls: {{cert_file: {certificate}, key_file: {key}}}}}
      http:
        endpoint: 127.0.0.1:0
        tls: {{cert_file: {certificate}, key_file: {key}}}
        middlewares: [{{id: memory_limiter}}]
processors:
  memory_limiter: {{check_interval: 1s, limit_mib: 100}}
  batch: {{timeout: 10ms}}
exporters:
  otlp_grpc:
    endpoint: https://localhost:{port}
    tls: {{ca_file: {certificate}, cert_file: {certificate}, key_file: {key}}}
  otlp_http:
    endpoint: https://localhost:{port}
    tls: {{ca_file: {certificate}, cert_file: {certificate}, key_file: {key}}}
    sending_queue: {{storage: file_storage, batch: {{flush_timeout: 10ms}}}}
  debug: {{}}
extensions:
  file_storage: {{directory: {queues}, create_directory: true}}
  memory_limiter: {{check_interval: 1s, limit_mib: 100}}
service:
  extensions: [file_storage, memory_limiter]
  pipelines: {{traces: {pipeline}, metrics: {pipeline}, logs: {pipeline}}}
  telemetry: {{metrics: {{level: detailed}}}}
"
    ));
    (files, etalon)
}

/// A family, as declared or as seen.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    /// On each series.
    required: BTreeSet<String>,
    /// Values by label; those that are declared have none where any value may come.
    labels: BTreeMap<String, Option<BTreeSet<String>>>,
    /// Whether all values are zero, or have to be.
    at_zero: bool,
    /// Whether it need not be there.
    on_event: bool,
}

impl Family {
    /// How what is seen is not what is declared here.
    fn differences(&self, seen: &Self) -> impl Iterator<Item = String> {
        let mut found = Vec::new();
        if self.kind != seen.kind {
            found.push(format!("is declared as {} and told as {}", self.kind, seen.kind));
        }
        if self.at_zero && !seen.at_zero {
            found.push("does not begin at zero".to_owned());
        }
        for label in self.required.iter().filter(|label| !seen.required.contains(*label)) {
            found.push(format!("{label} is not on each series"));
        }
        for label in self.labels.keys().filter(|label| !seen.labels.contains_key(*label)) {
            found.push(format!("{label} is declared and on no series"));
        }
        for (label, values) in &seen.labels {
            match self.labels.get(label) {
                None => found.push(format!("{label} is not declared")),
                Some(Some(declared)) if Some(declared) != values.as_ref() => {
                    found.push(format!("{label} has {values:?} where {declared:?} are declared"));
                }
                Some(_) => {}
            }
        }
        found.into_iter()
    }
}

/// What the contract says that a scrape has, by name of the family.
fn declared(contract: &Contract, exposition: &Exposition) -> BTreeMap<String, Family> {
    let families = contract.families(exposition).into_iter().map(|family| {
        let names = |required: bool| {
            let labels = family.labels.iter().filter(move |label| label.required || !required);
            labels.map(|label| label.name.clone())
        };
        let values = family.labels.iter().map(|label| {
            let values = label.values.as_ref();
            values.map(|values| values.iter().map(|value| (*value).to_owned()).collect())
        });
        let declared = Family {
            kind: family.kind.word().to_owned(),
            required: names(true).collect(),
            labels: names(false).zip(values).collect(),
            at_zero: family.kind == FamilyKind::Counter
                && !family.metric.annotations.contract.asynchronous
                && !matches!(family.presence(), Presence::OnEvent(_)),
            on_event: matches!(family.presence(), Presence::OnEvent(_)),
        };
        (family.name, declared)
    });
    // The resource, of which Prometheus makes a family of its own.
    let target_info = contract.entities.values().map(|entity| {
        let keys = entity.identity.iter().chain(&entity.description);
        let keys: BTreeSet<String> = keys.map(|attribute| exposition.escaped(&attribute.key)).collect();
        let labels = keys.iter().map(|key| (key.clone(), None)).collect();
        (
            "target_info".to_owned(),
            Family { kind: "gauge".to_owned(), required: keys, labels, at_zero: false, on_event: false },
        )
    });
    families.chain(target_info).collect()
}

/// What a scrape has, by name of the family.
fn seen(text: &str) -> BTreeMap<String, Family> {
    let scrape = Scrape::parse(text.as_bytes()).expect("a scrape");
    assert_eq!(scrape.malformed(), []);
    scrape.families().iter().map(|family| (family.name.clone(), seen_family(family))).collect()
}

fn seen_family(ScrapedFamily { name, kind, series, .. }: &ScrapedFamily) -> Family {
    let kind = kind.unwrap_or_else(|| panic!("{name} has no type"));
    // The bound of a bucket is no label of the contract.
    let labels_of = |series: &Series| {
        series.labels.clone().into_iter().filter(|(key, _)| key != "le").collect::<Vec<_>>()
    };
    let keys = series.iter().map(|series| labels_of(series).into_iter().map(|(key, _)| key).collect());
    let required = keys.reduce(|all: BTreeSet<String>, keys| &all & &keys).unwrap_or_default();
    let mut labels = BTreeMap::<String, Option<BTreeSet<String>>>::new();
    for (key, value) in series.iter().flat_map(labels_of) {
        labels.entry(key).or_default().get_or_insert_default().insert(value);
    }
    let at_zero = series.iter().all(|series| series.value == 0.0);
    Family { kind: kind.word().to_owned(), required, labels, at_zero, on_event: false }
}

/// Whether `program::module::test` is a function in the files of that program.
fn exists(tests: &Path, test: &str) -> bool {
    let (path, function) = test.rsplit_once("::").expect("program::test");
    let module = tests.join(path.replace("::", "/"));
    let function = format!("\nfn {function}() {{");
    [module.with_extension("rs"), module.join("main.rs")]
        .iter()
        .any(|file| fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("#[test]{function}"))))
}
