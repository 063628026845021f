//! Those who want to be let in. A row is a request without the right credentials: what it is told, and
//! that nothing of its body is waited for.

use etalon_tests::{Etalon, logs, post, request, run};

const TOKEN: &str = "sesame-0123456789";

/// A collector that takes a token, and says who sent what in a header.
fn guarded() -> Etalon {
    Etalon::start(&format!(
        "
extensions:
  bearertokenauth: {{token: {TOKEN}}}
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: '127.0.0.1:0', auth: {{authenticator: bearertokenauth}}}}
      http: {{endpoint: '127.0.0.1:0', auth: {{authenticator: bearertokenauth}}}}
exporters:
  nop:
service:
  extensions: [bearertokenauth]
  pipelines:
    traces: {{receivers: [otlp], exporters: [nop]}}
    metrics: {{receivers: [otlp], exporters: [nop]}}
    logs: {{receivers: [otlp], exporters: [nop]}}
"
    ))
}

/// A request with these header fields that announces a body and does not send it: its status and body.
fn without_body(etalon: &Etalon, method: &str, path: &str, fields: &str) -> (u16, String) {
    let to = etalon.http();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {to}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n{fields}\r\n"
    );
    let answer =
        request(to, &head, b"").unwrap_or_else(|error| panic!("{method} {path} {fields:.80}: {error}"));
    (answer.status, answer.text())
}

fn is_served(etalon: &Etalon) {
    let to = etalon.http();
    let body = logs(0..1);
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    assert_eq!(request(to, &head, &body).expect("an answer").status, 200);
}

#[test]
fn whoever_has_not_the_token_is_told_so_before_the_body_is_read() {
    let etalon = guarded();
    let long = format!("Authorization: Bearer {}\r\n", "s".repeat(1024 * 1024));
    let right = format!("Authorization: Bearer {TOKEN}\r\n");
    let prefix = format!("Authorization: Bearer {}\r\n", &TOKEN[..TOKEN.len() - 1]);
    for (fields, status) in [
        ("", 401),
        ("Authorization:\r\n", 401),
        ("Authorization: Bearer\r\n", 401),
        ("Authorization: Bearer \r\n", 401),
        ("Authorization: Bearer wrong\r\n", 401),
        ("Authorization: Basic c2VzYW1lOg==\r\n", 401),
        (prefix.as_str(), 401),
        (&format!("{right}{right}"), 401),
        (&format!("{right}Authorization: Bearer wrong\r\n"), 401),
        (&format!("X-Original-Authorization: Bearer {TOKEN}\r\n"), 401),
        // More than a header may have in all.
        (long.as_str(), 431),
        ("Authorization: Bearer \0\r\n", 400),
    ] {
        let (told, body) = without_body(&etalon, "POST", "/v1/logs", fields);
        assert_eq!(told, status, "{fields:.80}");
        if status == 401 {
            assert!(body.starts_with("{\"code\":16,"), "{fields:.80}: {body}");
            assert!(!body.contains("sesame") && !body.contains("wrong"), "{body}");
        }
        is_served(&etalon);
    }
    for scheme in ["bearer", "BEARER", "bEaReR"] {
        let to = etalon.http();
        let head = format!(
            "POST /v1/logs HTTP/1.1\r\nHost: {to}\r\nContent-Type: application/json\r\n\
             Authorization: {scheme} {TOKEN}\r\nContent-Length: 2\r\n\r\n"
        );
        assert_eq!(request(to, &head, b"{}").expect("an answer").status, 200, "{scheme}");
    }
}

#[test]
fn no_path_and_no_method_is_open() {
    let etalon = guarded();
    for method in ["POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"] {
        for path in ["/v1/traces", "/v1/metrics", "/v1/logs", "/", "/metrics", "/v1/logs/../logs", "*"] {
            let (status, _) = without_body(&etalon, method, path, "");
            assert_eq!(status, 401, "{method} {path}");
        }
    }
    is_served(&etalon);
}

#[test]
fn a_format_that_is_not_served_is_no_way_in() {
    let etalon = guarded();
    for (content_type, encoding) in [("text/plain", "gzip"), ("application/json", "br"), ("", "gzip, gzip")] {
        let to = etalon.http();
        let head = format!(
            "POST /v1/logs HTTP/1.1\r\nHost: {to}\r\nContent-Type: {content_type}\r\n\
             Content-Encoding: {encoding}\r\nContent-Length: 9\r\n\r\n"
        );
        assert_eq!(request(to, &head, b"").expect("an answer").status, 401, "{content_type} {encoding}");
    }
}

#[test]
fn grpc_calls_without_the_token_are_refused_for_good() {
    let etalon = guarded();
    let endpoint = etalon.grpc().to_string();
    let sent = |fields: &[&str]| {
        let mut arguments = vec!["send", "--endpoint", &endpoint, "--signal", "logs"];
        for field in fields {
            arguments.extend(["--header", field]);
        }
        run(&arguments)
    };
    let right = format!("authorization=Bearer {TOKEN}");
    for fields in [&[][..], &["authorization="], &["authorization=Bearer wrong"], &["authorization=sesame"]] {
        let refused = sent(fields);
        assert_eq!(refused.code(), 1, "{refused:?}");
        assert!(refused.stdout.contains("UNAUTHENTICATED (16)"), "{refused:?}");
    }
    assert_eq!(sent(&[&right]).code(), 0);
    assert_eq!(sent(&[&right.replace("Bearer", "bearer")]).code(), 0);
}

#[test]
fn a_tenant_that_is_named_twice_is_not_guessed_at() {
    let etalon = Etalon::start(
        "
extensions:
  headers_setter: {headers: [{action: upsert, key: x-scope-orgid, from_context: x-tenant}]}
receivers:
  otlp: {protocols: {http: {endpoint: '127.0.0.1:0', include_metadata: true}}}
exporters:
  otlp_http:
    endpoint: http://127.0.0.1:1
    auth: {authenticator: headers_setter}
    sending_queue: {enabled: false}
    retry_on_failure: {enabled: false}
service:
  extensions: [headers_setter]
  pipelines:
    logs: {receivers: [otlp], exporters: [otlp_http]}
",
    );
    let to = etalon.http();
    let body = logs(0..1);
    for spoof in ["X-Tenant: a\r\nX-Tenant: b\r\n", "x-tenant: a\r\nX-TENANT: b\r\n"] {
        let head = format!(
            "POST /v1/logs HTTP/1.1\r\nHost: {to}\r\nContent-Type: application/json\r\n{spoof}Content-Length: {}\r\n\r\n",
            body.len()
        );
        let answer = request(to, &head, &body).expect("an answer");
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.text().contains("2 source keys found in the context"), "{}", answer.text());
    }
    assert_eq!(
        post(to, "/v1/logs", "application/json", &body).status,
        503,
        "one tenant, or none, is sent on"
    );
}
