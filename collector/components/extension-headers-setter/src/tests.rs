//! The extension as a collector runs it.

use std::sync::Arc;
use std::time::Duration;

use etalon_component::{
    BoxFuture, Caller, ClientAuthenticator, Component, Context, Extension, Host, Identity, Metadata, Outcome,
};
use etalon_conf::{Check, Node, Secrets};
use http::{HeaderMap, HeaderValue};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;

fn config(yaml: &str) -> Config {
    Node::parse("test.yaml", yaml).unwrap().decode().unwrap()
}

fn problems(yaml: &str) -> String {
    let config: Result<Config, _> = Node::parse("test.yaml", yaml).unwrap().decode();
    match config {
        Ok(config) => Check::run(&config).err().map(|problems| problems.to_string()).unwrap_or_default(),
        Err(problems) => problems.to_string(),
    }
}

/// The context of a batch whose request had these fields, from a client called `ann`.
fn context(fields: &[(&str, &str)]) -> Context {
    let mut metadata = Metadata::default();
    for (name, value) in fields {
        metadata.push(name, value.as_bytes());
    }
    let identity = Identity::default().with("username", "ann");
    Context { caller: Some(Arc::new(Caller { metadata, identity })), ..Context::default() }
}

/// What becomes of the header `x: old`, by the entries in `headers`.
fn applied(headers: &str, context: &Context) -> Result<HeaderMap, Outcome> {
    let setter = Setter::new(&config(&format!("headers: [{headers}]"))).unwrap();
    let mut header = HeaderMap::from_iter([("x".parse().unwrap(), HeaderValue::from_static("old"))]);
    setter.authorize(context, &mut header).map(|()| header)
}

#[test]
fn each_action_does_to_the_header_what_it_says() {
    let x = |action: &str| {
        let header =
            applied(&format!("{{action: {action}, key: X, value: new}}"), &Context::default()).unwrap();
        header.get("x").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(x("insert").as_deref(), Some("old"));
    assert_eq!(x("update").as_deref(), Some("new"));
    assert_eq!(x("upsert").as_deref(), Some("new"));
    assert_eq!(x("null").as_deref(), Some("new"), "upsert is the default");
    assert_eq!(x("delete"), None);
    let y = |action: &str| {
        let header =
            applied(&format!("{{action: {action}, key: y, value: new}}"), &Context::default()).unwrap();
        header.get("y").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(y("insert").as_deref(), Some("new"));
    assert_eq!(y("update"), None);
    assert_eq!(y("upsert").as_deref(), Some("new"));
}

#[test]
fn a_value_comes_from_the_request_or_from_who_sent_it_or_from_the_default() {
    let tenant = "{action: upsert, key: x, from_context: X-Tenant, default_value: nobody}";
    let value = |headers: &str, context: &Context| applied(headers, context).unwrap()["x"].clone();
    assert_eq!(value(tenant, &context(&[("x-tenant", "acme")])), "acme");
    assert_eq!(value(tenant, &context(&[])), "nobody");
    assert_eq!(value(tenant, &Context::default()), "nobody");
    let without_default = "{action: upsert, key: x, from_context: x-tenant}";
    assert_eq!(value(without_default, &Context::default()), "", "as in Go");
    let user = "{action: upsert, key: x, from_attribute: username, default_value: nobody}";
    assert_eq!(value(user, &context(&[])), "ann");
    assert_eq!(value(user, &Context::default()), "nobody");
    assert!(value(user, &context(&[])).is_sensitive());
}

#[test]
fn what_is_ambiguous_is_refused_for_good() {
    let two = context(&[("x-tenant", "a"), ("x-tenant", "b")]);
    let outcome = applied("{action: upsert, key: x, from_context: x-tenant}", &two).unwrap_err();
    let Outcome::Permanent(failure) = outcome else { panic!("{outcome:?}") };
    assert!(failure.message().starts_with("2 source keys found in the context"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_value_in_a_file_is_read_again_when_it_changes() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "one\n").unwrap();
    let headers = format!("headers: [{{action: upsert, key: x, value_file: {:?}}}]", file.path());
    let setter = Setter::new(&config(&headers)).unwrap();
    let value = || {
        let mut header = HeaderMap::new();
        setter.authorize(&Context::default(), &mut header).map(|()| header["x"].clone())
    };
    assert!(value().is_err(), "it is not started");
    setter.start(&Host::new(mpsc::channel(1).0)).await.unwrap();
    assert_eq!(value().unwrap(), "one");
    std::fs::write(file.path(), "two").unwrap();
    let limit = Instant::now() + Duration::from_mins(10);
    while value().unwrap() != "two" {
        assert!(Instant::now() < limit);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    setter.shutdown(limit).await.unwrap();
}

/// Adds `authorization`.
struct Other;

impl ClientAuthenticator for Other {
    fn authorize(&self, _: &Context, headers: &mut HeaderMap) -> Result<(), Outcome> {
        headers.insert("authorization", HeaderValue::from_static("Bearer x"));
        Ok(())
    }

    fn needs_encryption(&self) -> bool {
        true
    }
}

impl Component for Other {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn another_authenticator_does_its_part_afterwards() {
    let other = Extension::new(Arc::new(Other)).with_client_authenticator(Arc::new(Other));
    let extensions = [("other".parse().unwrap(), other)];
    let host = Host::new(mpsc::channel(1).0).with_extensions(extensions.into());
    let yaml = "{headers: [{action: delete, key: authorization}], additional_auth: other}";
    let setter = Setter::new(&config(yaml)).unwrap();
    assert!(!setter.needs_encryption());
    setter.start(&host).await.unwrap();
    let mut header = HeaderMap::new();
    setter.authorize(&Context::default(), &mut header).unwrap();
    assert_eq!(header["authorization"], "Bearer x");
    assert!(setter.needs_encryption());
    let setter =
        Setter::new(&config(&yaml.replace("additional_auth: other", "additional_auth: none"))).unwrap();
    assert_eq!(
        setter.start(&host).await.unwrap_err().to_string(),
        "failed to resolve authenticator \"none\": authenticator not found"
    );
}

#[test]
fn what_is_wrong_with_a_configuration_is_told() {
    assert_eq!(problems("headers: [{action: delete, key: x}, {key: y, value: z}]"), "");
    for (yaml, expected) in [
        ("{}", "missing headers configuration"),
        ("headers: [{value: x}]", "missing header name"),
        ("headers: [{key: x}]", "missing header source"),
        ("headers: [{key: x, value: y, from_context: z}]", "invalid header source"),
        ("headers: [{key: 'a b', value: y}]", "not a valid name of a header field"),
        ("headers: [{key: content-type, value: text/plain}]", "belongs to the protocol"),
        ("headers: [{key: Content-Length, value: x}]", "belongs to the protocol"),
        ("headers: [{key: grpc-timeout, value: x}]", "belongs to the protocol"),
        ("headers: [{key: x, value: \"a\\nb\"}]", "characters that a header field cannot have"),
        ("headers: [{action: replace, key: x, value: y}]", "replace"),
    ] {
        let told = problems(yaml);
        assert!(told.contains(expected), "{yaml}: {told}");
    }
    let printed = etalon_conf::to_yaml(&config("headers: [{key: x, value: sesame}]"), Secrets::Redacted);
    assert!(!printed.contains("sesame"), "{printed}");
}
