//! OTLP/gRPC: HTTP/2 with prior knowledge.

use std::sync::Arc;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};
use tokio::net::TcpStream;

use super::message::{Body, MAX_MESSAGE, Receiver, Wrong};
use crate::bench::content::Signal;

const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = 64 << 20;
const MAX_STREAMS: u32 = 1024;

/// Serves a connection until it ends.
pub(super) async fn serve(stream: TcpStream, receiver: Arc<Receiver>) {
    let handshake = h2::server::Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(MAX_STREAMS)
        .handshake::<_, Bytes>(stream)
        .await;
    let Ok(mut connection) = handshake else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        let receiver = Arc::clone(&receiver);
        // A stream that breaks is not answered; the sender sees that.
        tokio::spawn(async move { drop(handle(request, respond, &receiver).await) });
    }
}

async fn handle(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    receiver: &Receiver,
) -> Result<(), h2::Error> {
    let verdict = receive(request, receiver).await?.map_err(|wrong| receiver.refuse(wrong));
    receiver.wait().await;
    let head = Response::builder().header("content-type", "application/grpc");
    match verdict {
        Ok(()) => {
            let mut body = respond.send_response(valid(head.body(())), false)?;
            // An empty message: full success.
            body.send_data(Bytes::from_static(&[0; 5]), false)?;
            let trailers =
                [(http::HeaderName::from_static("grpc-status"), http::HeaderValue::from_static("0"))];
            body.send_trailers(HeaderMap::from_iter(trailers))
        }
        Err(wrong) => {
            let (status, message) = status(wrong);
            let head = head.header("grpc-status", status).header("grpc-message", message);
            respond.send_response(valid(head.body(())), true).map(drop)
        }
    }
}

fn valid(response: http::Result<Response<()>>) -> Response<()> {
    response.expect("the headers are constants and valid")
}

/// Reads and counts a request. The outer error is the transport's.
async fn receive(request: Request<RecvStream>, receiver: &Receiver) -> Result<Result<(), Wrong>, h2::Error> {
    let Some(signal) = Signal::of_path(request.uri().path()) else { return Ok(Err(Wrong::Path)) };
    let gzip = request.headers().get("grpc-encoding").is_some_and(|encoding| encoding == "gzip");
    let mut stream = request.into_body();
    let mut body = Body::new(receiver);
    while let Some(chunk) = stream.data().await {
        let chunk = chunk?;
        stream.flow_control().release_capacity(chunk.len())?;
        if let Err(wrong) = body.push(chunk) {
            return Ok(Err(wrong));
        }
    }
    Ok(unframe(body.bytes(), gzip).and_then(|(message, gzip)| receiver.count(signal, message, gzip)))
}

/// The single message of a unary call, and whether it is compressed.
fn unframe(body: &[u8], gzip: bool) -> Result<(&[u8], bool), Wrong> {
    let [flag, a, b, c, d, message @ ..] = body else { return Err(Wrong::Malformed) };
    let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
    match flag {
        _ if length > MAX_MESSAGE => Err(Wrong::TooLarge),
        _ if length != message.len() => Err(Wrong::Malformed),
        0 => Ok((message, false)),
        1 if gzip => Ok((message, true)),
        1 => Err(Wrong::Encoding),
        _ => Err(Wrong::Malformed),
    }
}

fn status(wrong: Wrong) -> (&'static str, &'static str) {
    match wrong {
        Wrong::Path => ("12", "the sink knows the Export methods of traces, metrics and logs"),
        Wrong::TooLarge => ("8", "the message is larger than the sink takes"),
        Wrong::Malformed => ("3", "the request is no OTLP"),
        Wrong::Encoding => ("12", "the sink knows gzip only"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_exactly_one_message() {
        assert_eq!(unframe(&[0, 0, 0, 0, 2, 7, 8], false), Ok((&[7, 8][..], false)));
        assert_eq!(unframe(&[1, 0, 0, 0, 1, 7], true), Ok((&[7][..], true)));
        assert_eq!(unframe(&[1, 0, 0, 0, 1, 7], false), Err(Wrong::Encoding));
        assert_eq!(unframe(&[0, 0, 0, 0, 2, 7], false), Err(Wrong::Malformed));
        assert_eq!(unframe(&[0, 0, 0, 0, 0, 7], false), Err(Wrong::Malformed));
        assert_eq!(unframe(&[2, 0, 0, 0, 0], false), Err(Wrong::Malformed));
        assert_eq!(unframe(&[0, 0, 0], false), Err(Wrong::Malformed));
        assert_eq!(unframe(&[0, 0xff, 0, 0, 0], false), Err(Wrong::TooLarge));
    }
}
