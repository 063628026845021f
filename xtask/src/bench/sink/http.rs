//! OTLP/HTTP with protobuf bodies: HTTP/1.1.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::message::{Body, Receiver, Wrong};
use crate::bench::content::Signal;

/// Serves a connection until it ends.
pub(super) async fn serve(stream: TcpStream, receiver: Arc<Receiver>) {
    let service = service_fn(move |request| {
        let receiver = Arc::clone(&receiver);
        async move { handle(request, &receiver).await }
    });
    // A connection that breaks takes its unanswered request with it; the sender sees that.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

async fn handle(
    request: Request<Incoming>,
    receiver: &Receiver,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let verdict = receive(request, receiver).await?.map_err(|wrong| receiver.refuse(wrong));
    receiver.wait().await;
    let mut response = Response::new(Full::new(Bytes::new()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
    *response.status_mut() = match verdict {
        // An empty message: full success.
        Ok(()) => StatusCode::OK,
        Err(Wrong::Path) => StatusCode::NOT_FOUND,
        Err(Wrong::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
        Err(Wrong::Malformed) => StatusCode::BAD_REQUEST,
        Err(Wrong::Encoding) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
    };
    Ok(response)
}

/// Reads and counts a request. The outer error is the transport's.
async fn receive(request: Request<Incoming>, receiver: &Receiver) -> Result<Result<(), Wrong>, hyper::Error> {
    let Some(signal) = Signal::of_path(request.uri().path()) else { return Ok(Err(Wrong::Path)) };
    let gzip = match request.headers().get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => false,
        Some(b"gzip") => true,
        Some(_) => return Ok(Err(Wrong::Encoding)),
    };
    let mut stream = request.into_body();
    let mut body = Body::new(receiver);
    while let Some(frame) = stream.frame().await {
        if let Ok(chunk) = frame?.into_data()
            && let Err(wrong) = body.push(chunk)
        {
            return Ok(Err(wrong));
        }
    }
    Ok(receiver.count(signal, body.bytes(), gzip))
}
