//! What shows certificates, and what trusts them.

use std::sync::Arc;

use etalon_testkit::certificates::{Authority, Signed};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tempfile::TempDir;

/// Writes `<name>.pem` and `<name>.key`.
pub(super) fn write_signed(signed: &Signed, folder: &TempDir, name: &str) {
    std::fs::write(folder.path().join(format!("{name}.pem")), signed.cert()).unwrap();
    std::fs::write(folder.path().join(format!("{name}.key")), signed.key()).unwrap();
}

/// A client that trusts `authority`, and shows something or not.
pub(super) fn client(authority: &Authority, shown: Option<&Signed>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    match shown {
        None => builder.with_no_client_auth(),
        Some(signed) => builder.with_client_auth_cert(signed.chain(), signed.key_der()).unwrap(),
    }
}

/// A server that shows `signed`.
pub(super) fn server(signed: &Signed) -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(signed.chain(), signed.key_der())
        .unwrap()
}
