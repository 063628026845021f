use ::http::{Request, StatusCode};

use super::*;

#[tokio::test]
async fn a_grpc_client_of_the_http_endpoint_reads_where_grpc_is() {
    let recorder = Recorder::accepting();
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    let refused = grpc::call(&grpc::channel(&server).await, &[], None, &Bytes::new()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unimplemented);
    assert!(refused.message().contains("OTLP/gRPC is served at another port, by default 4317"), "{refused}");
    assert_eq!(recorder.taken().len(), 0);
}

#[tokio::test]
async fn an_http_2_client_of_the_grpc_endpoint_reads_where_http_is() {
    let recorder = Recorder::accepting();
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let (client, connection) =
        h2::client::handshake(TcpStream::connect(address(&server)).await.unwrap()).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post("http://x/v1/traces").header("content-type", "application/json");
    let mut client = client.ready().await.unwrap();
    let (response, _) = client.send_request(request.body(()).unwrap(), true).unwrap();
    let response = response.await.unwrap();
    assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(response.headers()["content-type"], "application/json");
    let body = response.into_body().data().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&body).contains("by default 4318"));
}

#[tokio::test]
async fn a_browser_reads_what_each_endpoint_is() {
    let recorder = Recorder::accepting();
    let get = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: text/html\r\n\r\n";
    let grpc = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let received = String::from_utf8(exchange(&grpc, get).await).unwrap();
    assert!(received.starts_with("HTTP/1.1 400 ") && received.contains("OTLP/gRPC endpoint"), "{received}");
    let http = serve_http(HttpServerConfig::default(), &recorder).await;
    let received = String::from_utf8(exchange(&http, get).await).unwrap();
    assert!(received.starts_with("HTTP/1.1 404 ") && received.contains(PATH), "{received}");
}
