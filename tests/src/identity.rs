//! A certificate for the tests.

/// A self-signed certificate of `localhost`, and its key, both as PEM.
#[derive(Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

impl Identity {
    /// A new one.
    pub fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        Self { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }
}

impl Default for Identity {
    fn default() -> Self {
        Self::new()
    }
}
