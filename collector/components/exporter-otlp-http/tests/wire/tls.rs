//! TLS and mutual TLS, with certificates made for the test.

use std::sync::Arc;

use etalon_component::Outcome;
use etalon_testkit::certificates::{Authority, yaml_block};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

use super::exporter::Exporter;
use super::peer::{Listening, Service};

async fn server(authority: &Authority, clients: Option<&Authority>, service: &Service) -> Listening {
    let acceptor = acceptor(authority, clients, &[]);
    let service = service.clone();
    Listening::start("127.0.0.1:0", move |_, stream| {
        let (acceptor, service) = (acceptor.clone(), service.clone());
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                service.serve(stream).await;
            }
        }
    })
    .await
}

/// Accepts TLS as `localhost`, with these protocols.
pub(super) fn acceptor(
    authority: &Authority,
    clients: Option<&Authority>,
    protocols: &[&[u8]],
) -> TlsAcceptor {
    let signed = authority.sign_for("localhost");
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(clients.der().clone()).unwrap();
            let provider = Arc::new(default_provider());
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let mut config = builder.with_single_cert(signed.chain(), signed.key_der()).unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// An exporter to `https://localhost`.
pub(super) async fn https(server: &Listening, keys: &str) -> Exporter {
    let url = format!("https://localhost:{}/v1/traces", server.address.port());
    Exporter::direct("unused.invalid", &format!("traces_endpoint: {url}\n{keys}")).await
}

#[tokio::test]
async fn a_server_whose_certificate_is_trusted_is_sent_to() {
    let (authority, service) = (Authority::new("ca"), Service::default());
    let server = server(&authority, None, &service).await;
    let exporter = https(&server, &format!("tls:\n  ca_pem: {}", yaml_block(&authority.cert()))).await;
    for _ in 0..3 {
        let outcome = exporter.send(5).await;
        assert!(outcome.is_delivered(), "{outcome:?}");
    }
    assert_eq!((service.seen().len(), server.connections()), (3, 1));
    exporter.shutdown().await;
}

#[tokio::test]
async fn the_scheme_decides_and_not_insecure() {
    let (authority, service) = (Authority::new("ca"), Service::default());
    let server = server(&authority, None, &service).await;
    let exporter = https(&server, "tls: {insecure: true, insecure_skip_verify: true}").await;
    let outcome = exporter.send(5).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_sent_nothing() {
    let (authority, other, service) = (Authority::new("ca"), Authority::new("other"), Service::default());
    let server = server(&authority, None, &service).await;
    let unknown_ca = format!("tls:\n  ca_pem: {}", yaml_block(&other.cert()));
    let other_name = format!(
        "tls:\n  server_name_override: elsewhere.example.org\n  ca_pem: {}",
        yaml_block(&authority.cert())
    );
    for keys in [unknown_ca, other_name, String::new()] {
        let exporter = https(&server, &keys).await;
        let outcome = exporter.send(5).await;
        assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
        assert!(outcome.failure().unwrap().message().contains("certificate"), "{outcome:?}");
        exporter.shutdown().await;
    }
    assert!(service.seen().is_empty());
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_of_the_client_gets_it() {
    let (authority, clients, service) = (Authority::new("ca"), Authority::new("other"), Service::default());
    let server = server(&authority, Some(&clients), &service).await;
    let signed = clients.sign_for("client.example.org");
    let without = format!("tls:\n  ca_pem: {}", yaml_block(&authority.cert()));
    let with = format!(
        "{without}  cert_pem: {}  key_pem: {}",
        yaml_block(&signed.cert()),
        yaml_block(&signed.key())
    );
    let exporter = https(&server, &with).await;
    let outcome = exporter.send(5).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    exporter.shutdown().await;
    let exporter = https(&server, &without).await;
    let outcome = exporter.send(5).await;
    assert!(outcome.is_retryable(), "{outcome:?}");
    exporter.shutdown().await;
    assert_eq!(service.seen().len(), 1);
}
