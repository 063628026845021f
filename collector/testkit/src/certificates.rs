//! Authorities, and what they sign.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Signs certificates.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
    /// Its own certificate, and those above it; empty for a root.
    chain: Vec<CertificateDer<'static>>,
}

/// A certificate with its chain, and its key.
#[derive(Debug)]
pub struct Signed {
    certificate: rcgen::Certificate,
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

fn of_an_authority(name: &str) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, name);
    (params, KeyPair::generate().expect("a key"))
}

impl Authority {
    /// One that has signed itself.
    pub fn new(name: &str) -> Self {
        let (params, key) = of_an_authority(name);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { issuer: Issuer::new(params, key), certificate, chain: Vec::new() }
    }

    /// One that this one has signed, with something changed.
    pub fn below(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let (mut params, key) = of_an_authority(name);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let chain = self.chain_of(&certificate);
        Self { issuer: Issuer::new(params, key), certificate, chain }
    }

    /// Its certificate, PEM.
    pub fn cert(&self) -> String {
        self.certificate.pem()
    }

    /// Its certificate, DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        self.certificate.der()
    }

    /// A certificate for `localhost`.
    pub fn sign(&self) -> Signed {
        self.sign_for("localhost")
    }

    /// A certificate for a name.
    pub fn sign_for(&self, name: &str) -> Signed {
        self.sign_params(CertificateParams::new(vec![name.to_owned()]).expect("a name"))
    }

    /// A certificate for `localhost` with this serial number.
    pub fn sign_number(&self, number: u64) -> Signed {
        self.sign_with(|params| params.serial_number = Some(SerialNumber::from(number)))
    }

    /// A certificate for `localhost`, with something changed.
    pub fn sign_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Signed {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        change(&mut params);
        self.sign_params(params)
    }

    fn sign_params(&self, params: CertificateParams) -> Signed {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Signed { chain: self.chain_of(&certificate), certificate, key }
    }

    fn chain_of(&self, certificate: &rcgen::Certificate) -> Vec<CertificateDer<'static>> {
        [vec![certificate.der().clone()], self.chain.clone()].concat()
    }

    /// A revocation list with these serial numbers, PEM, which is valid until the beginning of the year `until`.
    pub fn revoke(&self, numbers: &[u64], until: i32) -> String {
        let revoked = |number: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*number),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: numbers.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).and_then(|list| list.pem()).expect("a list")
    }
}

impl Signed {
    /// The certificate without its chain, PEM.
    pub fn cert(&self) -> String {
        self.certificate.pem()
    }

    /// The key, PEM.
    pub fn key(&self) -> String {
        self.key.serialize_pem()
    }

    /// The certificate, DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        self.certificate.der()
    }

    /// The certificate and those above it without the root, DER.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.clone()
    }

    /// The key, DER.
    pub fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()))
    }

    /// With so many bytes more behind the certificate.
    pub fn filled(mut self, len: usize) -> Self {
        self.chain.push(CertificateDer::from(vec![0; len]));
        self
    }
}

/// A PEM text as a block of YAML, for a key that is indented by two.
pub fn yaml_block(pem: &str) -> String {
    format!("|\n    {}\n", pem.trim().replace('\n', "\n    "))
}
