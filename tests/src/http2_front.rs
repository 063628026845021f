//! HTTP/2 over TLS, in front of a destination that speaks HTTP/1.1.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::server::SendResponse;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use crate::wire::whole;
use crate::{Answer, Identity, http};

/// Hands on requests and answers. A request that is not answered, or not in full, ends with its stream.
#[derive(Debug)]
pub struct Http2Front {
    address: SocketAddr,
    identity: Identity,
    connections: Arc<AtomicUsize>,
    runtime: Option<Runtime>,
}

impl Http2Front {
    /// Listens, and speaks nothing but HTTP/2.
    pub fn start(to: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("loopback can be bound");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (identity, connections) = (Identity::new(), Arc::new(AtomicUsize::new(0)));
        let acceptor = TlsAcceptor::from(Arc::new(server_of(&identity)));
        let counted = connections.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, acceptor.clone(), to));
            }
        });
        Self { address, identity, connections, runtime: Some(runtime) }
    }

    /// The `endpoint` for `otlp_http`.
    pub fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// What a client must trust, as PEM.
    pub fn certificate(&self) -> &str {
        &self.identity.certificate
    }

    /// Connections up to now.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Http2Front {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn server_of(identity: &Identity) -> rustls::ServerConfig {
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate and its key");
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// The client may break off whenever it likes.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor, to: SocketAddr) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(hand_on(request, respond, to));
    }
}

async fn hand_on(request: ::http::Request<h2::RecvStream>, mut respond: SendResponse<Bytes>, to: SocketAddr) {
    let (head, mut stream) = request.into_parts();
    let Ok(body) = whole(&mut stream).await else { return };
    let mut text =
        format!("{} {} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n", head.method, head.uri.path());
    for (name, value) in &head.headers {
        if name != ::http::header::CONTENT_LENGTH {
            text += &format!("{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes()));
        }
    }
    text += &format!("Content-Length: {}\r\n\r\n", body.len());
    let answered = tokio::task::spawn_blocking(move || http::request(to, &text, &body)).await;
    match answered {
        Ok(Ok(answer)) => answer_with(&answer, &mut respond),
        _ => respond.send_reset(h2::Reason::INTERNAL_ERROR),
    }
}

fn answer_with(answer: &Answer, respond: &mut SendResponse<Bytes>) {
    let mut response = ::http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        if !["connection", "transfer-encoding"].contains(&name.as_str()) {
            response = response.header(name, value);
        }
    }
    let response = response.body(()).expect("a valid head");
    if let Ok(mut stream) = respond.send_response(response, false) {
        stream.send_data(Bytes::copy_from_slice(&answer.body), true).ok();
    }
}
