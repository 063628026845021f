//! Authorities, and what they sign.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use tempfile::TempDir;

/// Signs certificates for `localhost`.
pub(super) struct Authority {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(super) struct Signed {
    pub(super) certificate: rcgen::Certificate,
    key: KeyPair,
}

/// A folder with files that tests change.
pub(super) struct Files(TempDir);

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Self { certificate: params.self_signed(&key).unwrap(), issuer: Issuer::new(params, key) }
    }

    pub(super) fn cert(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate for `localhost`.
    pub(super) fn sign(&self) -> Signed {
        self.sign_with(|_| {})
    }

    /// A certificate with this serial number.
    pub(super) fn sign_number(&self, number: u64) -> Signed {
        self.sign_with(|params| params.serial_number = Some(SerialNumber::from(number)))
    }

    pub(super) fn sign_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Signed {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        change(&mut params);
        Signed { certificate: params.signed_by(&key, &self.issuer).unwrap(), key }
    }

    /// A revocation list with these serial numbers, which is valid until the beginning of `until`.
    pub(super) fn revoke(&self, numbers: &[u64], until: i32) -> String {
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
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

impl Signed {
    pub(super) fn cert(&self) -> String {
        self.certificate.pem()
    }

    pub(super) fn key(&self) -> String {
        self.key.serialize_pem()
    }

    pub(super) fn der(&self) -> &[u8] {
        self.certificate.der()
    }
}

impl Files {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Writes a file, and gives its path.
    pub(super) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn folder(&self) -> &Path {
        self.0.path()
    }
}
