//! Requests that come on old connections after the server was to take nothing new.

use h2::client::SendRequest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;

use super::http::Answer;
use super::*;

const HEAD: &str = "Content-Type: application/x-protobuf\r\nContent-Length: 3\r\n\r\none";

async fn refuse_and_drain(server: &Server) {
    server.refuse();
    server.drain();
    while TcpStream::connect(address(server)).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

/// A request but for the end of its header.
async fn begin(stream: &mut TcpStream) {
    stream.write_all(format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n").as_bytes()).await.unwrap();
}

async fn finish(mut stream: TcpStream) -> Answer {
    stream.write_all(HEAD.as_bytes()).await.unwrap();
    Answer::of(&read_to_end(&mut stream).await)
}

fn assert_is_told_to_try_again(answer: &Answer) {
    assert_eq!(answer.status(), 503, "{}", answer.head);
    assert!(answer.has("connection: close") && answer.head.contains("\nretry-after: "), "{}", answer.head);
}

#[tokio::test]
async fn over_http_1_what_has_begun_is_served_and_what_comes_late_is_told_to_try_again() {
    let recorder = Recorder::new(Behaviour::Wait);
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    let connect = || async { TcpStream::connect(address(&server)).await.unwrap() };
    let (mut under_way, mut kept_alive, mut fresh) = (connect().await, connect().await, connect().await);
    begin(&mut kept_alive).await;
    kept_alive.write_all(HEAD.as_bytes()).await.unwrap();
    recorder.begun(1).await;
    recorder.go.add_permits(1);
    kept_alive.read_u8().await.unwrap();
    begin(&mut under_way).await;
    under_way.write_all(HEAD.as_bytes()).await.unwrap();
    recorder.begun(1).await;
    begin(&mut kept_alive).await;
    begin(&mut fresh).await;
    let mut silent = connect().await;
    refuse_and_drain(&server).await;
    let late = finish(kept_alive).await;
    // The rest of the first answer comes before it.
    let second = late.body.windows(9).position(|window| window == b"HTTP/1.1 ").unwrap();
    assert_is_told_to_try_again(&Answer::of(&late.body[second..]));
    assert_is_told_to_try_again(&finish(fresh).await);
    assert_eq!(read_to_end(&mut silent).await, b"");
    recorder.go.add_permits(1);
    let served = Answer::of(&read_to_end(&mut under_way).await);
    assert_eq!(served.status(), 200, "{}", served.head);
    assert!(served.has("connection: close"), "{}", served.head);
    let stopping = Some(RefusalReason::Shutdown);
    assert_eq!(recorder.ends(), [None, stopping, stopping, None]);
    server.shutdown(soon()).await;
    assert_eq!(recorder.taken().len(), 2);
}

/// A connection to a server, whose bytes are held back while the gate is shut.
async fn gated(server: &Server) -> (SendRequest<Bytes>, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
    let (near, far) = tokio::io::duplex(MIB);
    let (mut from_server, mut to_server) = TcpStream::connect(address(server)).await.unwrap().into_split();
    let (mut from_client, mut to_client) = tokio::io::split(far);
    let (gate, mut is_open) = watch::channel(true);
    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await.ok() });
    tokio::spawn(async move {
        let mut bytes = [0; 4096];
        while let Ok(len @ 1..) = from_server.read(&mut bytes).await {
            if is_open.wait_for(|is_open| *is_open).await.is_err()
                || to_client.write_all(&bytes[..len]).await.is_err()
            {
                break;
            }
        }
        to_client.shutdown().await.ok();
    });
    let (client, connection) = h2::client::handshake(near).await.unwrap();
    let connection = tokio::spawn(async move { connection.await.unwrap() });
    (client.ready().await.unwrap(), gate, connection)
}

/// Sends a request, and says what has come back when it is answered: the header, and the trailers of gRPC.
fn send(client: &mut SendRequest<Bytes>, content_type: &str) -> tokio::task::JoinHandle<::http::HeaderMap> {
    let request = ::http::Request::post(format!("http://x{PATH}")).header("content-type", content_type);
    let (response, mut body) = client.send_request(request.body(()).unwrap(), false).unwrap();
    let is_grpc = content_type == "application/grpc";
    body.send_data(if is_grpc { framed(0, b"one") } else { Bytes::from_static(b"one") }, true).unwrap();
    tokio::spawn(async move {
        let (head, mut body) = response.await.unwrap().into_parts();
        while let Some(data) = body.data().await {
            data.unwrap();
        }
        let mut fields = head.headers;
        fields.insert("status", head.status.as_u16().into());
        fields.extend(body.trailers().await.unwrap().unwrap_or_default());
        fields
    })
}

/// Sends one request before the end and one after it, of which the client does not know yet; what comes back.
async fn around_the_end(server: Server, recorder: &Recorder, content_type: &str) -> [::http::HeaderMap; 2] {
    let (mut client, gate, connection) = gated(&server).await;
    let under_way = send(&mut client, content_type);
    recorder.begun(1).await;
    gate.send_replace(false);
    refuse_and_drain(&server).await;
    let late = send(&mut client, content_type);
    while recorder.ends.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(recorder.ends(), [Some(RefusalReason::Shutdown)]);
    gate.send_replace(true);
    recorder.go.add_permits(1);
    let answers = [under_way.await.unwrap(), late.await.unwrap()];
    drop(client);
    connection.await.unwrap();
    server.shutdown(soon()).await;
    assert_eq!(recorder.ends(), [None]);
    answers
}

#[tokio::test]
async fn over_grpc_what_has_begun_is_served_and_what_comes_late_is_unavailable() {
    let recorder = Recorder::new(Behaviour::Wait);
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let [served, late] = around_the_end(server, &recorder, "application/grpc").await;
    assert_eq!(served["grpc-status"], "0");
    assert_eq!(late["grpc-status"], "14");
    assert!(late.contains_key("google.rpc.retryinfo-bin") && late.contains_key("grpc-retry-pushback-ms"));
}

#[tokio::test]
async fn over_http_2_what_has_begun_is_served_and_what_comes_late_is_told_to_try_again() {
    let recorder = Recorder::new(Behaviour::Wait);
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    let [served, late] = around_the_end(server, &recorder, "application/x-protobuf").await;
    assert_eq!(served["status"], "200");
    assert_eq!(late["status"], "503");
    assert!(late.contains_key("retry-after"));
}

#[tokio::test]
async fn a_server_that_is_replaced_serves_whoever_comes_late() {
    let recorder = Recorder::accepting();
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    let (mut client, gate, connection) = gated(&server).await;
    assert_eq!(send(&mut client, "application/x-protobuf").await.unwrap()["status"], "200");
    recorder.begun(1).await;
    gate.send_replace(false);
    server.drain();
    while TcpStream::connect(address(&server)).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let late = send(&mut client, "application/x-protobuf");
    recorder.begun(1).await;
    gate.send_replace(true);
    assert_eq!(late.await.unwrap()["status"], "200");
    drop(client);
    connection.await.unwrap();
}
