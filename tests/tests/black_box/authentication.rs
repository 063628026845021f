//! Who may send, and how the exporter is let in: by extensions of the built binary.

use etalon_tests::{Etalon, Sink, eventually, logs, post, request, run_in};

/// A collector that takes logs over HTTP from those whom the extension `kind`, so configured, lets in.
fn guarded(kind: &str, configuration: &str) -> Etalon {
    Etalon::start(&format!(
        "
extensions:
  {kind}: {configuration}
receivers:
  otlp:
    protocols:
      http: {{endpoint: '127.0.0.1:0', auth: {{authenticator: {kind}}}}}
exporters:
  nop:
service:
  extensions: [{kind}]
  pipelines:
    logs: {{receivers: [otlp], exporters: [nop]}}
"
    ))
}

/// Posts a log record with these header fields.
fn status(etalon: &Etalon, number: u32, fields: &str) -> u16 {
    let (to, body) = (etalon.http(), logs(number..number + 1));
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nHost: {to}\r\nContent-Type: application/json\r\n{fields}Content-Length: {}\r\n\r\n",
        body.len()
    );
    request(to, &head, &body).unwrap_or_else(|error| panic!("{fields}: {error}")).status
}

#[test]
fn a_token_is_exchanged_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "old\nboth\n").unwrap();
    let etalon = guarded("bearertokenauth", &format!("{{filename: '{}'}}", file.display()));
    let with = |token: &str| status(&etalon, 0, &format!("Authorization: Bearer {token}\r\n"));
    assert_eq!((with("old"), with("both"), with("new")), (200, 200, 401));
    std::fs::write(&file, "both\nnew\n").unwrap();
    eventually("the new token is taken", || (with("new") == 200).then_some(()));
    assert_eq!((with("old"), with("both")), (401, 200));
    std::fs::remove_file(&file).unwrap();
    etalon.wait_for_line("A file cannot be read again: what was read before stays in use.");
    assert_eq!(with("new"), 200);
    let log = etalon.stop().stderr;
    assert!(!log.contains("both") && !log.contains("Bearer"), "{log}");
}

#[test]
fn a_password_is_changed_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("htpasswd");
    // "ann:sesame" and "ann:changed", in base64.
    let (old, new) =
        ("Authorization: Basic YW5uOnNlc2FtZQ==\r\n", "Authorization: Basic YW5uOmNoYW5nZWQ=\r\n");
    std::fs::write(&file, "ann:sesame").unwrap();
    let etalon = guarded("basicauth", &format!("{{htpasswd: {{file: '{}'}}}}", file.display()));
    assert_eq!((status(&etalon, 0, old), status(&etalon, 0, new), status(&etalon, 0, "")), (200, 401, 401));
    std::fs::write(&file, "ann:changed").unwrap();
    eventually("the new password is taken", || (status(&etalon, 0, new) == 200).then_some(()));
    assert_eq!(status(&etalon, 0, old), 401);
}

#[test]
fn the_exporter_of_one_collector_is_let_in_by_the_receiver_of_the_next() {
    let last = guarded("basicauth", "{htpasswd: {inline: 'ann:sesame'}}");
    let sending = |password: &str| {
        Etalon::start(&format!(
            "
extensions:
  basicauth/client: {{client_auth: {{username: ann, password: {password}}}}}
receivers:
  otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}
exporters:
  otlp_http:
    endpoint: http://{}
    auth: {{authenticator: basicauth/client}}
    sending_queue: {{enabled: false}}
service:
  extensions: [basicauth/client]
  pipelines:
    logs: {{receivers: [otlp], exporters: [otlp_http]}}
",
            last.http()
        ))
    };
    assert_eq!(status(&sending("sesame"), 0, ""), 200);
    let wrong = sending("wrong");
    assert_eq!(status(&wrong, 0, ""), 401, "the verdict of the next collector is that of this one");
    wrong.wait_for("a warning", |line| {
        line["msg"].as_str().is_some_and(|msg| msg.contains("without encryption"))
    });
    assert!(!wrong.stop().stderr.contains("YW5uO"), "the credentials are not logged");
}

#[test]
fn metadata_of_a_request_reaches_the_exporter_through_the_queue() {
    let sink = Sink::start();
    let etalon = Etalon::start(&format!(
        "
extensions:
  headers_setter:
    headers:
      - {{action: upsert, key: X-Scope-OrgID, from_context: x-tenant, default_value: nobody}}
      - {{action: insert, key: x-static, value: always}}
receivers:
  otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0', include_metadata: true}}}}}}
exporters:
  otlp_http:
    endpoint: {}
    compression: none
    auth: {{authenticator: headers_setter}}
    sending_queue: {{num_consumers: 1}}
service:
  extensions: [headers_setter]
  pipelines:
    logs: {{receivers: [otlp], exporters: [otlp_http]}}
",
        sink.endpoint()
    ));
    for (number, fields) in [(0, "X-Tenant: acme\r\n"), (1, "x-tenant: zeta\r\n"), (2, "")] {
        assert_eq!(status(&etalon, number, fields), 200);
        sink.wait_until_accepted(number as usize + 1);
    }
    let tenants = sink.headers("x-scope-orgid");
    assert_eq!(tenants, ["acme", "zeta", "nobody"].map(|tenant| Some(tenant.to_owned())));
    assert!(sink.headers("x-static").iter().all(|value| value.as_deref() == Some("always")));
}

#[test]
fn the_identity_of_a_client_can_be_sent_on() {
    let sink = Sink::start();
    let etalon = Etalon::start(&format!(
        "
extensions:
  basicauth: {{htpasswd: {{inline: 'ann:sesame'}}}}
  headers_setter: {{headers: [{{action: upsert, key: x-user, from_attribute: username}}]}}
receivers:
  otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0', auth: {{authenticator: basicauth}}}}}}}}
exporters:
  otlp_http: {{endpoint: '{}', compression: none, auth: {{authenticator: headers_setter}}}}
service:
  extensions: [basicauth, headers_setter]
  pipelines:
    logs: {{receivers: [otlp], exporters: [otlp_http]}}
",
        sink.endpoint()
    ));
    assert_eq!(status(&etalon, 0, "Authorization: Basic YW5uOnNlc2FtZQ==\r\n"), 200);
    sink.wait_until_accepted(1);
    assert_eq!(sink.headers("x-user"), [Some("ann".to_owned())]);
    assert_eq!(sink.headers("authorization"), [None], "nothing is sent on by itself");
}

#[test]
fn an_authenticator_that_cannot_be_found_or_used_ends_the_start_with_the_words_of_go() {
    let folder = tempfile::tempdir().unwrap();
    let started = |receiver: &str, exporter: &str, service: &str| {
        let configuration = format!(
            "
extensions:
  headers_setter: {{headers: [{{action: upsert, key: x, value: y}}]}}
  basicauth: {{htpasswd: {{inline: 'a:b'}}}}
receivers:
  otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:0'{receiver}}}}}}}
exporters:
  otlp_grpc: {{endpoint: '127.0.0.1:1', tls: {{insecure: true}}{exporter}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  extensions: {service}
  pipelines:
    logs: {{receivers: [otlp], exporters: [otlp_grpc]}}
"
        );
        std::fs::write(folder.path().join("etalon.yaml"), configuration).unwrap();
        let finished = run_in(folder.path(), &["--config", "etalon.yaml"], &[]);
        assert_eq!(finished.code(), 1, "{finished:?}");
        finished.stderr
    };
    let auth = |id: &str| format!(", auth: {{authenticator: {id}}}");
    for (receiver, exporter, service, expected) in [
        (
            auth("basicauth"),
            String::new(),
            "[]",
            "failed to resolve authenticator \"basicauth\": authenticator not found",
        ),
        (
            auth("headers_setter"),
            String::new(),
            "[headers_setter]",
            "requested authenticator is not a server authenticator",
        ),
        (
            String::new(),
            auth("basicauth"),
            "[basicauth]",
            "requested authenticator is not a gRPC client authenticator",
        ),
        (String::new(), String::new(), "[nobody]", "references extension \"nobody\" which is not configured"),
    ] {
        let told = started(&receiver, &exporter, service);
        assert!(told.contains(expected), "{expected}:\n{told}");
    }
}

#[test]
fn extensions_are_listed_and_their_secrets_are_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let listed = run_in(folder.path(), &["components"], &[]).stdout;
    let extensions = listed.split("extensions:").nth(1).unwrap_or_else(|| panic!("{listed}"));
    for kind in ["basicauth", "bearertokenauth", "headers_setter"] {
        assert!(extensions.contains(&format!("name: {kind}")), "{extensions}");
    }
    let configuration = "
extensions:
  basicauth: {htpasswd: {inline: 'ann:sesame'}}
  basicauth/client: {client_auth: {username: ann, password: sesame}}
  bearertokenauth: {tokens: [sesame]}
  headers_setter: {headers: [{action: upsert, key: x, value: sesame}]}
receivers: {nop: }
exporters: {nop: }
service: {extensions: [basicauth], pipelines: {logs: {receivers: [nop], exporters: [nop]}}}
";
    std::fs::write(folder.path().join("etalon.yaml"), configuration).unwrap();
    let printed = run_in(folder.path(), &["print-config", "--config", "etalon.yaml"], &[]);
    assert_eq!(printed.code(), 0, "{printed:?}");
    assert!(printed.stdout.contains("[REDACTED]") && !printed.stdout.contains("sesame"), "{printed:?}");
}

#[test]
fn without_an_authenticator_everybody_may_send() {
    let etalon = Etalon::start(&crate::forwarding_to("  nop:", "nop"));
    assert_eq!(post(etalon.http(), "/v1/logs", "application/json", &logs(0..1)).status, 200);
}
