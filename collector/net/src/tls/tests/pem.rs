//! Files that cannot be used are named, with what is wrong and what to do.

use super::*;
use crate::tls::tests::files::Files;
use crate::tls::{TLS_FILE_BYTES_MAX, TlsError, with_causes};

fn error_of(config: &TlsServerConfig) -> String {
    with_causes(&config.load(ALPN).map(drop).unwrap_err())
}

/// As OpenSSL writes it: `openssl pkey -aes256`, and `openssl rsa -aes128 -traditional`.
const ENCRYPTED: [&str; 2] = [
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGj\n-----END ENCRYPTED PRIVATE KEY-----\n",
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMIGj\n-----END RSA PRIVATE KEY-----\n",
];

#[test]
fn a_certificate_or_key_that_cannot_be_used_is_named_with_what_is_wrong() {
    let (authority, files) = (Authority::new("ca"), Files::new());
    let signed = authority.sign();
    let (cert, key) = (signed.cert(), signed.key());
    let of_files = |cert: &str, key: &str| {
        error_of(&TlsServerConfig {
            cert_file: files.write("cert", cert),
            key_file: files.write("key", key),
            ..TlsServerConfig::default()
        })
    };
    for (error, expected) in [
        (
            of_files("", &key),
            &["failed to load TLS cert and key", "/cert", "no certificate", "it is empty"][..],
        ),
        (of_files("text", &key), &["/cert", "no certificate", "nothing that begins with -----BEGIN"]),
        (of_files(&key, &key), &["/cert", "no certificate", "it holds PRIVATE KEY"]),
        (of_files(&cert[..cert.len() / 2], &key), &["/cert", "cut off", "rename it into place"]),
        (of_files(&cert, &key[..key.len() / 2]), &["/key", "cut off"]),
        (of_files(&cert, &cert), &["/key", "no private key", "it holds CERTIFICATE"]),
        (of_files(&cert, ENCRYPTED[0]), &["/key", "encrypted", "openssl pkey"]),
        (of_files(&cert, ENCRYPTED[1]), &["/key", "encrypted", "openssl pkey"]),
        (of_files(&cert, &authority.sign().key()), &["the private key is not that of the certificate"]),
        (of_files(&cert.replace('M', "\u{1}"), &key), &["/cert", "not valid PEM"]),
    ] {
        assert!(expected.iter().all(|part| error.contains(part)), "{expected:?}\n{error}");
        assert!(!error.contains("MIGj"), "{error}");
    }
}

#[test]
fn a_file_that_is_none_or_is_too_large_is_not_read() {
    let (authority, files) = (Authority::new("ca"), Files::new());
    let signed = authority.sign();
    let with_cert = |cert_file: String| {
        error_of(&TlsServerConfig { cert_file, cert_pem: "".into(), ..server_of(&signed) })
    };
    let text = |name: &str| files.path(name).to_str().unwrap().to_owned();
    assert!(with_cert(text("none")).contains("/none: No such file"));
    assert!(with_cert(files.folder().to_str().unwrap().to_owned()).contains("not a regular file"));
    let pipe = std::process::Command::new("mkfifo").arg(files.path("pipe")).status().unwrap();
    assert!(pipe.success());
    assert!(with_cert(text("pipe")).contains("not a regular file"));
    std::fs::File::create(files.path("large")).unwrap().set_len(TLS_FILE_BYTES_MAX + 1).unwrap();
    assert!(with_cert(text("large")).contains("larger than"));
}

#[test]
fn authorities_and_revocation_lists_that_cannot_be_used_are_named_as_go_does() {
    let (authority, files) = (Authority::new("ca"), Files::new());
    let of_clients = error_of(&TlsServerConfig {
        client_ca_file: files.write("clients", "x"),
        ..server_of(&authority.sign())
    });
    assert!(
        of_clients.starts_with("failed to load client CA CertPool: failed to parse cert"),
        "{of_clients}"
    );
    let lists = error_of(&TlsServerConfig {
        client_ca_file: files.write("clients", &authority.cert()),
        crl_file: files.write("crl", &authority.cert()),
        ..server_of(&authority.sign())
    });
    assert!(lists.contains("no revocation list (X509 CRL) in it; it holds CERTIFICATE"), "{lists}");
    let client = |config: TlsClientConfig| with_causes(&config.load(ALPN).map(drop).unwrap_err());
    let file = client(TlsClientConfig { ca_file: "/doesnt/exist".to_owned(), ..TlsClientConfig::default() });
    assert!(
        file.starts_with("failed to load CA CertPool File: failed to load cert /doesnt/exist: No such file"),
        "{file}"
    );
    let pem = client(TlsClientConfig { ca_pem: "x".into(), ..TlsClientConfig::default() });
    assert!(pem.starts_with("failed to load CA CertPool PEM: failed to parse cert PEM"), "{pem}");
}

#[test]
fn an_unused_authority_of_a_server_must_be_valid_all_the_same() {
    let authority = Authority::new("ca");
    let config = TlsServerConfig { ca_pem: "x".into(), ..server_of(&authority.sign()) };
    assert!(matches!(config.load(ALPN), Err(TlsError::AuthoritiesPem(_))));
    let config = TlsServerConfig { ca_pem: authority.cert().into(), ..config };
    assert!(config.load(ALPN).is_ok());
}
