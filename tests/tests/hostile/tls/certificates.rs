//! Authorities, and what they sign.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;

/// Signs certificates for `localhost`.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, and those above it without the root.
    certificate: rcgen::Certificate,
    chain: Vec<CertificateDer<'static>>,
}

/// A certificate with its chain, and its key.
pub(super) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    certificate: rcgen::Certificate,
    key: KeyPair,
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let (params, key) = (authority_params(name), KeyPair::generate().unwrap());
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate, chain: Vec::new() }
    }

    /// An authority that this one has signed.
    pub(super) fn below(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let (mut params, key) = (authority_params(name), KeyPair::generate().unwrap());
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let mut chain = vec![certificate.der().clone()];
        chain.extend(self.chain.iter().cloned());
        Self { issuer: Issuer::new(params, key), certificate, chain }
    }

    pub(super) fn pem(&self) -> String {
        self.certificate.pem()
    }

    pub(super) fn sign(&self) -> Identity {
        self.sign_with(|_| {})
    }

    pub(super) fn sign_for(&self, name: &str) -> Identity {
        self.sign_params(CertificateParams::new(vec![name.to_owned()]).unwrap())
    }

    pub(super) fn sign_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        change(&mut params);
        self.sign_params(params)
    }

    fn sign_params(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let mut chain = vec![certificate.der().clone()];
        chain.extend(self.chain.iter().cloned());
        Identity { chain, certificate, key }
    }

    /// A revocation list with these serial numbers.
    pub(super) fn revoke(&self, numbers: &[u64]) -> String {
        let revoked = |number: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*number),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2096, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: numbers.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

impl Identity {
    /// With so many bytes more behind the certificate.
    pub(super) fn filled(mut self, len: usize) -> Self {
        self.chain.push(CertificateDer::from(vec![0; len]));
        self
    }

    /// Writes `<name>.pem` and `<name>.key`.
    pub(super) fn write(&self, folder: &TempDir, name: &str) {
        std::fs::write(folder.path().join(format!("{name}.pem")), self.certificate.pem()).unwrap();
        std::fs::write(folder.path().join(format!("{name}.key")), self.key_pem()).unwrap();
    }

    pub(super) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()))
    }
}

/// A client that trusts `authority`, and shows something or not.
pub(super) fn client(authority: &Authority, shown: Option<&Identity>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.der().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    match shown {
        None => builder.with_no_client_auth(),
        Some(identity) => builder.with_client_auth_cert(identity.chain.clone(), identity.key_der()).unwrap(),
    }
}

/// A server that shows `identity`.
pub(super) fn server(identity: &Identity) -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.chain.clone(), identity.key_der())
        .unwrap()
}
