use std::io::Write as _;

use etalon_conf::Optional;
use etalon_testkit::certificates::{Authority, Signed};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::NamedTempFile;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::tls::TlsServerConfig;

type Versions = &'static [&'static SupportedProtocolVersion];

const ONLY_TLS_12: Versions = &[&rustls::version::TLS12];
const ONLY_TLS_13: Versions = &[&rustls::version::TLS13];

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn name(file: &NamedTempFile) -> String {
    file.path().to_str().unwrap().to_owned()
}

fn config_of(signed: &Signed) -> TlsServerConfig {
    TlsServerConfig {
        cert_pem: signed.cert().into(),
        key_pem: signed.key().into(),
        ..TlsServerConfig::default()
    }
}

struct Client<'a> {
    trusts: &'a Authority,
    shows: Option<&'a Signed>,
    alpn: &'a [&'a [u8]],
    versions: Versions,
}

impl Client<'_> {
    async fn connect(&self, server: &Server) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusts.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match self.shows {
            None => builder.with_no_client_auth(),
            Some(signed) => builder.with_client_auth_cert(signed.chain(), signed.key_der()).unwrap(),
        };
        config.alpn_protocols = self.alpn.iter().map(|protocol| protocol.to_vec()).collect();
        let stream = TcpStream::connect(address(server)).await?;
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
    }

    /// The code of a gRPC call, or why there was none.
    async fn grpc(&self, server: &Server) -> Result<String, Box<dyn std::error::Error>> {
        let (client, connection) = h2::client::handshake(self.connect(server).await?).await?;
        tokio::spawn(connection);
        let mut client = client.ready().await?;
        let request =
            ::http::Request::post(format!("https://x{PATH}")).header("content-type", "application/grpc");
        let (response, mut body) = client.send_request(request.body(())?, false)?;
        body.send_data(framed(0, b"x"), true)?;
        let mut stream = response.await?.into_body();
        while let Some(data) = stream.data().await {
            data?;
        }
        let trailers = stream.trailers().await?.ok_or("no trailers")?;
        Ok(trailers["grpc-status"].to_str()?.to_owned())
    }
}

fn grpc_with(tls: TlsServerConfig) -> GrpcServerConfig {
    GrpcServerConfig { tls: Optional::on(tls), ..GrpcServerConfig::default() }
}

#[tokio::test]
async fn grpc_works_over_tls_from_pem_and_from_files() {
    let authority = Authority::new("ca");
    let signed = authority.sign();
    let (cert, key) = (file(&signed.cert()), file(&signed.key()));
    let from_files =
        TlsServerConfig { cert_file: name(&cert), key_file: name(&key), ..TlsServerConfig::default() };
    let recorder = Recorder::accepting();
    for tls in [config_of(&signed), from_files] {
        let server = serve_grpc(grpc_with(tls), &recorder).await;
        assert!(server.is_tls());
        for alpn in [&[&b"h2"[..]][..], &[]] {
            let client = Client { trusts: &authority, shows: None, alpn, versions: rustls::ALL_VERSIONS };
            assert_eq!(client.grpc(&server).await.unwrap(), "0");
        }
    }
    assert_eq!(recorder.taken().len(), 4);
}

#[tokio::test]
async fn the_http_server_negotiates_h2_and_http_1() {
    let authority = Authority::new("ca");
    let config =
        HttpServerConfig { tls: Optional::on(config_of(&authority.sign())), ..HttpServerConfig::default() };
    let server = serve_http(config, &Recorder::accepting()).await;
    for (offered, expected) in [
        (&[&b"h2"[..], b"http/1.1"][..], Some(&b"h2"[..])),
        (&[&b"http/1.1"[..]][..], Some(&b"http/1.1"[..])),
        (&[], None),
    ] {
        let client =
            Client { trusts: &authority, shows: None, alpn: offered, versions: rustls::ALL_VERSIONS };
        let stream = client.connect(&server).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), expected);
        if expected == Some(b"h2") {
            continue;
        }
        for (sent, status) in
            [("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404), ("no request\r\n\r\n", 400)]
        {
            let mut stream = client.connect(&server).await.unwrap();
            stream.write_all(sent.as_bytes()).await.unwrap();
            let mut received = Vec::new();
            stream.read_to_end(&mut received).await.unwrap();
            let answer = super::http::Answer::of(&received);
            assert_eq!(answer.status(), status);
            assert!(answer.json()["message"].is_string(), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn with_a_client_authority_only_its_clients_get_in() {
    let (servers, clients, strangers) =
        (Authority::new("servers"), Authority::new("clients"), Authority::new("strangers"));
    let authorities = file(&clients.cert());
    let tls = TlsServerConfig { client_ca_file: name(&authorities), ..config_of(&servers.sign()) };
    let recorder = Recorder::accepting();
    let server = serve_grpc(grpc_with(tls), &recorder).await;
    let (known, unknown) = (clients.sign(), strangers.sign());
    for versions in [ONLY_TLS_12, ONLY_TLS_13] {
        let client = |shows| Client { trusts: &servers, shows, alpn: &[b"h2"], versions };
        assert_eq!(client(Some(&known)).grpc(&server).await.unwrap(), "0");
        assert!(client(Some(&unknown)).grpc(&server).await.is_err());
        assert!(client(None).grpc(&server).await.is_err());
    }
    assert_eq!(recorder.taken().len(), 2);
}

#[tokio::test]
async fn plaintext_on_a_tls_port_is_told_so() {
    let authority = Authority::new("ca");
    let config =
        HttpServerConfig { tls: Optional::on(config_of(&authority.sign())), ..HttpServerConfig::default() };
    let recorder = Recorder::accepting();
    let server = serve_http(config, &recorder).await;
    let received = exchange(&server, b"POST / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let received = String::from_utf8(received).unwrap();
    assert!(received.ends_with("Client sent an HTTP request to an HTTPS server.\n"), "{received}");
    assert!(!exchange(&server, b"\x16\x03\x01\x00\x05hello").await.starts_with(b"HTTP"));
}

#[tokio::test]
async fn a_file_that_cannot_be_used_keeps_the_server_from_starting() {
    let tls = TlsServerConfig {
        cert_pem: "".into(),
        cert_file: "/no/such.pem".to_owned(),
        ..config_of(&Authority::new("ca").sign())
    };
    let config = GrpcServerConfig { endpoint: "127.0.0.1:0".to_owned(), ..grpc_with(tls) };
    let error = config.serve(Vec::new(), &host()).await.unwrap_err();
    assert!(error.to_string().starts_with("failed to load TLS config"), "{error}");
    let ListenError::Tls(cause) = error else { panic!("{error:?}") };
    assert!(matches!(cause, crate::tls::TlsError::Identity(_)), "{cause:?}");
}
