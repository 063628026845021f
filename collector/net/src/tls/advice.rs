//! Handshakes that fail, told so that people know what to do.

use std::fmt;
use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// Why a handshake failed, and what may help.
#[derive(Debug)]
pub(crate) struct HandshakeError {
    error: io::Error,
    advice: Option<&'static str>,
}

impl HandshakeError {
    /// Of a server's handshake.
    pub(crate) fn of_server(error: io::Error) -> Self {
        let advice = tls_error(&error).and_then(server_advice);
        Self { error, advice }
    }

    /// Of a client's handshake.
    pub(crate) fn of_client(error: io::Error) -> Self {
        let advice = match tls_error(&error) {
            Some(error) => client_advice(error),
            None if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
                Some("the server closed the connection instead of speaking TLS: is this its TLS port?")
            }
            None => None,
        };
        Self { error, advice }
    }
}

/// What rustls says, if it is that.
fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

fn server_advice(error: &Error) -> Option<&'static str> {
    use AlertDescription as Alert;
    Some(match error {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "what arrived is not TLS: the client is configured without it, or meant another port"
        }
        Error::AlertReceived(Alert::UnknownCA | Alert::BadCertificate | Alert::CertificateUnknown) => {
            "the client does not accept this server's certificate: it must trust its authority, and ask for a name that is in it"
        }
        Error::AlertReceived(Alert::CertificateExpired) => {
            "the client finds that this server's certificate has expired"
        }
        Error::NoCertificatesPresented => "client_ca_file is set, so clients must show a certificate",
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the client's certificate is of an authority that is not in client_ca_file"
        }
        Error::InvalidCertificate(CertificateError::Revoked) => {
            "the client's certificate is on a list of crl_file"
        }
        Error::InvalidCertificate(
            CertificateError::UnknownRevocationStatus
            | CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. },
        ) => "crl_file has no list of the client's authority that is still valid",
        _ => return None,
    })
}

fn client_advice(error: &Error) -> Option<&'static str> {
    use AlertDescription as Alert;
    Some(match error {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "what the server sent is not TLS: for plaintext write insecure: true, or http:// before the endpoint"
        }
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the authority of the server's certificate is not known: name it in ca_file"
        }
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "the server needs a new certificate, or a clock is wrong"
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "use a name that is in the certificate, or set server_name_override to one",
        Error::AlertReceived(Alert::CertificateRequired) => {
            "the server asks for a client certificate: set cert_file and key_file"
        }
        Error::AlertReceived(
            Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::CertificateExpired
            | Alert::CertificateRevoked,
        ) => "the server does not accept this client's certificate",
        Error::AlertReceived(Alert::ProtocolVersion) => {
            "the server speaks none of the TLS versions that are allowed here"
        }
        _ => return None,
    })
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)?;
        self.advice.map_or(Ok(()), |advice| write!(f, " ({advice})"))
    }
}

/// The text has the cause already.
impl std::error::Error for HandshakeError {}
