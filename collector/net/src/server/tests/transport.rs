use ::http::Request;
use tokio::net::UnixStream;

use super::*;

fn socket_file(folder: &tempfile::TempDir) -> String {
    folder.path().join("otlp.sock").to_str().unwrap().to_owned()
}

#[tokio::test]
async fn grpc_is_served_on_a_socket_file_which_a_shutdown_removes() {
    let folder = tempfile::tempdir().unwrap();
    let path = socket_file(&folder);
    let recorder = Recorder::accepting();
    let config = GrpcServerConfig {
        endpoint: path.clone(),
        transport: Transport::Unix,
        ..GrpcServerConfig::default()
    };
    let server = config.serve(recorder.routes(), &host()).await.unwrap();
    assert_eq!(server.address().to_string(), path);
    let (client, connection) =
        h2::client::handshake(UnixStream::connect(&path).await.unwrap()).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::post(format!("http://x{PATH}")).header("content-type", "application/grpc");
    let mut client = client.ready().await.unwrap();
    let (response, mut body) = client.send_request(request.body(()).unwrap(), false).unwrap();
    body.send_data(framed(0, b"local"), true).unwrap();
    assert_eq!(response.await.unwrap().status(), 200);
    assert_eq!(recorder.taken(), ["local"]);
    assert_eq!(recorder.peers.lock().unwrap().pop(), Some(Peer::Local));
    drop(client);
    server.shutdown(soon()).await;
    assert!(!std::path::Path::new(&path).exists());
    assert!(connection.await.unwrap().is_ok());
}

#[tokio::test]
async fn http_is_served_on_a_socket_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = socket_file(&folder);
    let recorder = Recorder::accepting();
    let config = HttpServerConfig {
        endpoint: path.clone(),
        transport: Transport::Unix,
        ..HttpServerConfig::default()
    };
    let _server = config.serve(recorder.routes(), &host()).await.unwrap();
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let sent = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: 2\r\n\r\n{{}}"
    );
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut received = String::new();
    stream.read_to_string(&mut received).await.unwrap();
    assert!(received.starts_with("HTTP/1.1 200 "), "{received}");
    assert_eq!(recorder.taken(), ["{}"]);
}
