//! The extension as a collector runs it.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use etalon_component::{AuthError, BuildInfo, Component as _, Context, Host};
use etalon_conf::{Check, Node, Optional, Secret, Secrets};
use http::{HeaderMap, HeaderValue};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;
use crate::config::{ClientAuth, Config, Htpasswd};
use crate::{client::Client, server::Server};

fn host() -> Host {
    Host::new(mpsc::channel(1).0)
}

fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

fn with(fields: &[&str]) -> HeaderMap {
    let fields = fields.iter().map(|value| ("authorization".parse().unwrap(), value.parse().unwrap()));
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append::<http::HeaderName>(name, value);
    }
    headers
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(credentials))
}

fn problems(yaml: &str) -> String {
    let config: Result<Config, _> = Node::parse("test.yaml", yaml).unwrap().decode();
    match config {
        Ok(config) => Check::run(&config).err().map(|problems| problems.to_string()).unwrap_or_default(),
        Err(problems) => problems.to_string(),
    }
}

async fn verdict(server: &Server, fields: &[&str]) -> Result<(), String> {
    use etalon_component::ServerAuthenticator as _;
    match server.authenticate(&with(fields)).await {
        Ok(_) => Ok(()),
        Err(AuthError::Rejected(why)) => Err(why.to_owned()),
        Err(error @ AuthError::Unavailable(_)) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_server_lets_in_who_is_in_the_table() {
    use etalon_component::ServerAuthenticator as _;
    let bcrypt = "ann:$2b$04$EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxcie\nbob:b";
    let config = Htpasswd { inline: Secret::new(bcrypt), ..Htpasswd::default() };
    let server = Server::new(&config).unwrap();
    let right = basic("ann:correctbatteryhorsestapler");
    for _ in 0..2 {
        assert_eq!(verdict(&server, &[&right]).await, Ok(()), "the second time by what is remembered");
    }
    assert_eq!(verdict(&server, &[&right.replace("Basic ", "bAsIc ")]).await, Ok(()));
    let identity = server.authenticate(&with(&[&basic("bob:b")])).await.unwrap();
    assert_eq!(identity.attribute("username"), Some("bob"));
    assert_eq!(identity.attribute("raw"), basic("bob:b").strip_prefix("Basic "));
    for (fields, why) in [
        (vec![], "no basic auth provided"),
        (vec![""], "no basic auth provided"),
        (vec!["Bearer x"], "invalid authorization scheme prefix"),
        (vec!["Basic"], "invalid authorization format"),
        (vec!["Basic ?"], "invalid authorization format"),
        (vec!["Basic YQ=="], "invalid authorization format"),
        (vec![right.as_str(), right.as_str()], "more than one authorization header"),
    ] {
        assert_eq!(verdict(&server, &fields).await, Err(why.to_owned()), "{fields:?}");
    }
    for credentials in ["ann:wrong", "ann:", "eve:correctbatteryhorsestapler", ":", "ann", "bob:bb"] {
        assert!(verdict(&server, &[&basic(credentials)]).await.is_err(), "{credentials}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_in_a_file_is_read_again_when_it_changes() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "ann:a\nbob:b").unwrap();
    let config =
        Htpasswd { file: file.path().to_str().unwrap().to_owned(), inline: Secret::new("bob:inline") };
    let server = Server::new(&config).unwrap();
    server.start(&host()).await.unwrap();
    assert_eq!(verdict(&server, &[&basic("ann:a")]).await, Ok(()));
    assert_eq!(verdict(&server, &[&basic("bob:inline")]).await, Ok(()));
    assert!(verdict(&server, &[&basic("bob:b")]).await.is_err(), "what is written inline wins");
    std::fs::write(file.path(), "ann:z").unwrap();
    let limit = Instant::now() + Duration::from_mins(10);
    while verdict(&server, &[&basic("ann:z")]).await.is_err() {
        assert!(Instant::now() < limit);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(verdict(&server, &[&basic("ann:a")]).await.is_err(), "what was right is forgotten");
    server.shutdown(deadline()).await.unwrap();
}

#[tokio::test]
async fn a_client_sends_what_is_configured_or_what_is_in_its_files() {
    use etalon_component::ClientAuthenticator as _;
    let sent = async |config: ClientAuth| {
        let client = Client::new(&config);
        client.start(&host()).await.unwrap();
        let mut headers = HeaderMap::new();
        client.authorize(&Context::default(), &mut headers).unwrap();
        client.shutdown(deadline()).await.unwrap();
        headers.remove("authorization").unwrap()
    };
    let mut config =
        ClientAuth { username: "ann".into(), password: Secret::new("p:w"), ..ClientAuth::default() };
    let value: HeaderValue = sent(config.clone()).await;
    assert_eq!(value, basic("ann:p:w"));
    assert!(value.is_sensitive());
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("user", "bob\n"), ("password", "secret\n")] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    config.username_file = folder.path().join("user").to_str().unwrap().to_owned();
    config.password_file = folder.path().join("password").to_str().unwrap().to_owned();
    assert_eq!(sent(config).await, basic("bob:secret"));
}

#[tokio::test]
async fn a_file_that_is_missing_at_the_start_is_an_error() {
    let htpasswd = Htpasswd { file: "/nowhere/htpasswd".into(), ..Htpasswd::default() };
    assert!(Server::new(&htpasswd).unwrap().start(&host()).await.is_err());
    let client = ClientAuth { password_file: "/nowhere/password".into(), ..ClientAuth::default() };
    assert!(Client::new(&client).start(&host()).await.is_err());
}

#[test]
fn an_instance_is_for_a_server_or_for_a_client() {
    assert_eq!(problems("htpasswd: {inline: 'a:b'}"), "");
    assert_eq!(problems("client_auth: {username: a, password: b}"), "");
    assert!(problems("{}").contains("no credential source provided"));
    assert!(problems("htpasswd: {}").contains("no credential source provided"));
    let both = problems("{htpasswd: {inline: 'a:b'}, client_auth: {username: a}}");
    assert!(both.contains("only one of `htpasswd` or `client_auth` can be specified"), "{both}");
    assert!(problems("client_auth: {username: 'a:b'}").contains("it has a colon"));
    let md5 = problems("htpasswd: {inline: 'a:$apr1$x$y'}");
    assert!(md5.contains("line 1: passwords hashed with MD5 are not supported"), "{md5}");
    assert!(problems("client_auth: {aws_secrets_manager: {secret_arn: x}}").contains("aws_secrets_manager"));
}

#[test]
fn what_it_offers_is_what_it_is_configured_for_and_secrets_are_not_printed() {
    let settings = || Settings {
        id: "basicauth".parse().unwrap(),
        pipeline: None,
        build: BuildInfo { command: "test", description: "test", version: "0" },
        telemetry: etalon_telemetry::Telemetry::new(&[]),
        span: tracing::Span::none(),
    };
    let htpasswd = Htpasswd { inline: Secret::new("ann:sesame"), ..Htpasswd::default() };
    let server = Config { htpasswd: Optional::on(htpasswd), ..Config::default() };
    let client =
        ClientAuth { username: "ann".into(), password: Secret::new("sesame"), ..ClientAuth::default() };
    let client = Config { client_auth: Optional::on(client), ..Config::default() };
    for (config, is_server) in [(server, true), (client, false)] {
        let extension = create(settings(), &config).unwrap();
        let host = host().with_extensions([("basicauth".parse().unwrap(), extension)].into());
        let id = "basicauth".parse().unwrap();
        assert_eq!(host.server_authenticator(&id).is_ok(), is_server);
        assert_eq!(host.client_authenticator(&id, "HTTP").is_ok(), !is_server);
        assert!(!etalon_conf::to_yaml(&config, Secrets::Redacted).contains("sesame"));
        assert!(!format!("{config:?}").contains("sesame"));
    }
}
