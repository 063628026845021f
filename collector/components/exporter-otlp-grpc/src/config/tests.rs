use etalon_conf::{Node, Secrets, to_value};

use super::*;

fn read(yaml: &str) -> Result<OtlpGrpcConfig, String> {
    let node = Node::parse("test.yaml", yaml).expect("valid YAML");
    node.decode_valid()
        .map_err(|problems| problems.iter().map(|p| p.message().to_owned()).collect::<Vec<_>>().join("\n"))
}

fn error(yaml: &str) -> String {
    read(yaml).expect_err("the configuration has a problem")
}

#[test]
fn the_defaults_are_those_of_the_go_collector() {
    let config = read("endpoint: localhost:4317").unwrap();
    assert_eq!(config.client.compression, Compression::Gzip);
    assert_eq!(config.client.write_buffer_size, 524_288);
    assert_eq!(config.client.balancer_name, "round_robin");
    assert!(!config.client.keepalive.is_on());
    let delivery = config.delivery();
    assert_eq!(delivery.timeout.as_secs(), 5);
    assert!(delivery.retry.enabled);
    let queue = delivery.queue.expect("on");
    assert_eq!((queue.queue_size, queue.num_consumers), (1000, 10));
}

#[test]
fn a_full_configuration_is_read() {
    let config = read(
        "
endpoint: https://example.org:4317
compression: zstd
timeout: 10s
tls: {insecure_skip_verify: true, server_name_override: other.example.org, min_version: '1.3'}
keepalive: {time: 20s, timeout: 30s, permit_without_stream: true}
read_buffer_size: 123
write_buffer_size: 345
balancer_name: pick_first
wait_for_ready: true
headers: {can you have a . here?: F0000000-0000-0000-0000-000000000000, another: somevalue}
user_agent: mine/1
authority: third.example.org
sending_queue: {enabled: true, sizer: items, num_consumers: 2, queue_size: 10, block_on_overflow: true}
retry_on_failure: {initial_interval: 10s, randomization_factor: 0.7, multiplier: 1.3, max_interval: 60s, max_elapsed_time: 10m}
",
    )
    .unwrap();
    assert_eq!(config.client.keepalive.get().map(|keepalive| keepalive.permit_without_stream), Some(true));
    assert_eq!(config.delivery().retry.max_elapsed_time, Duration::from_secs(600));
}

#[test]
fn what_is_wrong_is_said_in_the_words_of_the_go_collector() {
    assert_eq!(error("timeout: 3s"), "requires a non-empty \"endpoint\"");
    assert_eq!(error("endpoint: https://"), "requires a non-empty \"endpoint\"");
    assert_eq!(error("endpoint: example"), "address example: missing port in address");
    assert_eq!(error("endpoint: example:x"), "invalid port \"x\"");
    assert_eq!(error("{endpoint: 'a:1', timeout: -1s}"), "'timeout' must be non-negative");
    assert_eq!(error("{endpoint: 'a:1', balancer_name: best}"), "invalid balancer_name: best");
    for compression in ["zlib", "deflate", "lz4", "x-snappy-framed"] {
        let keys = format!("{{endpoint: 'a:1', compression: {compression}}}");
        assert_eq!(error(&keys), format!("unsupported compression type \"{compression}\""));
    }
    assert_eq!(error("{endpoint: 'a:1', sending_queue: {queue_size: 0}}"), "`queue_size` must be positive");
    assert!(error("{endpoint: 'a:1', sending_queue: {sizer: pounds}}").contains("invalid sizer: \"pounds\""));
    let retry = error("{endpoint: 'a:1', retry_on_failure: {enabled: false, max_elapsed_time: 1s}}");
    assert!(retry.contains("'max_elapsed_time' must not be less than 'initial_interval'"), "{retry}");
}

#[test]
fn what_cannot_be_honoured_is_refused() {
    for (keys, reason) in [
        (
            "sending_queue: {storage: file_storage, wait_for_result: true}",
            "`wait_for_result` is not supported with a persistent queue configured with `storage`",
        ),
        ("tls: {tpm: {enabled: true}}", "private keys in a TPM are not supported"),
    ] {
        let error = error(&format!("endpoint: a:1\n{keys}"));
        assert!(error.contains(reason), "{keys}: {error}");
    }
}

#[test]
fn what_asks_for_nothing_is_accepted() {
    read("{endpoint: 'a:1', auth: null, middlewares: [], sending_queue: {storage: null, batch: {enabled: false}}}")
        .unwrap();
    assert!(read("{endpoint: 'a:1', sending_queue: {enabled: false}}").unwrap().delivery().queue.is_none());
}

#[test]
fn the_configuration_survives_printing() {
    let config = read("{endpoint: 'a:1', headers: {token: s3cret}}").unwrap();
    let printed = to_value(&config).to_yaml(Secrets::Redacted);
    assert!(!printed.contains("s3cret"), "{printed}");
    let node = Node::parse("printed.yaml", &printed).unwrap();
    let again: OtlpGrpcConfig = node.decode_valid().unwrap();
    assert_eq!(to_value(&again).to_yaml(Secrets::Redacted), printed);
}

#[test]
fn extensions_are_named_and_middlewares_refused() {
    let endpoint = "endpoint: http://a:1\n";
    let config = read(&format!("{endpoint}auth: {{authenticator: basicauth/client}}")).unwrap();
    let named = config.client.auth.get().and_then(|auth| auth.authenticator.as_ref());
    assert_eq!(named.map(ToString::to_string).as_deref(), Some("basicauth/client"));
    assert!(error(&format!("{endpoint}auth: {{}}")).contains("the id of an extension is missing"));
    let refused = error(&format!("{endpoint}middlewares: [{{id: limiter}}]"));
    assert!(refused.contains("failed to resolve middleware \"limiter\": middleware not found"), "{refused}");
}
