//! TLS and mutual TLS, with certificates made for the test.

use etalon_component::Outcome;
use etalon_testkit::certificates::{Authority, yaml_block};
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};

use super::exporter::Exporter;
use super::peer::{Peer, Service};

fn server(authority: &Authority, clients: Option<&Authority>) -> Peer {
    let signed = authority.sign_for("collector.example.org");
    let mut tls = ServerTlsConfig::new().identity(Identity::from_pem(signed.cert(), signed.key()));
    if let Some(clients) = clients {
        tls = tls.client_ca_root(Certificate::from_pem(clients.cert()));
    }
    Peer::at("127.0.0.1:0", Server::builder().tls_config(tls).unwrap(), Service::default())
}

#[tokio::test]
async fn a_server_whose_certificate_is_trusted_is_sent_to() {
    let authority = Authority::new("ca");
    let peer = server(&authority, None);
    let keys = format!(
        "tls:\n  server_name_override: collector.example.org\n  ca_pem: {}",
        yaml_block(&authority.cert())
    );
    let exporter = Exporter::attempting(peer.address, &keys).await;
    let outcome = exporter.send(5).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    assert_eq!(peer.service.seen()[0].authority.as_deref(), Some("collector.example.org"));
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_ca_in_a_file_turns_tls_on_even_if_insecure() {
    let authority = Authority::new("ca");
    let peer = server(&authority, None);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), authority.cert()).unwrap();
    let keys = format!(
        "tls: {{insecure: true, server_name_override: collector.example.org, ca_file: {}}}",
        file.path().display()
    );
    let exporter = Exporter::attempting(peer.address, &keys).await;
    let outcome = exporter.send(5).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    exporter.shutdown().await;
}

#[tokio::test]
async fn https_in_the_endpoint_turns_tls_on_even_if_insecure() {
    let peer = server(&Authority::new("ca"), None);
    let keys = "tls: {insecure: true, insecure_skip_verify: true}";
    let exporter = Exporter::attempting(format!("https://{}", peer.address), keys).await;
    let outcome = exporter.send(5).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_sent_nothing() {
    let (authority, other) = (Authority::new("ca"), Authority::new("other"));
    let peer = server(&authority, None);
    let unknown_ca = format!(
        "tls:\n  server_name_override: collector.example.org\n  ca_pem: {}",
        yaml_block(&other.cert())
    );
    let other_name = format!("tls:\n  ca_pem: {}", yaml_block(&authority.cert()));
    for keys in [unknown_ca, other_name, String::new()] {
        let exporter = Exporter::attempting(peer.address, &keys).await;
        let outcome = exporter.send(5).await;
        assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
        let message = outcome.failure().unwrap().message();
        assert!(message.contains("TLS handshake") && message.contains("certificate"), "{message}");
        exporter.shutdown().await;
    }
    assert!(peer.service.seen().is_empty());
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_of_the_client_gets_it() {
    let (authority, clients) = (Authority::new("ca"), Authority::new("other"));
    let peer = server(&authority, Some(&clients));
    let signed = clients.sign_for("client.example.org");
    let without = format!(
        "tls:\n  server_name_override: collector.example.org\n  ca_pem: {}",
        yaml_block(&authority.cert())
    );
    let with = format!(
        "{without}  cert_pem: {}  key_pem: {}",
        yaml_block(&signed.cert()),
        yaml_block(&signed.key())
    );
    let exporter = Exporter::attempting(peer.address, &with).await;
    let outcome = exporter.send(5).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    exporter.shutdown().await;
    let exporter = Exporter::attempting(peer.address, &without).await;
    let outcome = exporter.send(5).await;
    assert!(outcome.is_retryable(), "{outcome:?}");
    exporter.shutdown().await;
    assert_eq!(peer.service.spans(), 5);
}

#[tokio::test]
async fn versions_that_do_not_meet_make_no_connection() {
    let authority = Authority::new("ca");
    let peer = server(&authority, None);
    let keys = |versions: &str| {
        format!(
            "tls:\n  insecure_skip_verify: true\n  {versions}\n  server_name_override: collector.example.org"
        )
    };
    for versions in ["max_version: '1.2'", "min_version: '1.3'"] {
        let exporter = Exporter::attempting(peer.address, &keys(versions)).await;
        let outcome = exporter.send(1).await;
        assert!(outcome.is_delivered(), "{versions}: {outcome:?}");
        exporter.shutdown().await;
    }
}
