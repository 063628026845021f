//! Certificates, keys and revocation lists, from files or from the configuration itself.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use etalon_conf::Secret;
use rustls::RootCertStore;
use rustls_pki_types::pem::{Error as PemError, PemObject as _, SectionKind};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Largest file that is read, in bytes.
pub const TLS_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Something that is written in a file, or in the configuration itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) pem: &'a Secret,
}

/// A PEM text that has been read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// The file; nothing when it comes from the configuration.
    file: Option<PathBuf>,
    bytes: Vec<u8>,
}

/// What is wrong with a PEM text.
#[derive(Debug, thiserror::Error)]
pub enum PemFault {
    /// The file cannot be read.
    #[error("failed to load {what} {}", path.display())]
    Read {
        /// What the file holds.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The file is a folder, a pipe or a device.
    #[error("failed to load {what} {}: this is not a regular file", path.display())]
    Irregular {
        /// What the file should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The file is larger than [`TLS_FILE_BYTES_MAX`].
    #[error("failed to load {what} {}: it is larger than {TLS_FILE_BYTES_MAX} bytes", path.display())]
    TooLarge {
        /// What the file should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The end is missing: it is being written, or was not written in full.
    #[error(
        "{0}: it is cut off: a BEGIN line has no END line; write the file in full, then rename it into place"
    )]
    Cut(String),
    /// It is no PEM.
    #[error("{0}: it is not valid PEM")]
    Pem(String, #[source] PemError),
    /// What is looked for is not in it.
    #[error("{text}: there is no {what} in it; {found}")]
    Missing {
        /// The text.
        text: String,
        /// What is looked for.
        what: &'static str,
        /// What is there instead.
        found: String,
    },
    /// The private key is protected by a passphrase.
    #[error(
        "{0}: the private key is encrypted, and nobody is there to type the passphrase; decrypt it with `openssl pkey -in KEY -out NEW_KEY`"
    )]
    Encrypted(String),
}

impl Source<'_> {
    pub(super) fn is_given(self) -> bool {
        !self.file.is_empty() || !self.pem.is_empty()
    }

    pub(super) fn is_given_twice(self) -> bool {
        !self.file.is_empty() && !self.pem.is_empty()
    }

    /// Reads it. `what` it holds is for the error.
    pub(super) fn read(self, what: &'static str) -> Result<Text, PemFault> {
        if self.file.is_empty() {
            return Ok(Text { file: None, bytes: self.pem.expose().as_bytes().to_vec() });
        }
        let path = Path::new(self.file);
        let failed = |source| PemFault::Read { what, path: path.to_owned(), source };
        // A pipe would be waited for without end.
        if !fs::metadata(path).map_err(failed)?.is_file() {
            return Err(PemFault::Irregular { what, path: path.to_owned() });
        }
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(failed)?;
        file.take(TLS_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > TLS_FILE_BYTES_MAX {
            return Err(PemFault::TooLarge { what, path: path.to_owned() });
        }
        Ok(Text { file: Some(path.to_owned()), bytes })
    }
}

impl Text {
    /// The certificates in it: at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, PemFault> {
        let mut found = Vec::new();
        for (kind, der) in self.sections("cert")? {
            found.extend(CertificateDer::from_pem(kind, der));
        }
        if found.is_empty() { Err(self.missing("cert", "certificate")) } else { Ok(found) }
    }

    /// When the first certificate in it expires, in seconds since 1970.
    pub(super) fn expiry(&self) -> Option<u64> {
        let certificates = self.certificates().ok()?;
        let (_, certificate) = X509Certificate::from_der(certificates.first()?).ok()?;
        u64::try_from(certificate.validity().not_after.timestamp()).ok()
    }

    /// The first private key in it.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, PemFault> {
        if self.is_encrypted() {
            return Err(PemFault::Encrypted(self.named("key")));
        }
        let found =
            self.sections("key")?.into_iter().find_map(|(kind, der)| PrivateKeyDer::from_pem(kind, der));
        found.ok_or_else(|| self.missing("key", "private key"))
    }

    /// The revocation lists in it: at least one.
    pub(super) fn revocation_lists(&self) -> Result<Vec<CertificateRevocationListDer<'static>>, PemFault> {
        let mut found = Vec::new();
        for (kind, der) in self.sections("CRL")? {
            found.extend(CertificateRevocationListDer::from_pem(kind, der));
        }
        if found.is_empty() { Err(self.missing("CRL", "revocation list (X509 CRL)")) } else { Ok(found) }
    }

    fn sections(&self, what: &str) -> Result<Vec<(SectionKind, Vec<u8>)>, PemFault> {
        let sections: Result<Vec<_>, PemError> =
            <(SectionKind, Vec<u8>)>::pem_slice_iter(&self.bytes).collect();
        sections.map_err(|error| match error {
            PemError::MissingSectionEnd { .. } => PemFault::Cut(self.named(what)),
            error => PemFault::Pem(self.named(what), error),
        })
    }

    /// PKCS #8 says so in the label, the formats before it in a header.
    fn is_encrypted(&self) -> bool {
        [&b"-----BEGIN ENCRYPTED PRIVATE KEY-----"[..], b"Proc-Type: 4,ENCRYPTED"]
            .iter()
            .any(|mark| memchr::memmem::find(&self.bytes, mark).is_some())
    }

    fn missing(&self, what_file: &str, what: &'static str) -> PemFault {
        let labels = self.labels();
        let found = match labels.as_slice() {
            [] if self.bytes.is_empty() => "it is empty".to_owned(),
            [] => "it holds nothing that begins with -----BEGIN".to_owned(),
            labels => format!("it holds {}", labels.join(", ")),
        };
        PemFault::Missing { text: self.named(what_file), what, found }
    }

    /// What the PEM sections say they are; a text that is no PEM has none. At most a few.
    fn labels(&self) -> Vec<String> {
        const LABELS_MAX: usize = 5;
        const LABEL_CHARS_MAX: usize = 40;
        let text = String::from_utf8_lossy(&self.bytes);
        let label = |line: &str| Some(line.strip_prefix("-----BEGIN ")?.strip_suffix("-----")?.to_owned());
        let mut labels: Vec<String> = Vec::new();
        for label in text.lines().filter_map(|line| label(line.trim_end())) {
            let is_plain = label.chars().count() <= LABEL_CHARS_MAX && !label.chars().any(char::is_control);
            if is_plain && labels.len() < LABELS_MAX && !labels.contains(&label) {
                labels.push(label);
            }
        }
        labels
    }

    /// As Go names it in its errors.
    fn named(&self, what: &str) -> String {
        match &self.file {
            Some(path) => format!("failed to parse {what} {}", path.display()),
            None => format!("failed to parse {what} PEM"),
        }
    }
}

/// Never the text: it may be a key.
impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Text").field("file", &self.file).finish_non_exhaustive()
    }
}

/// What the system trusts. Certificates that cannot be read are left out, unless that is all of them.
pub(super) fn system_authorities() -> Result<RootCertStore, rustls_native_certs::Error> {
    let mut found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() && !found.errors.is_empty() {
        return Err(found.errors.swap_remove(0));
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    Ok(roots)
}
