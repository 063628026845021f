//! What is told of a client in the collector's own metrics.

use std::sync::Arc;

use etalon_component::{Origin, Outcome};
use etalon_telemetry::Telemetry;
use etalon_telemetry::attributes::{Code, DataType, Exporter, ServerAddress, ServerPort, UrlPath};
use etalon_telemetry::metrics::{
    DestinationAttributes, DestinationMetrics, DestinationReads, ExporterCertificateAttributes,
    ExporterCertificateMetrics, ExporterCertificateReads, ExporterTlsAttributes, ExporterTlsMetrics,
    ExporterTlsReads,
};

use crate::tls::TlsHealth;

/// Whose client it is.
#[derive(Clone, Copy, Debug)]
pub struct ClientOf<'a> {
    /// The exporter.
    pub exporter: Exporter<'a>,
    /// The signal that it sends.
    pub data_type: DataType,
}

/// To where a client sends.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    /// The host, or the file of a Unix domain socket.
    pub host: &'a str,
    /// The port, where there is one.
    pub port: Option<u16>,
    /// The path, over HTTP.
    pub path: Option<&'a str>,
}

/// What is told of a client, as long as this lives.
#[derive(Debug)]
#[must_use = "the series end with it"]
pub struct ClientObservations {
    destination: DestinationMetrics,
    _tls: Option<ExporterTlsMetrics>,
    _certificate: Option<ExporterCertificateMetrics>,
}

impl ClientObservations {
    /// Tells of the client of `of` from now on. `tls` is how its TLS is, where it speaks that.
    pub fn new(
        telemetry: &Telemetry,
        of: ClientOf<'_>,
        destination: Destination<'_>,
        tls: Option<Arc<TlsHealth>>,
    ) -> Self {
        let ClientOf { exporter, data_type } = of;
        let port = destination.port.map(|port| port.to_string());
        let to = DestinationAttributes {
            exporter,
            data_type,
            server_address: ServerAddress(destination.host),
            server_port: port.as_deref().map(ServerPort),
            url_path: destination.path.map(UrlPath),
        };
        let certificate = tls.clone().filter(|tls| tls.certificate_expiry().is_some()).map(|tls| {
            let reads = ExporterCertificateReads { expiry: move || tls.certificate_expiry().unwrap_or(0) };
            ExporterCertificateMetrics::new(
                telemetry,
                ExporterCertificateAttributes { exporter, data_type },
                reads,
            )
        });
        let tls = tls.map(|tls| {
            let reads = ExporterTlsReads { files_stale: move || tls.is_stale().into() };
            ExporterTlsMetrics::new(telemetry, ExporterTlsAttributes { exporter, data_type }, reads)
        });
        Self {
            destination: DestinationMetrics::new(telemetry, to, DestinationReads { info: || 1 }),
            _tls: tls,
            _certificate: certificate,
        }
    }

    /// The destination has answered a gRPC call with success.
    pub fn answered_ok(&self) {
        self.destination.responses(1, Code::Ok);
    }

    /// A gRPC call has ended so, which may be an answer of the destination.
    pub fn failed(&self, outcome: &Outcome) {
        let answer = outcome.failure().filter(|failure| failure.origin() == Some(Origin::Destination));
        if let Some(code) = answer.and_then(|failure| Code::of(failure.code().name())) {
            self.destination.responses(1, code);
        }
    }

    /// The destination has answered with this HTTP status.
    pub fn answered_http(&self, status: u16) {
        let known = |code: &Code| code.as_str().parse() == Ok(status);
        let code = match status {
            200 => Code::Http200,
            _ => Code::ALL.into_iter().find(known).unwrap_or(Code::Other),
        };
        self.destination.responses(1, code);
    }
}
