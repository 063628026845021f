//! What an extension adds to each request.

use etalon_component::Outcome;
use etalon_testkit::tenant::{caller, host};

use super::exporter::{DIRECT, Exporter, batch};
use super::peer::Service;

/// Keys of an exporter that authenticates by the extension `id`.
fn keys(id: &str) -> String {
    format!(
        "sending_queue: {DIRECT}\nretry_on_failure: {DIRECT}\n\
         headers: {{x-tenant: nobody}}\nauth: {{authenticator: {id}}}"
    )
}

#[tokio::test]
async fn the_authenticator_sees_the_context_of_each_batch() {
    let service = Service::default();
    let server = service.start().await;
    let exporter = Exporter::in_host(&host(), server.address, &keys("open")).await.unwrap();
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
    let tenants: Vec<_> = service.seen().iter().map(|seen| seen.headers["x-tenant"].clone()).collect();
    assert_eq!(tenants, ["a", "b"]);
    exporter.shutdown().await;
}

#[tokio::test]
async fn the_context_survives_the_queue() {
    let service = Service::default();
    let server = service.start().await;
    let queued = keys("open").replacen("{enabled: false}", "{enabled: true, wait_for_result: true}", 1);
    let exporter = Exporter::in_host(&host(), server.address, &queued).await.unwrap();
    let mut batch = batch(1);
    batch.context.caller = Some(caller("c"));
    assert!(exporter.consume(batch).await.is_delivered());
    assert_eq!(service.seen()[0].headers["x-tenant"], "c");
    exporter.shutdown().await;
}

#[tokio::test]
async fn an_authenticator_that_is_not_there_or_not_one_keeps_the_exporter_from_starting() {
    let error = async |id: &str| match Exporter::in_host(&host(), "127.0.0.1:1", &keys(id)).await {
        Ok(_) => panic!("it started"),
        Err(error) => error.to_string(),
    };
    assert_eq!(error("nobody").await, "failed to resolve authenticator \"nobody\": authenticator not found");
    assert_eq!(error("nothing").await, "requested authenticator is not a HTTP client authenticator");
    assert!(
        Exporter::in_host(&host(), "127.0.0.1:1", &keys("secret")).await.is_ok(),
        "over HTTP it is up to the user, as in Go"
    );
}
