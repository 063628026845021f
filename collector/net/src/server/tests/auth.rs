use std::collections::BTreeMap;

use ::http::{HeaderMap, HeaderValue, Request};
use etalon_component::{AuthError, BoxError, Component, Extension, Host, Identity, ServerAuthenticator};
use etalon_conf::Optional;

use super::grpc::{call, channel, h2};
use super::http::{Answer, post};
use super::*;
use crate::auth::{AuthConfig, HttpServerAuthConfig};

const JSON: &str = "Content-Type: application/json\r\n";

/// Lets in whoever names a known password; asks a backend that is down for one who is called `?`.
struct Doorman;

impl ServerAuthenticator for Doorman {
    fn authenticate<'a>(&'a self, headers: &'a HeaderMap) -> BoxFuture<'a, Result<Identity, AuthError>> {
        Box::pin(async {
            match headers.get("x-password").map(HeaderValue::as_bytes) {
                Some(b"sesame") => Ok(Identity::default().with("username", "ali")),
                Some(b"?") => Err(AuthError::Unavailable("the backend is down".into())),
                _ => Err(AuthError::Rejected("who are you?")),
            }
        })
    }

    fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static("Password")
    }
}

impl Component for Doorman {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}

fn guarded_host() -> Host {
    let doorman = Arc::new(Doorman);
    let extensions = BTreeMap::from([
        ("door".parse().unwrap(), Extension::new(doorman.clone()).with_server_authenticator(doorman.clone())),
        ("wall".parse().unwrap(), Extension::new(doorman)),
    ]);
    host().with_extensions(extensions)
}

async fn guarded_http(recorder: &Arc<Recorder>, request_params: &[&str]) -> Server {
    let request_params = request_params.iter().map(|param| (*param).to_owned()).collect();
    let auth = HttpServerAuthConfig { authenticator: Some("door".parse().unwrap()), request_params };
    let config = HttpServerConfig {
        endpoint: "127.0.0.1:0".to_owned(),
        auth: Optional::on(auth),
        ..HttpServerConfig::default()
    };
    config.serve(recorder.routes(), &guarded_host()).await.unwrap()
}

fn grpc_config(authenticator: &str) -> GrpcServerConfig {
    let auth = AuthConfig { authenticator: Some(authenticator.parse().unwrap()) };
    GrpcServerConfig {
        endpoint: "127.0.0.1:0".to_owned(),
        auth: Optional::on(auth),
        ..GrpcServerConfig::default()
    }
}

#[tokio::test]
async fn an_http_request_is_judged_before_its_body_is_read() {
    let recorder = Recorder::accepting();
    let server = guarded_http(&recorder, &[]).await;
    // The body never comes.
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n{JSON}\r\n");
    let mut stream = TcpStream::connect(address(&server)).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    while !received.ends_with(b"}") {
        assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0, "the answer is complete");
    }
    let answer = Answer::of(&received);
    assert_eq!(answer.status(), 401);
    assert!(answer.has("www-authenticate: password"), "{}", answer.head);
    assert_eq!(answer.json(), serde_json::json!({"code": 16, "message": "who are you?"}));
    assert_eq!(recorder.taken(), Vec::<Bytes>::new());
}

#[tokio::test]
async fn an_http_request_without_credentials_gets_nowhere_and_one_with_them_does() {
    let recorder = Recorder::accepting();
    let server = guarded_http(&recorder, &[]).await;
    for (method, path) in [("GET", "/"), ("POST", "/nothing/here"), ("PUT", PATH), ("OPTIONS", PATH)] {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_eq!(Answer::of(&exchange(&server, request.as_bytes()).await).status(), 401, "{method} {path}");
    }
    assert_eq!(post(&server, "Content-Type: application/x-protobuf\r\n", b"x").await.body[..2], [8, 16]);
    assert_eq!(recorder.taken(), Vec::<Bytes>::new());
    assert_eq!(post(&server, &format!("{JSON}X-Password: sesame\r\n"), b"x").await.status(), 200);
    assert_eq!(recorder.taken(), [Bytes::from_static(b"x")]);
    let caller = recorder.callers.lock().unwrap().pop().flatten().unwrap();
    assert_eq!(caller.identity.attribute("username"), Some("ali"));
    assert!(caller.metadata.is_empty(), "it was not asked for");
}

#[tokio::test]
async fn a_backend_that_is_down_is_a_reason_to_try_again_and_not_a_verdict() {
    let recorder = Recorder::accepting();
    let server = guarded_http(&recorder, &[]).await;
    let answer = post(&server, &format!("{JSON}X-Password: ?\r\n"), b"x").await;
    assert_eq!(answer.status(), 503);
    assert!(answer.head.contains("retry-after: "), "{}", answer.head);
    assert!(!answer.head.contains("www-authenticate"), "{}", answer.head);
    assert!(
        !String::from_utf8_lossy(&answer.body).contains("backend"),
        "the cause is not the client's business"
    );
    let server = grpc_config("door").serve(recorder.routes(), &guarded_host()).await.unwrap();
    let refused = call(&channel(&server).await, &[("x-password", "?")], None, &Bytes::new()).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::Unavailable);
}

#[tokio::test]
async fn query_parameters_count_as_header_fields_where_they_are_named() {
    let recorder = Recorder::accepting();
    let server = guarded_http(&recorder, &["x-password"]).await;
    let status = async |query: &str| {
        let path = format!("{PATH}{query}");
        super::http::post_to(&server, &path, JSON, b"x").await.status()
    };
    assert_eq!(status("?x-password=ses%61me").await, 200);
    assert_eq!(status("?other=sesame").await, 401);
    assert_eq!(status("?x-password=%00").await, 401);
    let server = guarded_http(&recorder, &[]).await;
    let path = format!("{PATH}?x-password=sesame");
    assert_eq!(super::http::post_to(&server, &path, JSON, b"x").await.status(), 401);
}

#[tokio::test]
async fn a_grpc_call_is_judged_before_its_message_is_read() {
    let recorder = Recorder::accepting();
    let server = grpc_config("door").serve(recorder.routes(), &guarded_host()).await.unwrap();
    let mut client = h2(&server).await.ready().await.unwrap();
    let request = |path: &str| {
        let request = Request::post(format!("http://x{path}"));
        request.header("content-type", "application/grpc").header("te", "trailers").body(()).unwrap()
    };
    for path in [PATH, "/a.Service/ThatIsNotThere"] {
        // The stream stays open: the message never comes.
        let (response, _stream) = client.send_request(request(path), false).unwrap();
        let response = response.await.unwrap();
        assert_eq!(response.headers()["grpc-status"], "16", "{path}");
        assert_eq!(response.headers()["grpc-message"], "who are you?");
    }
    let channel = channel(&server).await;
    assert!(call(&channel, &[("x-password", "sesame")], None, &Bytes::new()).await.is_ok());
    assert_eq!(recorder.taken().len(), 1);
}

#[tokio::test]
async fn an_authenticator_that_is_not_there_or_not_one_keeps_the_server_from_starting() {
    let recorder = Recorder::accepting();
    let error = async |id: &str| {
        grpc_config(id).serve(recorder.routes(), &guarded_host()).await.unwrap_err().to_string()
    };
    assert_eq!(
        error("nobody/2").await,
        "failed to resolve authenticator \"nobody/2\": authenticator not found"
    );
    assert_eq!(error("wall").await, "requested authenticator is not a server authenticator");
}

#[tokio::test]
async fn metadata_is_kept_when_asked_for_with_every_value_and_the_host() {
    let recorder = Recorder::accepting();
    let config = HttpServerConfig { include_metadata: true, ..HttpServerConfig::default() };
    let server = serve_http(config, &recorder).await;
    assert_eq!(post(&server, &format!("{JSON}X-Tenant: a\r\nx-tenant: b\r\n"), b"x").await.status(), 200);
    let caller = recorder.callers.lock().unwrap().pop().flatten().unwrap();
    assert_eq!(caller.metadata.get_all("x-tenant").collect::<Vec<_>>(), [b"a", b"b"]);
    assert_eq!(caller.metadata.get_all("host").collect::<Vec<_>>(), [b"x"]);

    let config = GrpcServerConfig { include_metadata: true, ..GrpcServerConfig::default() };
    let server = serve_grpc(config, &recorder).await;
    call(&channel(&server).await, &[("x-tenant", "c")], None, &Bytes::new()).await.unwrap();
    let caller = recorder.callers.lock().unwrap().pop().flatten().unwrap();
    assert_eq!(caller.metadata.get_all("x-tenant").collect::<Vec<_>>(), [b"c"]);
    let host = address(&server).to_string();
    assert_eq!(caller.metadata.get_all("host").collect::<Vec<_>>(), [host.as_bytes()]);
}

#[tokio::test]
async fn nothing_is_kept_of_a_sender_unless_it_is_asked_for() {
    let recorder = Recorder::accepting();
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    assert_eq!(post(&server, JSON, b"x").await.status(), 200);
    assert!(recorder.callers.lock().unwrap().pop().unwrap().is_none());
}
