//! A tunnel through an HTTP proxy: `CONNECT` (RFC 9110 section 9.3.6).

use bytes::Bytes;
use http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::HEADER_BYTES_MAX;
use super::dial::{Stream, Tls};

/// The way through a proxy to one destination.
#[derive(Clone, Debug)]
pub(super) struct Tunnel {
    /// TLS with the proxy.
    pub(super) tls: Option<Tls>,
    /// `host:port` of the destination.
    pub(super) authority: http::uri::Authority,
    pub(super) authorization: Option<HeaderValue>,
}

/// Why a proxy makes no tunnel.
#[derive(Debug, thiserror::Error)]
pub(super) enum TunnelError {
    #[error("it answered CONNECT {authority} with HTTP status {}", status.as_u16())]
    Refused { authority: String, status: StatusCode },
    #[error("the connection to it failed")]
    Failed(#[source] hyper::Error),
}

impl Tunnel {
    /// Asks the proxy at the other end of `stream` for a tunnel.
    pub(super) async fn open(&self, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, TunnelError> {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HEADER_BYTES_MAX as usize);
        let handshake = builder.handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await;
        let (mut send, connection) = handshake.map_err(TunnelError::Failed)?;
        let tunnel = async {
            let response = send.send_request(self.request()).await.map_err(TunnelError::Failed)?;
            if !response.status().is_success() {
                let authority = self.authority.to_string();
                return Err(TunnelError::Refused { authority, status: response.status() });
            }
            hyper::upgrade::on(response).await.map_err(TunnelError::Failed)
        };
        tokio::pin!(tunnel);
        // The connection does nothing unless polled. It ends when the tunnel is there, or when it breaks,
        // and then the tunnel says so.
        let upgraded = tokio::select! {
            biased;
            tunnel = &mut tunnel => tunnel?,
            _ = connection.with_upgrades() => tunnel.await?,
        };
        Ok(Box::new(TokioIo::new(upgraded)))
    }

    fn request(&self) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = Uri::from(self.authority.clone());
        let host = HeaderValue::from_str(self.authority.as_str()).expect("an authority is a valid value");
        request.headers_mut().insert(HOST, host);
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        request
    }
}
