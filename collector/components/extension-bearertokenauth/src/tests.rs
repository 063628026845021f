//! The extension as a collector runs it.

use std::time::Duration;

use etalon_component::{
    AuthError, ClientAuthenticator as _, Component as _, Context, Host, ServerAuthenticator as _,
};
use etalon_conf::{Check, Node, Secrets};
use http::{HeaderMap, HeaderName};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;

fn config(yaml: &str) -> Config {
    Node::parse("test.yaml", yaml).unwrap().decode().unwrap()
}

fn problems(yaml: &str) -> String {
    Check::run(&config(yaml)).err().map(|problems| problems.to_string()).unwrap_or_default()
}

fn authenticator(yaml: &str) -> Authenticator {
    Authenticator::new(&config(yaml)).unwrap()
}

async fn start(authenticator: &Authenticator) -> Result<(), BoxError> {
    authenticator.start(&Host::new(mpsc::channel(1).0)).await
}

async fn verdict(authenticator: &Authenticator, fields: &[(&str, &str)]) -> Result<(), String> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    match authenticator.authenticate(&headers).await {
        Ok(_) => Ok(()),
        Err(AuthError::Rejected(why)) => Err(why.to_owned()),
        Err(error @ AuthError::Unavailable(_)) => panic!("{error}"),
    }
}

fn sent(authenticator: &Authenticator) -> HeaderMap {
    let mut headers = HeaderMap::new();
    authenticator.authorize(&Context::default(), &mut headers).unwrap();
    headers
}

#[tokio::test]
async fn a_server_takes_its_token_after_the_scheme_in_any_case_and_nothing_else() {
    let authenticator = authenticator("token: sesame");
    for value in ["Bearer sesame", "bearer sesame", "BEARER   sesame"] {
        assert_eq!(verdict(&authenticator, &[("authorization", value)]).await, Ok(()), "{value}");
    }
    let missing = Err("missing or empty authorization header".to_owned());
    assert_eq!(verdict(&authenticator, &[]).await, missing);
    assert_eq!(verdict(&authenticator, &[("authorization", "")]).await, missing);
    let twice = [("authorization", "Bearer sesame"), ("Authorization", "Bearer sesame")];
    assert_eq!(verdict(&authenticator, &twice).await, Err("more than one authorization header".to_owned()));
    let long = format!("Bearer {}", "s".repeat(1024 * 1024));
    for value in [
        "sesame",
        "Bearer",
        "Bearer ",
        "Bearersesame",
        "Bearer sesam",
        "Bearer sesame1",
        "Basic sesame",
        &long,
    ] {
        let refused = verdict(&authenticator, &[("authorization", value)]).await;
        assert_eq!(refused, Err("scheme or token does not match".to_owned()));
    }
}

#[tokio::test]
async fn any_of_several_tokens_is_taken_and_the_first_is_sent() {
    let authenticator = authenticator("{tokens: [one, two], scheme: Token, header: X-Auth}");
    for token in ["one", "two"] {
        assert_eq!(verdict(&authenticator, &[("x-auth", &format!("Token {token}"))]).await, Ok(()));
    }
    assert!(verdict(&authenticator, &[("authorization", "Token one")]).await.is_err());
    assert_eq!(sent(&authenticator)["x-auth"], "Token one");
    assert!(sent(&authenticator)["x-auth"].is_sensitive());
    assert_eq!(authenticator.challenge(), "Token");
}

#[tokio::test]
async fn without_a_scheme_the_field_is_the_token() {
    let authenticator = authenticator("{token: sesame, scheme: ''}");
    assert_eq!(verdict(&authenticator, &[("authorization", "sesame")]).await, Ok(()));
    assert_eq!(sent(&authenticator)["authorization"], "sesame");
}

#[tokio::test(start_paused = true)]
async fn tokens_in_a_file_are_read_again_when_it_changes() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "one\ntwo\n").unwrap();
    let authenticator = authenticator(&format!("{{token: ignored, filename: {:?}}}", file.path()));
    start(&authenticator).await.unwrap();
    let is_taken = async |token: &str| {
        verdict(&authenticator, &[("authorization", &format!("Bearer {token}"))]).await.is_ok()
    };
    assert!(is_taken("one").await && is_taken("two").await && !is_taken("ignored").await);
    assert!(!is_taken("").await, "the end of the file is no token");
    std::fs::write(file.path(), "two\nsix\n").unwrap();
    let limit = Instant::now() + Duration::from_mins(10);
    while !is_taken("six").await {
        assert!(Instant::now() < limit);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(!is_taken("one").await && is_taken("two").await);
    assert_eq!(sent(&authenticator)["authorization"], "Bearer two");
    authenticator.shutdown(limit).await.unwrap();
}

#[tokio::test]
async fn a_file_without_tokens_is_an_error_at_the_start() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for path in [file.path(), std::path::Path::new("/nowhere/token")] {
        let authenticator = authenticator(&format!("filename: {path:?}"));
        assert!(start(&authenticator).await.is_err());
        assert!(authenticator.authorize(&Context::default(), &mut HeaderMap::new()).is_err());
    }
}

#[test]
fn a_configuration_must_say_where_the_token_is() {
    assert_eq!(problems("token: x"), "");
    assert_eq!(problems("tokens: [x, y]"), "");
    assert_eq!(problems("filename: x"), "");
    assert!(problems("{}").contains("no bearer token provided"));
    assert!(
        problems("{token: x, tokens: [y]}").contains("either tokens or token should be provided, not both")
    );
    assert!(problems("tokens: ['']").contains("a token is empty"));
    assert!(problems("token: \"a\\nb\"").contains("characters that a header field cannot have"));
    assert!(problems("{token: x, header: 'a b'}").contains("not a valid name of a header field"));
    let printed = etalon_conf::to_yaml(&config("{token: sesame, tokens: [sesame]}"), Secrets::Redacted);
    assert!(!printed.contains("sesame") && printed.contains("scheme: Bearer"), "{printed}");
}
