use etalon_conf::Node;
use etalon_pdata::{LOGS, METRICS, TRACES};

use super::*;

fn read(yaml: &str) -> Result<OtlpHttpConfig, String> {
    let node = Node::parse("test.yaml", yaml).expect("valid YAML");
    node.decode_valid()
        .map_err(|problems| problems.iter().map(|p| p.message().to_owned()).collect::<Vec<_>>().join("\n"))
}

fn error(yaml: &str) -> String {
    read(yaml).expect_err("the configuration has a problem")
}

#[test]
fn the_defaults_are_those_of_the_go_collector() {
    let config = read("endpoint: http://localhost:4318").unwrap();
    assert_eq!(config.client.compression, Compression::Gzip);
    assert_eq!(config.client.write_buffer_size, 524_288);
    assert_eq!(config.client.max_idle_conns, 100);
    assert_eq!(config.encoding(), Encoding::Proto);
    assert_eq!(config.delivery().timeout.as_secs(), 30);
    assert!(config.delivery().queue.is_some());
}

#[test]
fn the_url_of_a_signal_is_its_own_or_is_composed() {
    let config = read("{endpoint: 'http://a:1/base/', logs_endpoint: 'https://b:2/x?y=z'}").unwrap();
    assert_eq!(config.url(TRACES).unwrap(), "http://a:1/base/v1/traces");
    assert_eq!(config.url(LOGS).unwrap(), "https://b:2/x?y=z");
    let config = read("endpoint: http://a:1").unwrap();
    assert_eq!(config.url(METRICS).unwrap(), "http://a:1/v1/metrics");
    let config = read("traces_endpoint: http://a:1/t").unwrap();
    let missing = config.url(METRICS).unwrap_err().to_string();
    assert_eq!(missing, "either endpoint or metrics_endpoint must be specified");
}

#[test]
fn what_is_wrong_is_said_in_the_words_of_the_go_collector() {
    assert_eq!(error("timeout: 3s"), "at least one endpoint must be specified");
    assert!(error("endpoint: 'http://a b'").starts_with("endpoint must be a valid URL"));
    assert!(error("endpoint: localhost:4318").starts_with("endpoint must be a valid URL"));
    assert!(error("logs_endpoint: '::'").starts_with("logs_endpoint must be a valid URL"));
    assert!(error("{endpoint: 'http://a:1', encoding: xml}").contains("invalid encoding type: xml"));
    let level = error("{endpoint: 'http://a:1', compression_params: {level: 17}}");
    assert_eq!(level, "unsupported parameters {Level:17} for compression type \"gzip\"");
    let level = error("{endpoint: 'http://a:1', compression: lz4, compression_params: {level: 1}}");
    assert_eq!(level, "unsupported parameters {Level:1} for compression type \"lz4\"");
    assert!(
        error("{endpoint: 'http://a:1', compression: brotli}")
            .contains("unsupported compression type \"brotli\"")
    );
}

#[test]
fn a_proxy_must_be_one_of_http_and_is_not_printed() {
    let keys = |url: &str| format!("{{endpoint: 'http://a:1', proxy_url: '{url}'}}");
    assert!(error(&keys("socks5://proxy:1080")).contains("which this version does not speak"));
    assert!(error(&keys("proxy:3128")).contains("the URL of the proxy in proxy_url cannot be used"));
    let config = read(&keys("http://user:s3cret@proxy:3128")).unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
    assert!(!error(&keys("ftp://user:s3cret@proxy")).contains("s3cret"));
    let negative = error("{endpoint: 'http://a:1', http2_ping_timeout: -1s}");
    assert_eq!(negative, "'http2_ping_timeout' must be non-negative");
}

#[test]
fn what_cannot_be_honoured_yet_is_refused() {
    let error = error("endpoint: http://a:1\nsending_queue: {storage: file_storage, wait_for_result: true}");
    assert!(error.contains("not supported"), "{error}");
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
