//! What servers ask of clients.

use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};

use super::*;
use crate::tls::tests::files::Files;

/// A client that trusts `servers` and shows `signed`.
fn showing(servers: &Authority, signed: &Signed) -> TlsClientConfig {
    TlsClientConfig { cert_pem: signed.cert().into(), key_pem: signed.key().into(), ..client_of(servers) }
}

#[tokio::test]
async fn a_client_needs_a_certificate_of_the_clients_authority_that_holds_today_and_is_for_clients() {
    let (servers, clients, strangers) =
        (Authority::new("servers"), Authority::new("clients"), Authority::new("strangers"));
    let files = Files::new();
    let server =
        TlsServerConfig { client_ca_file: files.write("ca", &clients.cert()), ..server_of(&servers.sign()) };
    handshake(&server, &showing(&servers, &clients.sign())).await.unwrap();
    let refused = handshake(&server, &client_of(&servers)).await.unwrap_err();
    assert!(refused.server.contains("no certificates"), "{refused:?}");
    for (signed, expected) in [
        (strangers.sign(), "UnknownIssuer"),
        (clients.sign_with(|params| params.not_after = date_time_ymd(2020, 1, 1)), "expired"),
        (clients.sign_with(|params| params.not_before = date_time_ymd(2096, 1, 1)), "not valid yet"),
        (
            clients
                .sign_with(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]),
            "extended key usage",
        ),
    ] {
        let refused = handshake(&server, &showing(&servers, &signed)).await.unwrap_err();
        assert!(refused.server.contains(expected), "{expected}: {refused:?}");
    }
}

#[tokio::test]
async fn a_client_on_a_revocation_list_is_refused_and_so_is_everyone_when_the_list_is_missing_or_old() {
    let (authority, other, files) = (Authority::new("ca"), Authority::new("other"), Files::new());
    let (good, bad) = (authority.sign_number(1), authority.sign_number(2));
    let server = |lists: &str| TlsServerConfig {
        client_ca_file: files.write("ca", &(authority.cert() + &other.cert())),
        crl_file: files.write("crl", lists),
        ..server_of(&authority.sign_number(3))
    };
    let current = server(&authority.revoke(&[2], 2096));
    handshake(&current, &showing(&authority, &good)).await.unwrap();
    let refused = handshake(&current, &showing(&authority, &bad)).await.unwrap_err();
    assert!(refused.server.to_lowercase().contains("revoked"), "{refused:?}");
    let refused = handshake(&current, &showing(&authority, &other.sign())).await.unwrap_err();
    assert!(refused.server.to_lowercase().contains("revocation"), "{refused:?}");
    let old = server(&authority.revoke(&[], 2021));
    assert!(handshake(&old, &showing(&authority, &good)).await.is_err());
}

#[tokio::test]
async fn sessions_are_taken_up_again_only_where_no_certificate_is_asked_for() {
    let (authority, files) = (Authority::new("ca"), Files::new());
    let plain = server_of(&authority.sign());
    let asking = TlsServerConfig { client_ca_file: files.write("ca", &authority.cert()), ..plain.clone() };
    for version in ["1.2", "1.3"] {
        for (server, expected) in [(&plain, true), (&asking, false)] {
            let server =
                TlsServerConfig { max_version: version.to_owned(), ..server.clone() }.load(ALPN).unwrap();
            let client = showing(&authority, &authority.sign()).load(ALPN).unwrap();
            assert!(!shake(&server, &client).await.unwrap().is_resumed);
            assert_eq!(shake(&server, &client).await.unwrap().is_resumed, expected, "{version}");
        }
    }
}
