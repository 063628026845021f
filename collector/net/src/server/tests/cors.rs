use super::*;

fn config() -> HttpServerConfig {
    let cors = CorsConfig {
        allowed_origins: vec!["https://*.example.com".to_owned()],
        allowed_headers: vec!["X-Tenant".to_owned(), "Content-Type".to_owned()],
        exposed_headers: vec!["X-Served-By".to_owned()],
        max_age: 600,
    };
    HttpServerConfig {
        cors: etalon_conf::Optional::on(cors),
        response_headers: [("X-Served-By", "etalon")].into_iter().collect(),
        ..HttpServerConfig::default()
    }
}

/// Status line and header fields in lower case.
async fn asked(server: &Server, method: &str, origin: &str, fields: &str) -> String {
    let sent = format!(
        "{method} {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nOrigin: {origin}\r\n{fields}\
         Content-Length: 2\r\n\r\n{{}}"
    );
    let received = String::from_utf8(exchange(server, sent.as_bytes()).await).unwrap();
    received.split("\r\n\r\n").next().unwrap().to_lowercase()
}

const PREFLIGHT: &str =
    "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type,x-tenant\r\n";

#[tokio::test]
async fn a_page_of_an_allowed_origin_asks_sends_and_reads() {
    let recorder = Recorder::accepting();
    let server = serve_http(config(), &recorder).await;
    let preflight = asked(&server, "OPTIONS", "https://app.example.com", PREFLIGHT).await;
    for expected in [
        "http/1.1 204 no content",
        "access-control-allow-origin: https://app.example.com",
        "access-control-allow-methods: post",
        "access-control-allow-headers: content-type,x-tenant",
        "access-control-allow-credentials: true",
        "access-control-max-age: 600",
        "vary: origin, access-control-request-method, access-control-request-headers",
        "x-served-by: etalon",
    ] {
        assert!(preflight.lines().any(|line| line == expected), "{expected} is not in\n{preflight}");
    }
    assert_eq!(recorder.taken().len(), 0);

    let json = "Content-Type: application/json\r\n";
    let answer = asked(&server, "POST", "https://app.example.com", json).await;
    for expected in [
        "http/1.1 200 ok",
        "access-control-allow-origin: https://app.example.com",
        "access-control-allow-credentials: true",
        "access-control-expose-headers: x-served-by",
        "vary: origin",
    ] {
        assert!(answer.lines().any(|line| line == expected), "{expected} is not in\n{answer}");
    }
    assert_eq!(recorder.taken(), ["{}"]);
    let failed = asked(&server, "POST", "https://app.example.com", "").await;
    assert!(failed.starts_with("http/1.1 415") && failed.contains("access-control-allow-origin"), "{failed}");
}

#[tokio::test]
async fn a_page_of_another_origin_is_not_let_in_and_other_clients_are_served() {
    let recorder = Recorder::accepting();
    let server = serve_http(config(), &recorder).await;
    let preflight = asked(&server, "OPTIONS", "https://evil.org", PREFLIGHT).await;
    assert!(
        preflight.starts_with("http/1.1 204") && !preflight.contains("access-control-allow"),
        "{preflight}"
    );
    let answer = asked(&server, "POST", "https://evil.org", "Content-Type: application/json\r\n").await;
    assert!(answer.starts_with("http/1.1 200") && !answer.contains("access-control-allow"), "{answer}");
}

#[tokio::test]
async fn without_origins_nothing_is_allowed() {
    let recorder = Recorder::accepting();
    let headers_only = CorsConfig { allowed_headers: vec!["*".to_owned()], ..CorsConfig::default() };
    for cors in [etalon_conf::Optional::none(), etalon_conf::Optional::on(headers_only)] {
        let server = serve_http(HttpServerConfig { cors, ..HttpServerConfig::default() }, &recorder).await;
        let preflight = asked(&server, "OPTIONS", "https://app.example.com", PREFLIGHT).await;
        assert!(preflight.starts_with("http/1.1 405") && !preflight.contains("vary"), "{preflight}");
    }
}
