//! Each key does what it says. What is about clients' certificates is in `clients`, what is about reloading in
//! `reload`.

use std::process::Command;

use etalon_conf::Check;

use super::*;
use crate::tls::tests::files::Files;

const TLS_12: ProtocolVersion = ProtocolVersion::TLSv1_2;
const TLS_13: ProtocolVersion = ProtocolVersion::TLSv1_3;

#[tokio::test]
async fn without_a_choice_it_is_tls_13_with_a_key_exchange_that_a_quantum_computer_does_not_break() {
    let authority = Authority::new("ca");
    let agreed = handshake(&server_of(&authority.sign()), &client_of(&authority)).await.unwrap();
    assert_eq!(agreed.version, TLS_13);
    assert_eq!(agreed.curve, NamedGroup::X25519MLKEM768);
}

#[tokio::test]
async fn certificates_keys_and_authorities_are_read_from_files_or_from_the_configuration() {
    let (authority, files) = (Authority::new("ca"), Files::new());
    let signed = authority.sign();
    let server = TlsServerConfig {
        cert_file: files.write("cert", &signed.cert()),
        key_file: files.write("key", &signed.key()),
        ..TlsServerConfig::default()
    };
    let client =
        TlsClientConfig { ca_file: files.write("ca", &authority.cert()), ..TlsClientConfig::default() };
    for server in [&server, &server_of(&signed)] {
        for client in [&client, &client_of(&authority)] {
            assert_eq!(handshake(server, client).await.unwrap().shown, signed.der()[..]);
        }
    }
}

#[tokio::test]
async fn a_server_of_another_authority_is_refused_unless_nothing_is_verified() {
    let (authority, stranger) = (Authority::new("ca"), Authority::new("stranger"));
    let server = server_of(&stranger.sign());
    let refused = handshake(&server, &client_of(&authority)).await.unwrap_err();
    assert!(refused.client.contains("UnknownIssuer"), "{refused:?}");
    let trusting = TlsClientConfig { insecure_skip_verify: true, ..client_of(&authority) };
    handshake(&server, &trusting).await.unwrap();
    let without_authorities = TlsClientConfig { ca_pem: "".into(), ..trusting };
    handshake(&server, &without_authorities).await.unwrap();
}

#[test]
fn tls_is_off_when_insecure_unless_there_is_an_authority() {
    let insecure = TlsClientConfig { insecure: true, ..TlsClientConfig::default() };
    assert!(TlsClientConfig::default().is_wanted());
    assert!(!insecure.is_wanted());
    assert!(TlsClientConfig { ca_file: "ca.pem".to_owned(), ..insecure.clone() }.is_wanted());
    assert!(TlsClientConfig { ca_pem: "pem".into(), ..insecure }.is_wanted());
}

#[tokio::test]
async fn the_lowest_and_the_highest_version_hold_on_either_side() {
    let authority = Authority::new("ca");
    let signed = authority.sign();
    for (min, max, expected) in [
        ("", "", TLS_13),
        ("1.2", "1.2", TLS_12),
        ("", "1.2", TLS_12),
        ("1.3", "", TLS_13),
        ("1.0", "1.2", TLS_12),
    ] {
        let server = TlsServerConfig {
            min_version: min.to_owned(),
            max_version: max.to_owned(),
            ..server_of(&signed)
        };
        assert_eq!(
            handshake(&server, &client_of(&authority)).await.unwrap().version,
            expected,
            "{min} {max}"
        );
        let client = TlsClientConfig {
            min_version: min.to_owned(),
            max_version: max.to_owned(),
            ..client_of(&authority)
        };
        assert_eq!(handshake(&server_of(&signed), &client).await.unwrap().version, expected, "{min} {max}");
    }
    let server = TlsServerConfig { min_version: "1.3".to_owned(), ..server_of(&signed) };
    let client = TlsClientConfig { max_version: "1.2".to_owned(), ..client_of(&authority) };
    let refused = handshake(&server, &client).await.unwrap_err();
    assert!(refused.client.contains("ProtocolVersion"), "{refused:?}");
}

#[tokio::test]
async fn cipher_suites_hold_on_either_side_and_those_of_tls_13_stay() {
    let authority = Authority::new("ca");
    let signed = authority.sign();
    let suites = vec!["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256".to_owned()];
    let expected = CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
    let server = TlsServerConfig {
        cipher_suites: suites.clone(),
        max_version: "1.2".to_owned(),
        ..server_of(&signed)
    };
    assert_eq!(handshake(&server, &client_of(&authority)).await.unwrap().suite, expected);
    let client = TlsClientConfig { cipher_suites: suites, ..client_of(&authority) };
    let old = TlsServerConfig { max_version: "1.2".to_owned(), ..server_of(&signed) };
    assert_eq!(handshake(&old, &client).await.unwrap().suite, expected);
    assert_eq!(handshake(&server_of(&signed), &client).await.unwrap().version, TLS_13);
}

#[tokio::test]
async fn curves_hold_on_either_side() {
    let authority = Authority::new("ca");
    let signed = authority.sign();
    for (name, expected) in [
        ("P256", NamedGroup::secp256r1),
        ("P384", NamedGroup::secp384r1),
        ("X25519", NamedGroup::X25519),
        ("X25519MLKEM768", NamedGroup::X25519MLKEM768),
    ] {
        let server = TlsServerConfig { curve_preferences: vec![name.to_owned()], ..server_of(&signed) };
        assert_eq!(handshake(&server, &client_of(&authority)).await.unwrap().curve, expected);
        let client = TlsClientConfig { curve_preferences: vec![name.to_owned()], ..client_of(&authority) };
        assert_eq!(handshake(&server_of(&signed), &client).await.unwrap().curve, expected);
    }
}

/// Which authorities the system has is in the environment, so that the test runs itself again with one.
#[tokio::test]
async fn the_systems_authorities_count_where_none_is_given_or_when_asked_for() {
    const FOLDER: &str = "ETALON_TEST_FOLDER";
    let system = Authority::new("system");
    let Some(folder) = std::env::var_os(FOLDER) else {
        let files = Files::new();
        let signed = system.sign();
        files.write("cert", &signed.cert());
        files.write("key", &signed.key());
        let name = "tls::tests::keys::the_systems_authorities_count_where_none_is_given_or_when_asked_for";
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", name]).env("SSL_CERT_FILE", files.write("ca", &system.cert()));
        let output = again.env_remove("SSL_CERT_DIR").env(FOLDER, files.folder()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    };
    let file = |name: &str| std::path::Path::new(&folder).join(name).to_str().unwrap().to_owned();
    let server =
        TlsServerConfig { cert_file: file("cert"), key_file: file("key"), ..TlsServerConfig::default() };
    handshake(&server, &TlsClientConfig::default()).await.unwrap();
    let other = Authority::new("other");
    let own_only = client_of(&other);
    assert!(handshake(&server, &own_only).await.is_err());
    let both = TlsClientConfig { include_system_ca_certs_pool: true, ..own_only };
    handshake(&server, &both).await.unwrap();
    handshake(&server_of(&other.sign()), &both).await.unwrap();

    let files = Files::new();
    let asking = TlsServerConfig { client_ca_file: files.write("ca", &other.cert()), ..server.clone() };
    let showing =
        TlsClientConfig { cert_file: file("cert"), key_file: file("key"), ..TlsClientConfig::default() };
    assert!(handshake(&asking, &showing).await.is_err());
    let asking = TlsServerConfig { include_system_ca_certs_pool: true, ..asking };
    handshake(&asking, &showing).await.unwrap();
}

fn told(result: Result<(), etalon_conf::Problems>) -> String {
    result.map_or_else(|problems| problems.to_string(), |()| String::new())
}

#[test]
fn what_cannot_be_had_is_refused_on_either_side_with_what_to_do() {
    let client = |change: fn(&mut TlsClientConfig)| {
        let mut config = TlsClientConfig::default();
        change(&mut config);
        told(Check::run(&config))
    };
    let server = |change: fn(&mut TlsServerConfig)| {
        let mut config = TlsServerConfig {
            cert_file: "c".to_owned(),
            key_file: "k".to_owned(),
            ..TlsServerConfig::default()
        };
        change(&mut config);
        told(Check::run(&config))
    };
    macro_rules! both {
        ($change:expr) => {
            [client($change), server($change)]
        };
    }
    for (messages, expected) in [
        (both!(|_| {}), &[][..]),
        (both!(|c| c.min_version = "1.0".to_owned()), &[]),
        (
            both!(|c| c.min_version = "1.4".to_owned()),
            &["invalid TLS min_version: unsupported TLS version: \"1.4\""],
        ),
        (
            both!(|c| c.max_version = "x".to_owned()),
            &["invalid TLS max_version: unsupported TLS version: \"x\""],
        ),
        (
            both!(|c| c.max_version = "1.1".to_owned()),
            &["max_version: TLS 1.1 and older are not supported", "1.2 or 1.3"],
        ),
        (
            both!(|c| (c.min_version, c.max_version) = ("1.3".to_owned(), "1.2".to_owned())),
            &["invalid TLS configuration: min_version cannot be greater than max_version"],
        ),
        (
            both!(|c| c.cipher_suites = vec!["NONE".to_owned()]),
            &[
                "invalid TLS cipher suite: \"NONE\"",
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                "TLS_AES_128_GCM_SHA256",
            ],
        ),
        (
            both!(|c| c.cipher_suites = vec!["TLS_RSA_WITH_AES_128_GCM_SHA256".to_owned()]),
            &["the cipher suite TLS_RSA_WITH_AES_128_GCM_SHA256 is not supported"],
        ),
        (
            both!(|c| c.include_insecure_cipher_suites = true),
            &["include_insecure_cipher_suites: not supported", "remove it"],
        ),
        (
            both!(|c| c.curve_preferences = vec!["P1".to_owned()]),
            &["invalid curve type: P1. Expected values are [X25519MLKEM768 X25519 P256 P384]"],
        ),
        (both!(|c| c.curve_preferences = vec!["P521".to_owned()]), &["the curve P521 is not supported"]),
        (
            both!(|c| c.reload_interval = etalon_conf::Duration::from_secs(-1)),
            &["reload_interval: must not be negative"],
        ),
        (
            both!(|c| c.tpm.enabled = true),
            &["tpm::enabled: private keys in a TPM are not supported", "key_file"],
        ),
        (both!(|c| c.tpm.path = "/dev/tpm0".to_owned()), &[]),
        (
            both!(|c| (c.ca_file, c.ca_pem) = ("a".to_owned(), "b".into())),
            &["provide either a CA file or the PEM-encoded string, but not both"],
        ),
    ] {
        for message in messages {
            assert_eq!(message.is_empty(), expected.is_empty(), "{message}");
            assert!(expected.iter().all(|part| message.contains(part)), "{message}");
        }
    }
    assert!(client(|c| c.server_name_override = "a b".to_owned()).contains("not a host name"));
    assert!(server(|c| c.crl_file = "crl.pem".to_owned()).contains("add client_ca_file"));
}
