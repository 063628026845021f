//! `etalon explain`: what it says of a configuration.

use std::fs;

use etalon_tests::{Finished, run_in};
use serde_json::Value;
use tempfile::TempDir;

/// A configuration of these exporters, and of what else is written below.
fn with(exporters: &str, rest: &str) -> String {
    let receivers = "receivers: {otlp: {protocols: {grpc: }}}\n";
    let receivers = if rest.starts_with("receivers:") { "" } else { receivers };
    let service = "service: {pipelines: {logs: {receivers: [otlp], exporters: [otlp_grpc]}}}\n";
    let service = if rest.contains("service:") { "" } else { service };
    format!("{receivers}exporters:\n  {exporters}\n{rest}\n{service}")
}

/// One exporter that is as it should be, and these keys.
fn exporter(keys: &str) -> String {
    with(&format!("otlp_grpc: {{endpoint: backend.example.com:4317, {keys}}}"), "")
}

fn explained(configuration: &str, arguments: &[&str]) -> Finished {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("etalon.yaml"), configuration).expect("it can be written");
    let all = [&["explain", "--config", "etalon.yaml", "--memory", "1GiB"], arguments].concat();
    run_in(folder.path(), &all, &[])
}

fn json(configuration: &str) -> Value {
    let told = explained(configuration, &["--format", "json"]);
    assert_eq!(told.code(), 0, "{configuration}\n{}", told.stderr);
    serde_json::from_str(&told.stdout).expect("JSON")
}

/// The keys that have advice of this id.
fn advised(explanation: &Value, id: &str) -> Vec<String> {
    let all = explanation["advice"].as_array().expect("a list");
    let of_id = all.iter().filter(|advice| advice["id"] == id);
    of_id.map(|advice| advice["key"].as_str().expect("a text").to_owned()).collect()
}

/// Keys of an exporter of which nothing is unwise.
const WISE: &str =
    "retry_on_failure: {max_elapsed_time: 0}, sending_queue: {sizer: bytes, queue_size: 1000000}";
const STORAGE: &str = "sending_queue: {storage: file_storage}, retry_on_failure: {max_elapsed_time: 0}";

fn with_storage(keys: &str, exporter: &str, directory: &str) -> String {
    with(
        &format!("otlp_grpc: {{endpoint: backend.example.com:4317, {exporter}}}"),
        &format!(
            "extensions: {{file_storage: {{directory: {directory}, {keys}}}}}
service: {{extensions: [file_storage], pipelines: {{logs: {{receivers: [otlp], exporters: [otlp_grpc]}}}}}}"
        ),
    )
}

#[test]
fn each_advice_is_given_where_it_is_due_and_not_where_it_is_not() {
    let limited = "processors: {memory_limiter: {check_interval: 1s, limit_mib: 64}}
service: {pipelines: {logs: {receivers: [otlp], processors: [memory_limiter], exporters: [otlp_grpc]}}}";
    let wise = with(&format!("otlp_grpc: {{endpoint: backend.example.com:4317, {WISE}}}"), limited);
    let everywhere = |keys: &str| {
        with(
            &format!("otlp_grpc: {{endpoint: backend.example.com:4317, {WISE}}}"),
            &format!("receivers: {{otlp: {{protocols: {{grpc: {{endpoint: \"0.0.0.0:4317\", {keys}}}}}}}}}"),
        )
    };
    let several = "service: {pipelines: {logs: {receivers: [otlp], exporters: [otlp_grpc, otlp_http]}}}";
    let two = format!(
        "otlp_grpc: {{endpoint: backend.example.com:4317, {WISE}}}\n  otlp_http: {{endpoint: https://b.example.com, {WISE}}}"
    );
    let cases = [
        ("plaintext-to-remote", exporter("tls: {insecure: true}"), "exporters::otlp_grpc"),
        (
            "tls-not-verified",
            exporter("tls: {insecure_skip_verify: true}"),
            "exporters::otlp_grpc::tls::insecure_skip_verify",
        ),
        ("retries-end", exporter(""), "exporters::otlp_grpc::retry_on_failure::max_elapsed_time"),
        (
            "retries-off",
            exporter("retry_on_failure: {enabled: false}"),
            "exporters::otlp_grpc::retry_on_failure::enabled",
        ),
        ("no-timeout", exporter("timeout: 0"), "exporters::otlp_grpc::timeout"),
        (
            "waits-longer-than-senders",
            exporter("sending_queue: {enabled: false}"),
            "exporters::otlp_grpc::retry_on_failure::max_elapsed_time",
        ),
        ("queue-larger-than-memory", exporter(""), "exporters::otlp_grpc::sending_queue::queue_size"),
        (
            "queue-smaller-than-consumers",
            exporter("sending_queue: {queue_size: 3}"),
            "exporters::otlp_grpc::sending_queue::queue_size",
        ),
        (
            "blocked-senders",
            exporter("sending_queue: {block_on_overflow: true}"),
            "exporters::otlp_grpc::sending_queue::block_on_overflow",
        ),
        ("listens-on-all-addresses", everywhere(""), "receivers::otlp::protocols::grpc::endpoint"),
        ("plaintext-listener", everywhere(""), "receivers::otlp::protocols::grpc::tls"),
        (
            "exporter-for-looking",
            with("debug:", "service: {pipelines: {logs: {receivers: [otlp], exporters: [debug]}}}"),
            "exporters::debug",
        ),
        (
            "exporter-discards",
            with("nop:", "service: {pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}"),
            "exporters::nop",
        ),
        ("one-refusal-refuses-all", with(&two, several), "service::pipelines::logs::exporters"),
        ("unused", with(&two, ""), "exporters::otlp_http"),
        ("storage-unused", with_storage("", WISE, "/"), "extensions::file_storage"),
        (
            "storage-without-limit",
            with_storage("max_size: 0", STORAGE, "/"),
            "extensions::file_storage::max_size",
        ),
        (
            "storage-larger-than-disk",
            with_storage("max_size: 4611686018427387904", STORAGE, "/"),
            "extensions::file_storage::max_size",
        ),
        ("memory-not-bounded", exporter(""), "service"),
        ("memory-limiter-missing", exporter(WISE), "service::pipelines::logs::processors"),
    ];
    let said = json(&wise);
    for (id, configuration, key) in &cases {
        assert_eq!(advised(&json(configuration), id), [*key], "{id}: {configuration}");
        assert!(advised(&said, id).is_empty(), "{id} is said of what is wise");
    }
    assert!(advised(&json(&with_storage("", STORAGE, "/")), "storage-unused").is_empty());
}

#[test]
fn a_storage_in_memory_is_dangerous() {
    if !fs::read_to_string("/proc/mounts").is_ok_and(|mounts| mounts.contains(" /dev/shm tmpfs ")) {
        println!("this machine has no file system in memory at /dev/shm");
        return;
    }
    let said = json(&with_storage("", STORAGE, "/dev/shm/queues"));
    assert_eq!(advised(&said, "storage-in-memory"), ["extensions::file_storage::directory"]);
}

#[test]
fn what_a_kill_may_bring_twice_is_told_in_what_is_sent_at_once() {
    for (queue, at_once) in [
        ("num_consumers: 3", "was on its way, 3 requests at most"),
        ("num_consumers: 3, batch: {}", "was on its way, 3 batches at most"),
        ("num_consumers: 1, batch: {}", "was on its way, 1 batch at most"),
    ] {
        let told =
            json(&with_storage("", &format!("sending_queue: {{storage: file_storage, {queue}}}"), "/"));
        let told = told.to_string();
        assert!(told.contains(at_once), "{queue}: {told}");
    }
}

#[test]
fn what_is_denied_ends_with_1_and_is_said_all_the_same() {
    let dangerous = exporter("tls: {insecure: true}");
    for (deny, configuration, code) in
        [("danger", &dangerous, 1), ("warning", &dangerous, 1), ("danger", &exporter(""), 0)]
    {
        let told = explained(configuration, &["--deny", deny]);
        assert_eq!(told.code(), code, "{deny}: {}", told.stderr);
        assert!(told.stdout.contains("Advice"), "{}", told.stdout);
        assert_eq!(told.stderr.contains("Error: denied: "), code == 1, "{}", told.stderr);
    }
}

#[test]
fn what_is_not_valid_is_not_explained() {
    let told = explained("receivers: {otlp: {protocol: }}", &[]);
    assert_eq!(told.code(), 1);
    assert!(told.stderr.contains("unknown key \"protocol\""), "{}", told.stderr);
    assert_eq!(told.stdout, "");
}

#[test]
fn a_sum_is_that_of_its_shares_and_each_names_the_key_that_limits_it() {
    let said = json(&exporter("sending_queue: {sizer: bytes, queue_size: 1000, num_consumers: 2}"));
    let shares = said["memory"]["shares"].as_array().expect("a list");
    let of = |what: &str| {
        let share =
            shares.iter().find(|share| share["what"].as_str().is_some_and(|told| told.contains(what)));
        share.unwrap_or_else(|| panic!("no {what} in {shares:?}"))
    };
    assert_eq!(of("(logs): queue")["bytes"], 1000);
    assert_eq!(of("(logs): queue")["key"], "exporters::otlp_grpc::sending_queue::queue_size");
    assert_eq!(of("on their way")["bytes"], 2 * 64 * 1024 * 1024);
    let sum: u64 = shares.iter().filter_map(|share| share["bytes"].as_u64()).sum();
    assert_eq!(said["memory"]["bytes"], sum);
    let unlimited = json(&with_storage("max_size: 0", STORAGE, "/"));
    assert_eq!(unlimited["disk"]["bytes"], Value::Null);
    let limited = json(&with_storage("max_size: 20000000", STORAGE, "/"));
    assert_eq!(limited["disk"]["bytes"], 20_000_000);
}

#[test]
fn what_ok_means_follows_the_slowest_of_several_destinations_and_leads_through_connectors() {
    let configuration = with(
        &format!(
            "otlp_grpc: {{endpoint: b.example.com:4317, {STORAGE}}}\n  otlp_http: {{endpoint: https://b.example.com, sending_queue: {{enabled: false}}}}"
        ),
        "extensions: {file_storage: {directory: /}}
connectors: {forward: }
service:
  extensions: [file_storage]
  pipelines:
    logs: {receivers: [otlp], exporters: [forward, otlp_grpc]}
    logs/behind: {receivers: [forward], exporters: [otlp_http]}",
    );
    let said = json(&configuration);
    let of = |id: &str| {
        let all = said["pipelines"].as_array().expect("a list");
        all.iter().find(|pipeline| pipeline["id"] == id).expect("it is there").clone()
    };
    let first = of("logs");
    let acknowledged = first["acknowledged"].as_str().expect("a text");
    assert!(acknowledged.contains("otlp_grpc has the data on stable storage"), "{acknowledged}");
    assert!(acknowledged.contains("the destination of otlp_http has the data"), "{acknowledged}");
    assert_eq!(first["survives_kill"], true);
    assert_eq!(of("logs/behind")["acknowledged"], "when the destination of otlp_http has the data");
    let lossy = json(&exporter(""));
    assert_eq!(lossy["pipelines"][0]["survives_kill"], false);
}

#[test]
fn what_cannot_happen_in_a_configuration_is_not_said_to_cost_anything() {
    let cell = |keys: &str, id: &str| {
        let said = json(&exporter(keys));
        let rows = said["destinations"][0]["failures"].as_array().expect("a list").clone();
        rows.into_iter().find(|row| row["id"] == id).expect("it is there")
    };
    let endless = "retry_on_failure: {max_elapsed_time: 0}";
    assert_eq!(cell(endless, "destination_down_longer")["applies"], false);
    assert_eq!(cell("", "destination_down_longer")["lost"], "counted");
    // Without retries, any outage is too long.
    let off = "retry_on_failure: {enabled: false}";
    assert_eq!(cell(off, "destination_down")["lost"], "counted");
    assert_eq!(cell(off, "destination_down_longer")["applies"], false);
    assert_eq!(cell("sending_queue: {enabled: false}", "queue_full")["applies"], false);
    assert_eq!(cell("", "queue_full")["answer"], "retry");
    assert_eq!(cell("sending_queue: {block_on_overflow: true}", "queue_full")["answer"], "ok");
}

/// Programs rely on these names: they are told of in the book, and go with `format`.
#[test]
fn the_json_has_the_keys_that_it_is_said_to_have() {
    let said = json(&with_storage("", STORAGE, "/"));
    let keys = |value: &Value| -> Vec<String> { value.as_object().expect("a map").keys().cloned().collect() };
    assert_eq!(said["format"], 1);
    assert_eq!(keys(&said), ["format", "pipelines", "destinations", "memory", "disk", "advice"].sorted());
    assert_eq!(
        keys(&said["pipelines"][0]),
        [
            "id",
            "signal",
            "receivers",
            "processors",
            "exporters",
            "destinations",
            "acknowledged",
            "survives_kill"
        ]
        .sorted()
    );
    assert_eq!(
        keys(&said["destinations"][0]),
        [
            "exporter",
            "signal",
            "endpoint",
            "is_encrypted",
            "mode",
            "acknowledged",
            "attempts",
            "queue",
            "failures"
        ]
        .sorted()
    );
    assert_eq!(
        keys(&said["destinations"][0]["failures"][0]),
        ["id", "failure", "applies", "lost", "answer", "twice", "text", "shown_by", "is_run"].sorted()
    );
    assert_eq!(keys(&said["memory"]["shares"][0]), ["what", "bytes", "how", "key"].sorted());
    assert_eq!(keys(&said["advice"][0]), ["severity", "id", "key", "text", "change"].sorted());
}

trait Sorted {
    fn sorted(self) -> Vec<String>;
}

impl<const N: usize> Sorted for [&str; N] {
    fn sorted(mut self) -> Vec<String> {
        self.sort_unstable();
        self.map(str::to_owned).to_vec()
    }
}

#[test]
fn a_limit_on_memory_takes_the_place_of_what_it_bounds() {
    let limited = |where_it_is: &str, extensions: &str, listener: &str| {
        json(&with(
            "otlp_grpc: {endpoint: backend.example.com:4317}",
            &format!(
                "receivers: {{otlp: {{protocols: {{grpc: {listener}}}}}}}
{where_it_is}: {{memory_limiter: {{check_interval: 1s, limit_mib: 100}}}}
service:
  {extensions}
  pipelines: {{logs: {{receivers: [otlp], {} exporters: [otlp_grpc]}}}}",
                if where_it_is == "processors" { "processors: [memory_limiter]," } else { "" }
            ),
        ))
    };
    let as_processor = limited("processors", "extensions: []", "");
    let as_extension =
        limited("extensions", "extensions: [memory_limiter]", "{middlewares: [{id: memory_limiter}]}");
    for said in [&as_processor, &as_extension] {
        let mib = 1024 * 1024;
        // And the requests that ten consumers send.
        assert_eq!(said["memory"]["bytes"], 100 * mib + 10 * 64 * mib, "{said:#}");
        assert!(advised(said, "memory-limiter-missing").is_empty());
        assert!(advised(said, "queue-larger-than-memory").is_empty());
        let rows = said["destinations"][0]["failures"].as_array().expect("a list");
        assert!(rows.iter().any(|row| row["id"] == "overload" && row["applies"] == true));
    }
    let in_service_only = limited("extensions", "extensions: [memory_limiter]", "");
    assert_eq!(advised(&in_service_only, "memory-limiter-missing").len(), 1);
}
