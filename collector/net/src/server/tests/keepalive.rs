use etalon_conf::{Duration as ConfDuration, Optional};

use super::*;

fn keepalive(keepalive: Keepalive) -> GrpcServerConfig {
    GrpcServerConfig { keepalive: Optional::on(keepalive), ..GrpcServerConfig::default() }
}

fn parameters(parameters: ServerParameters) -> GrpcServerConfig {
    keepalive(Keepalive { server_parameters: Optional::on(parameters), ..Keepalive::default() })
}

fn policy(policy: EnforcementPolicy) -> GrpcServerConfig {
    keepalive(Keepalive { enforcement_policy: Optional::on(policy), ..Keepalive::default() })
}

const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const SETTINGS_ACK: &[u8] = b"\0\0\0\x04\x01\0\0\0\0";
const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0etalon!!";
const PONG: &[u8] = b"\0\0\x08\x06\x01\0\0\0\0etalon!!";

/// A connection that has shaken hands as HTTP/2 does.
async fn connect(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(address(server)).await.unwrap();
    stream.write_all(&[HELLO, SETTINGS_ACK].concat()).await.unwrap();
    stream
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_client_that_pings_too_often_is_told_so_and_disconnected() {
    let recorder = Recorder::accepting();
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let mut stream = connect(&server).await;
    stream.write_all(&PING.repeat(4)).await.unwrap();
    let received = read_to_end(&mut stream).await;
    assert!(contains(&received, b"\0\0\0\x0btoo_many_pings"), "{}", String::from_utf8_lossy(&received));
}

#[tokio::test]
async fn a_client_may_ping_as_often_as_is_configured() {
    let recorder = Recorder::accepting();
    let often = EnforcementPolicy { min_time: ConfDuration::from_millis(1), permit_without_stream: true };
    let server = serve_grpc(policy(often), &recorder).await;
    let mut stream = connect(&server).await;
    let mut received = Vec::new();
    for count in 1..=10 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        stream.write_all(PING).await.unwrap();
        while received.windows(PONG.len()).filter(|window| *window == PONG).count() < count {
            assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0, "closed after {count} pings");
        }
    }
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_given_up() {
    let recorder = Recorder::accepting();
    let (time, timeout) = (ConfDuration::from_millis(50), ConfDuration::from_millis(50));
    let server =
        serve_grpc(parameters(ServerParameters { time, timeout, ..ServerParameters::default() }), &recorder)
            .await;
    let received = read_to_end(&mut connect(&server).await).await;
    assert!(contains(&received, b"\0\0\x08\x06\0\0\0\0\0"), "there was no ping");
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_calls_is_closed_when_that_is_configured() {
    let recorder = Recorder::accepting();
    let idle = ServerParameters {
        max_connection_idle: ConfDuration::from_millis(50),
        ..ServerParameters::default()
    };
    let server = serve_grpc(parameters(idle), &recorder).await;
    let received = read_to_end(&mut connect(&server).await).await;
    // This client does not answer, and is cut off nevertheless.
    assert!(contains(&received, b"\0\0\x08\x07\0\0\0\0\0"), "there was no GOAWAY");
}

#[tokio::test]
async fn a_call_of_an_old_connection_has_its_grace_and_no_more() {
    let recorder = Recorder::new(Behaviour::Wait);
    let (max_connection_age, max_connection_age_grace) =
        (ConfDuration::from_millis(50), ConfDuration::from_millis(50));
    let old =
        ServerParameters { max_connection_age, max_connection_age_grace, ..ServerParameters::default() };
    let server = serve_grpc(parameters(old), &recorder).await;
    let (client, connection) =
        h2::client::handshake(TcpStream::connect(address(&server)).await.unwrap()).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = ::http::Request::post(format!("http://x{PATH}")).header("content-type", "application/grpc");
    let mut client = client.ready().await.unwrap();
    let (response, mut body) = client.send_request(request.body(()).unwrap(), false).unwrap();
    body.send_data(framed(0, b"x"), true).unwrap();
    assert!(response.await.is_err());
    drop(client);
    tokio::time::timeout(Duration::from_secs(20), connection).await.unwrap().unwrap().ok();
    assert_eq!(recorder.finished.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn clients_are_told_how_many_calls_they_may_have_in_progress() {
    let recorder = Recorder::accepting();
    for (configured, told) in [(0, STREAMS_MAX), (7, 7)] {
        let config = GrpcServerConfig { max_concurrent_streams: configured, ..GrpcServerConfig::default() };
        let server = serve_grpc(config, &recorder).await;
        let mut stream = connect(&server).await;
        let setting = [&[0, 3][..], &told.to_be_bytes()].concat();
        let mut received = Vec::new();
        while !contains(&received, &setting) {
            assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0, "closed");
        }
    }
}
