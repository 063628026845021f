use std::net::SocketAddr;

use super::*;

/// Sends one gRPC call on a connection of its own, and returns its code when there is an answer.
async fn grpc_call(address: SocketAddr) -> Option<u32> {
    let stream = TcpStream::connect(address).await.ok()?;
    let (client, connection) = h2::client::handshake(stream).await.ok()?;
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await.ok()?;
    let request = ::http::Request::post(format!("http://x{PATH}")).header("content-type", "application/grpc");
    let (response, mut body) = client.send_request(request.body(()).unwrap(), false).ok()?;
    body.send_data(framed(0, b"x"), true).ok()?;
    let mut stream = response.await.ok()?.into_body();
    while let Some(data) = stream.data().await {
        data.ok()?;
    }
    let trailers = stream.trailers().await.ok()?;
    connection.abort();
    Some(trailers.map_or(0, |trailers| trailers["grpc-status"].to_str().unwrap().parse().unwrap()))
}

#[tokio::test]
async fn a_shutdown_lets_requests_in_progress_finish() {
    let recorder = Recorder::new(Behaviour::Wait);
    let server = Arc::new(serve_grpc(GrpcServerConfig::default(), &recorder).await);
    let address = address(&server);
    let calls: Vec<_> = (0..5).map(|_| tokio::spawn(grpc_call(address))).collect();
    recorder.begun(5).await;
    let stopping = tokio::spawn({
        let server = server.clone();
        async move { server.shutdown(soon()).await }
    });
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!stopping.is_finished());
    recorder.go.add_permits(5);
    for call in calls {
        assert_eq!(call.await.unwrap(), Some(0));
    }
    stopping.await.unwrap();
    assert_eq!(recorder.finished.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn after_the_deadline_of_a_shutdown_nothing_is_left() {
    let recorder = Recorder::new(Behaviour::Wait);
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let address = address(&server);
    let calls: Vec<_> = (0..5).map(|_| tokio::spawn(grpc_call(address))).collect();
    recorder.begun(5).await;
    server.shutdown(Instant::now()).await;
    assert_eq!(recorder.dropped.load(Ordering::SeqCst), 5);
    recorder.go.add_permits(5);
    for call in calls {
        assert_ne!(call.await.unwrap(), Some(0));
    }
    assert_eq!(recorder.finished.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_nothing_arrives_after_a_shutdown() {
    let recorder = Recorder::accepting();
    let grpc = Arc::new(serve_grpc(GrpcServerConfig::default(), &recorder).await);
    let http = Arc::new(serve_http(HttpServerConfig::default(), &recorder).await);
    let (grpc_address, http_address) = (address(&grpc), address(&http));
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..4 {
        senders.spawn(async move { while grpc_call(grpc_address).await.is_some() {} });
        senders.spawn(async move {
            let head = format!(
                "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\nx"
            );
            while let Ok(mut stream) = TcpStream::connect(http_address).await {
                for _ in 0..10 {
                    let mut received = [0; 1024];
                    if stream.write_all(head.as_bytes()).await.is_err()
                        || stream.read(&mut received).await.unwrap_or(0) == 0
                    {
                        break;
                    }
                }
            }
        });
    }
    recorder.begun(200).await;
    grpc.shutdown(soon()).await;
    http.shutdown(soon()).await;
    let arrived = recorder.messages.lock().unwrap().len();
    assert_eq!(recorder.finished.load(Ordering::SeqCst), arrived);
    assert!(tokio::time::timeout(Duration::from_secs(20), senders.join_all()).await.is_ok());
    assert_eq!(recorder.messages.lock().unwrap().len(), arrived);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_connections_that_say_nothing() {
    let recorder = Recorder::accepting();
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    let _silent = TcpStream::connect(address(&server)).await.unwrap();
    let mut kept_alive = TcpStream::connect(address(&server)).await.unwrap();
    let sent = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n"
    );
    kept_alive.write_all(sent.as_bytes()).await.unwrap();
    kept_alive.read_u8().await.unwrap();
    let before = Instant::now();
    server.shutdown(soon()).await;
    assert!(before.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn an_old_connection_is_told_to_go_and_its_call_finishes() {
    let recorder = Recorder::new(Behaviour::Wait);
    let parameters = ServerParameters {
        max_connection_age: etalon_conf::Duration::from_millis(50),
        ..ServerParameters::default()
    };
    let keepalive =
        Keepalive { server_parameters: etalon_conf::Optional::on(parameters), ..Keepalive::default() };
    let config =
        GrpcServerConfig { keepalive: etalon_conf::Optional::on(keepalive), ..GrpcServerConfig::default() };
    let server = serve_grpc(config, &recorder).await;
    let stream = TcpStream::connect(address(&server)).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let request = ::http::Request::post(format!("http://x{PATH}")).header("content-type", "application/grpc");
    let (response, mut body) = client.send_request(request.body(()).unwrap(), false).unwrap();
    body.send_data(framed(0, b"x"), true).unwrap();
    while client.clone().ready().await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    recorder.go.add_permits(1);
    let mut stream = response.await.unwrap().into_body();
    while stream.data().await.is_some() {}
    assert_eq!(stream.trailers().await.unwrap().unwrap()["grpc-status"], "0");
    drop((client, stream));
    tokio::time::timeout(Duration::from_secs(20), connection).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_names_the_address() {
    let recorder = Recorder::accepting();
    let first = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let config = GrpcServerConfig { endpoint: address(&first).to_string(), ..GrpcServerConfig::default() };
    let error = config.serve(recorder.routes(), &host()).await.unwrap_err();
    assert!(error.to_string().contains(&address(&first).to_string()), "{error}");
}
