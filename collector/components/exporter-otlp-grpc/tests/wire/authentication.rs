//! What an extension adds to each request.

use std::collections::BTreeMap;
use std::sync::Arc;

use etalon_component::{
    BoxError, BoxFuture, Caller, ClientAuthenticator, Code, Component, Context, Extension, Host, Metadata,
    Outcome,
};
use http::{HeaderMap, HeaderValue};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::exporter::{DIRECT, Exporter, batch};
use super::peer::{Peer, Service};

/// Sends the tenant of the batch along, and nothing for a batch without one.
struct Tenant {
    secret: bool,
}

impl ClientAuthenticator for Tenant {
    fn authorize(&self, context: &Context, headers: &mut HeaderMap) -> Result<(), Outcome> {
        let caller = context.caller.as_ref();
        let tenant = caller.and_then(|caller| caller.metadata.get_all("x-tenant").next());
        let tenant = tenant.ok_or_else(|| Outcome::permanent(Code::InvalidArgument, "no tenant"))?;
        headers.insert("x-tenant", HeaderValue::from_bytes(tenant).expect("it was a value before"));
        Ok(())
    }

    fn needs_encryption(&self) -> bool {
        self.secret
    }
}

impl Component for Tenant {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}

fn host() -> Host {
    let offering = |secret| {
        let tenant = Arc::new(Tenant { secret });
        Extension::new(tenant.clone()).with_client_authenticator(tenant)
    };
    let extensions = BTreeMap::from([
        ("open".parse().unwrap(), offering(false)),
        ("secret".parse().unwrap(), offering(true)),
        ("nothing".parse().unwrap(), Extension::new(Arc::new(Tenant { secret: false }))),
    ]);
    Host::new(mpsc::channel(1).0).with_extensions(extensions)
}

fn caller(tenant: &str) -> Arc<Caller> {
    let mut metadata = Metadata::default();
    metadata.push("x-tenant", tenant.as_bytes());
    Arc::new(Caller { metadata, ..Caller::default() })
}

/// Keys of an exporter that authenticates by the extension `id`.
fn keys(id: &str) -> String {
    format!(
        "tls: {{insecure: true}}\nsending_queue: {DIRECT}\nretry_on_failure: {DIRECT}\n\
         headers: {{x-tenant: nobody}}\nauth: {{authenticator: {id}}}"
    )
}

#[tokio::test]
async fn the_authenticator_sees_the_context_of_each_batch() {
    let peer = Peer::start(Service::default());
    let exporter = Exporter::in_host(&host(), peer.address, &keys("open")).await.unwrap();
    for tenant in ["a", "b"] {
        let mut batch = batch(1);
        batch.context.caller = Some(caller(tenant));
        assert!(exporter.consume(batch).await.is_delivered());
    }
    let outcome = exporter.send(1).await;
    assert!(
        matches!(&outcome, Outcome::Permanent(failure) if failure.message() == "no tenant"),
        "{outcome:?}"
    );
    let tenants: Vec<_> = peer.service.seen().iter().map(|seen| seen.headers["x-tenant"].clone()).collect();
    assert_eq!(tenants, ["a", "b"]);
    exporter.shutdown().await;
}

#[tokio::test]
async fn the_context_survives_the_queue() {
    let peer = Peer::start(Service::default());
    let queued = keys("open").replacen("{enabled: false}", "{enabled: true, wait_for_result: true}", 1);
    let exporter = Exporter::in_host(&host(), peer.address, &queued).await.unwrap();
    let mut batch = batch(1);
    batch.context.caller = Some(caller("c"));
    assert!(exporter.consume(batch).await.is_delivered());
    assert_eq!(peer.service.seen()[0].headers["x-tenant"], "c");
    exporter.shutdown().await;
}

#[tokio::test]
async fn an_authenticator_that_is_not_there_or_not_one_keeps_the_exporter_from_starting() {
    let error = async |id: &str| match Exporter::in_host(&host(), "127.0.0.1:1", &keys(id)).await {
        Ok(_) => panic!("it started"),
        Err(error) => error.to_string(),
    };
    assert_eq!(error("nobody").await, "failed to resolve authenticator \"nobody\": authenticator not found");
    assert_eq!(error("nothing").await, "requested authenticator is not a gRPC client authenticator");
    assert_eq!(
        error("secret").await,
        "the credentials of \"secret\" require transport level security: remove `insecure: true` from `tls`"
    );
}
