use super::*;

fn config(yaml: &str) -> Config {
    Node::parse("test.yaml", yaml).unwrap().decode().unwrap()
}

/// What is wrong with a configuration.
fn problems(yaml: &str) -> String {
    let decoded: Result<Config, _> = Node::parse("test.yaml", yaml).unwrap().decode();
    decoded.and_then(|config| Check::run(&config)).unwrap_err().to_string()
}

#[test]
fn a_protocol_is_on_as_soon_as_its_key_is_there() {
    for yaml in ["protocols:\n  grpc:\n", "protocols:\n  grpc: {}\n"] {
        let config = config(yaml);
        assert_eq!(config.protocols.grpc.get().unwrap().endpoint, "localhost:4317");
        assert!(config.protocols.http.get().is_none());
        Check::run(&config).unwrap();
    }
    let config = config("protocols: {http: {endpoint: '0.0.0.0:1', traces_url_path: t, read_timeout: 5s}}");
    let http = config.protocols.http.get().unwrap();
    assert_eq!(http.server.endpoint, "0.0.0.0:1");
    assert_eq!(http.server.read_timeout, etalon_conf::Duration::from_secs(5));
    assert_eq!([TRACES, METRICS].map(|signal| http.paths.of(signal)), ["/t", "/v1/metrics"]);
    assert!(config.protocols.grpc.get().is_none());
}

#[test]
fn one_protocol_at_least_must_be_on() {
    for yaml in ["", "protocols:\n", "protocols: {}\n"] {
        let told = problems(yaml);
        assert!(told.contains("must specify at least one protocol when using the OTLP receiver"), "{told}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_key() {
    for (yaml, expected) in [
        ("protocols: {grpd: }", "grpd"),
        ("protocols: {grpc: {endpoint: nowhere}}", "expected <host>:<port>"),
        (
            "protocols: {grpc: {max_recv_msg_size_mib: -1}}",
            "invalid max_recv_msg_size_mib value, must be between 1 and 4095: -1",
        ),
        ("protocols: {grpc: {read_buffer_size: -1}}", "invalid read_buffer_size value: -1"),
        ("protocols: {grpc: {transport: carrier-pigeon}}", "unsupported transport type \"carrier-pigeon\""),
        ("protocols: {grpc: {transport: ''}}", "invalid transport type \"\""),
        ("protocols: {grpc: {transport: udp4}}", "it carries datagrams, and OTLP needs a stream"),
        ("protocols: {grpc: {transport: unixpacket}}", "use unix"),
        ("protocols: {http: {transport: npipe}}", "it exists on Windows only"),
        ("protocols: {http: {transport: unix, endpoint: ''}}", "the path of the socket file is missing"),
        ("protocols: {http: {endpoint: 'unix:///run/x'}}", "write `transport: unix` and `endpoint: /run/x`"),
        ("protocols: {http: {dialer: {timeout: -1s}}}", "must not be negative"),
        ("protocols: {grpc: {auth: {}}}", "the id of an extension is missing"),
        ("protocols: {http: {auth: {authenticator: x, request_params: ['a b']}}}", "request_params::0"),
        ("protocols: {grpc: {include_metadata: 1}}", "include_metadata"),
        ("protocols: {grpc: {middlewares: [{}]}}", "the id of an extension is missing"),
        ("protocols: {grpc: {keepalive: {enforcement_policy: {min_time: -1m}}}}", "must not be negative"),
        ("protocols: {grpc: {keepalive: {server_parameters: {time: -1s}}}}", "must not be negative"),
        ("protocols: {grpc: {tls: {}}}", "must include both certificate and key for server connections"),
        ("protocols: {http: {cors: {allowed_headers: ['*', 'a b']}}}", "\"a b\" is not a header field"),
        ("protocols: {http: {middlewares: [{id: null}]}}", "the id of an extension is missing"),
        ("protocols: {http: {write_timeout: -1s}}", "must not be negative"),
        ("protocols: {http: {compression_algorithms: ['', br]}}", "unsupported compression type \"br\""),
        ("protocols: {http: {response_headers: {'a b': c}}}", "not a valid HTTP header field"),
        ("protocols: {http: {logs_url_path: 'a b'}}", "invalid HTTP URL path set for signal"),
    ] {
        let told = problems(yaml);
        assert!(told.contains(expected), "{yaml}: {told}");
    }
}

#[test]
fn keys_that_ask_for_nothing_are_fine() {
    let yaml = "protocols:\n  grpc:\n    auth:\n    include_metadata: false\n    middlewares: []\n    dialer: {timeout: 5s}\n  \
        http: {write_timeout: 0, cors: null, max_request_body_size: 1000, idle_timeout: 1m}\n";
    Check::run(&config(yaml)).unwrap();
}

#[tokio::test]
async fn a_configured_path_is_served_and_the_default_is_not() {
    let yaml = "protocols: {http: {endpoint: '127.0.0.1:0', logs_url_path: my/logs}}";
    let running = try_start(yaml, vec![(LOGS, Pipeline::delivering())]).await.unwrap();
    let address = running.address("http");
    assert_eq!(post(address, "/my/logs", "application/json", b"{}").await.0, 200);
    assert_eq!(post(address, "/v1/logs", "application/json", b"{}").await.0, 404);
}

#[tokio::test]
async fn two_signals_are_not_received_at_one_path() {
    let yaml = "protocols: {http: {endpoint: '127.0.0.1:0', logs_url_path: in, traces_url_path: /in}}";
    let both = vec![(LOGS, Pipeline::delivering() as Arc<dyn Consumer>), (TRACES, Pipeline::delivering())];
    let error = try_start(yaml, both).await.err().unwrap();
    assert_eq!(error.to_string(), "the path \"/in\" is that of two signals; give each its own *_url_path");
    assert!(try_start(yaml, vec![(LOGS, Pipeline::delivering())]).await.is_ok());
}

#[tokio::test]
async fn a_port_in_use_is_a_start_error_that_names_the_address() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let yaml = format!("protocols: {{grpc: {{endpoint: '127.0.0.1:0'}}, http: {{endpoint: '{address}'}}}}");
    let error = try_start(&yaml, vec![(LOGS, Pipeline::delivering())]).await.err().unwrap();
    assert!(error.to_string().contains(&format!("cannot listen on {address}")), "{error}");
}

#[tokio::test]
async fn addresses_are_reported_as_bound() {
    let running = start(&Pipeline::delivering()).await;
    let protocols: Vec<_> = running.listening.iter().map(|listening| listening.protocol).collect();
    assert_eq!(protocols, ["grpc", "http"]);
    assert!(protocols.iter().all(|protocol| running.address(protocol).port() != 0));
    assert!(running.listening.iter().all(|listening| !listening.tls));
}
