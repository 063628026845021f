//! Where a configuration comes from, and what is said about a wrong one.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use etalon_tests::{Etalon, Identity, free_port, post, run, run_in};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;

use crate::{OTLP, forwarding_to};

#[test]
fn without_a_configuration_the_default_starts_and_takes_data() {
    // Its ports are changed, because something else may listen on the usual ones.
    let arguments = [
        "--set",
        "receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0",
        "--set",
        "receivers.otlp.protocols.http.endpoint=127.0.0.1:0",
    ];
    let etalon = Etalon::start_with(&arguments, tempfile::tempdir().unwrap());
    let sent = run(&["send", "--endpoint", &etalon.grpc().to_string()]);
    assert_eq!(sent.code(), 0, "{sent:?}");
    for message in ["Traces", "Metrics", "Logs"] {
        etalon.wait_for_line(message);
    }
    assert_eq!(etalon.stop().code(), 0);
}

#[test]
fn a_configuration_comes_from_a_file() {
    let etalon = Etalon::start(&forwarding_to("  nop:", "nop"));
    assert_eq!(post(etalon.http(), "/v1/logs", "application/json", b"{}").status, 200);
    assert_eq!(etalon.stop().code(), 0);
}

#[test]
fn later_configurations_are_merged_over_earlier_ones_and_set_over_all() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("base.yaml"),
        forwarding_to("  debug: {verbosity: normal, sampling_initial: 7}", "debug"),
    )
    .unwrap();
    fs::write(
        folder.path().join("site.yaml"),
        "exporters: {debug: {verbosity: detailed, sampling_thereafter: 5}}",
    )
    .unwrap();
    let printed = run_in(
        folder.path(),
        &[
            "print-config",
            "--format=json",
            "--set=exporters.debug.sampling_thereafter=3",
            "--config",
            "base.yaml",
            "--config",
            "file:site.yaml",
        ],
        &[],
    );
    assert_eq!(printed.code(), 0, "{}", printed.stderr);
    let tree: Value = serde_json::from_str(&printed.stdout).unwrap();
    let debug = &tree["exporters"]["debug"];
    assert_eq!(debug["verbosity"].as_str().map(str::to_lowercase).as_deref(), Some("detailed"));
    assert_eq!(debug["sampling_initial"], 7);
    assert_eq!(debug["sampling_thereafter"], 3);
}

#[test]
fn a_list_is_replaced_by_the_later_configuration_not_appended_to() {
    let base = format!("yaml:{}", forwarding_to("  nop:\n  debug:", "nop, debug"));
    let site = "yaml:service::pipelines::logs::exporters: [nop]";
    let printed = run(&["print-config", "--format=json", "--config", &base, "--config", site]);
    assert_eq!(printed.code(), 0, "{}", printed.stderr);
    let tree: Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(tree["service"]["pipelines"]["logs"]["exporters"], serde_json::json!(["nop"]));
    assert_eq!(tree["service"]["pipelines"]["traces"]["exporters"], serde_json::json!(["nop", "debug"]));
}

#[test]
fn environment_variables_are_expanded_with_defaults_and_escapes() {
    let exporters = "  otlp_http:
    endpoint: http://${env:BLACK_BOX_HOST}:${env:BLACK_BOX_PORT:-4318}
    headers: {plain: '$${env:BLACK_BOX_HOST}', dollar: $HOME}
    timeout: ${BLACK_BOX_TIMEOUT}";
    let configuration = format!("yaml:{}", forwarding_to(exporters, "otlp_http"));
    let environment = [("BLACK_BOX_HOST", "backend"), ("BLACK_BOX_TIMEOUT", "7s")];
    let arguments = ["print-config", "--mode=unredacted", "--config", &configuration];
    let printed = run_in(std::path::Path::new("."), &arguments, &environment);
    assert_eq!(printed.code(), 0, "{}", printed.stderr);
    for wanted in ["endpoint: http://backend:4318", "timeout: 7s", "${env:BLACK_BOX_HOST}", "$HOME"] {
        assert!(printed.stdout.contains(wanted), "{wanted} is not in\n{}", printed.stdout);
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once_and_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let text = format!(
        "receivers:
  otlp:
    protocols:
      grpc:
        endpoint: {}
        max_recv_msg_size_mib: many
exporters:
  otlp_grpc:
    endpoint: backend:4317
    timout: 5s
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [otlp_grpc]
",
        taken.local_addr().unwrap()
    );
    fs::write(folder.path().join("wrong.yaml"), text).unwrap();
    for arguments in [["--config", "wrong.yaml"].as_slice(), &["validate", "--config", "wrong.yaml"]] {
        let failed = run_in(folder.path(), arguments, &[]);
        assert_eq!(failed.code(), 1);
        assert_eq!(failed.stdout, "");
        let text = &failed.stderr;
        assert!(text.starts_with("Error: "), "{text}");
        assert!(text.contains("wrong.yaml:6:"), "{text}");
        assert!(text.contains("receivers::otlp::protocols::grpc::max_recv_msg_size_mib"), "{text}");
        assert!(text.contains("wrong.yaml:10:"), "{text}");
        assert!(text.contains("timout") && text.contains("timeout"), "no near match in\n{text}");
        // Binding comes later: the port is taken, and nobody has noticed.
        assert!(!text.contains("in use"), "{text}");
    }
}

#[test]
fn a_reference_to_a_component_that_is_not_configured_is_an_error_with_its_place() {
    let configuration = format!(
        "{OTLP}exporters:\n  debug:\nservice:\n  pipelines:\n    logs:\n      receivers: [otlp]\n      exporters: [debgu]\n"
    );
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("wrong.yaml"), configuration).unwrap();
    let failed = run_in(folder.path(), &["--config", "wrong.yaml"], &[]);
    assert_eq!(failed.code(), 1);
    assert!(failed.stderr.contains("wrong.yaml:14:"), "{}", failed.stderr);
    assert!(failed.stderr.contains("debgu"), "{}", failed.stderr);
    assert!(failed.stderr.contains("service::pipelines::logs"), "{}", failed.stderr);
}

#[test]
fn a_file_that_is_not_there_is_an_error_that_names_it() {
    let failed = run(&["--config", "no-such-file.yaml"]);
    assert_eq!(failed.code(), 1);
    assert!(failed.stderr.starts_with("Error: "), "{}", failed.stderr);
    assert!(failed.stderr.contains("no-such-file.yaml"), "{}", failed.stderr);
}

#[test]
fn a_file_that_is_not_yaml_is_an_error_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("wrong.yaml"), "receivers:\n  otlp: [\nexporters: }\n").unwrap();
    let failed = run_in(folder.path(), &["--config", "wrong.yaml"], &[]);
    assert_eq!(failed.code(), 1);
    assert!(failed.stderr.contains("wrong.yaml:"), "{}", failed.stderr);
}

#[test]
fn a_secret_is_not_in_the_message_about_it() {
    let exporters =
        "  otlp_http:\n    endpoint: http://backend:4318\n    headers: {authorization: [verysecret]}";
    let failed = run(&["--config", &format!("yaml:{}", forwarding_to(exporters, "otlp_http"))]);
    assert_eq!(failed.code(), 1);
    assert!(failed.stderr.contains("headers"), "{}", failed.stderr);
    assert!(!failed.stderr.contains("verysecret"), "{}", failed.stderr);
}

#[test]
fn a_port_that_is_taken_ends_the_start_and_is_named() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let endpoint = taken.local_addr().unwrap();
    let configuration = format!("yaml:{}", forwarding_to("  nop:", "nop"));
    let metrics = format!(
        "service.telemetry.metrics.readers=[{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {}}}}}}}}}]",
        free_port()
    );
    for protocol in ["grpc", "http"] {
        let set = format!("receivers.otlp.protocols.{protocol}.endpoint={endpoint}");
        let failed = run(&["--config", &configuration, "--set", &set, "--set", &metrics]);
        assert_eq!(failed.code(), 1);
        let error = failed
            .stderr
            .lines()
            .find(|line| line.starts_with("Error: "))
            .unwrap_or_else(|| panic!("{failed:?}"));
        assert!(error.contains("otlp") && error.contains(&endpoint.to_string()), "{error}");
        assert!(error.to_lowercase().contains("address already in use"), "{error}");
    }
}

#[test]
fn a_metrics_port_that_is_taken_ends_the_start_and_is_named() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let endpoint = taken.local_addr().unwrap();
    let reader = format!(
        "service.telemetry.metrics.readers=[{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {}}}}}}}}}]",
        endpoint.port()
    );
    let failed = run(&["--config", &format!("yaml:{}", forwarding_to("  nop:", "nop")), "--set", &reader]);
    assert_eq!(failed.code(), 1);
    let error = failed
        .stderr
        .lines()
        .find(|line| line.starts_with("Error: "))
        .unwrap_or_else(|| panic!("{failed:?}"));
    assert!(error.contains("metrics") && error.contains(&endpoint.to_string()), "{error}");
}

/// Answers each connection with this status and body, and returns the URL.
fn web_server(status: &'static str, body: String) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback can be bound");
    let url = format!("http://{}/collector.yaml", listener.local_addr().expect("it is bound"));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            serve(stream, status, &body);
        }
    });
    url
}

/// As [`web_server`], with TLS, as `localhost`.
fn secure_web_server(identity: &Identity, body: String) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback can be bound");
    let url =
        format!("https://localhost:{}/collector.yaml", listener.local_addr().expect("it is bound").port());
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate and its key");
    let config = Arc::new(config);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection =
                rustls::ServerConnection::new(Arc::clone(&config)).expect("a valid configuration");
            serve(rustls::StreamOwned::new(connection, stream), "200 OK", &body);
        }
    });
    url
}

fn serve(mut stream: impl Read + Write, status: &str, body: &str) {
    // The request fits into one read; the peer may go whenever it likes.
    let Ok(1..) = stream.read(&mut [0; 4096]) else { return };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all((head + body).as_bytes()).ok();
    stream.flush().ok();
}

#[test]
fn a_configuration_and_a_part_of_one_come_over_http() {
    let url = web_server("200 OK", forwarding_to("  nop:", "nop"));
    assert_eq!(run(&["validate", "--config", &url]).code(), 0);
    let part = web_server("200 OK", "normal".to_owned());
    let local = format!("yaml:{}", forwarding_to(&format!("  debug: {{verbosity: '${{{part}}}'}}"), "debug"));
    let printed = run(&["print-config", "--config", &local]);
    assert!(printed.stdout.to_lowercase().contains("verbosity: normal"), "{printed:?}");
}

#[test]
fn a_configuration_comes_over_https_from_whom_the_systems_authorities_vouch_for() {
    let (identity, folder) = (Identity::new(), tempfile::tempdir().unwrap());
    let file = |name: &str, identity: &Identity| {
        let file = folder.path().join(name);
        fs::write(&file, &identity.certificate).unwrap();
        file.to_string_lossy().into_owned()
    };
    let (known, other) = (file("known.pem", &identity), file("other.pem", &Identity::new()));
    let url = secure_web_server(&identity, forwarding_to("  nop:", "nop"));
    let validated = |authorities: &str| {
        run_in(
            Path::new("."),
            &["validate", "--config", &url],
            &[("SSL_CERT_FILE", authorities), ("SSL_CERT_DIR", "")],
        )
    };
    let taken = validated(&known);
    assert_eq!((taken.code(), taken.stderr.as_str()), (0, ""));
    let refused = validated(&other);
    assert_eq!(refused.code(), 1, "{refused:?}");
    let wanted = format!("unable to download the file via HTTP GET for uri \"{url}\": ");
    assert!(refused.stderr.contains(&wanted) && refused.stderr.contains("certificate"), "{}", refused.stderr);
    // The port speaks TLS: asking without is told, and not waited for.
    let plain = run(&["validate", "--config", &url.replace("https:", "http:")]);
    assert_eq!(plain.code(), 1, "{plain:?}");
}

#[test]
fn what_is_not_there_over_http_is_told_with_its_status() {
    let url = web_server("404 Not Found", String::new());
    let failed = run(&["validate", "--config", &url]);
    assert_eq!(failed.code(), 1);
    let wanted = format!("failed to load resource from uri \"{url}\". status code: 404");
    assert!(failed.stderr.contains(&wanted), "{}", failed.stderr);
    let url = format!("http://127.0.0.1:{}/", free_port());
    let failed = run(&["validate", "--config", &url]);
    let wanted = format!("unable to download the file via HTTP GET for uri \"{url}\": ");
    assert!(failed.stderr.contains(&wanted), "{}", failed.stderr);
}

#[test]
fn what_this_version_does_not_have_is_refused_with_its_key() {
    let with = |more: &str| forwarding_to("  nop:", "nop") + more;
    let cases = [
        (with("connectors: {count: }\n"), "connectors::count: unknown type: \"count\""),
        (
            with("extensions: {zpages: {expvar: {enabled: true}}}\n"),
            "extensions::zpages::expvar::enabled: these are variables of the Go runtime",
        ),
        (with("extensions: {pprof: }\n"), "extensions::pprof: unknown type: \"pprof\""),
        (
            with(
                "  telemetry: {metrics: {readers: [{periodic: {exporter: {otlp: {headers_list: a=b}}}}]}}\n",
            ),
            "service::telemetry::metrics::readers::0::periodic::exporter::otlp::headers_list: is not supported yet",
        ),
        (
            with("  telemetry: {traces: {processors: [{simple: {exporter: {zipkin: {}}}}]}}\n"),
            "service::telemetry::traces::processors::0::simple::exporter::zipkin: is not supported by this version",
        ),
    ];
    for (configuration, wanted) in cases {
        let failed = run(&["validate", "--config", &format!("yaml:{configuration}")]);
        assert_eq!(failed.code(), 1, "{wanted}");
        assert!(failed.stderr.contains(wanted), "{wanted:?} is not in\n{}", failed.stderr);
    }
}
