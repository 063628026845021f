use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

fn pinging(while_idle: bool) -> ConnectionSettings {
    let (every, limit) = (Duration::from_millis(20), Duration::from_millis(200));
    ConnectionSettings {
        route: Route::default(),
        read_buffer: 1024,
        write_buffer: 1024,
        keepalive: Some(KeepAlive { every, timeout: limit, while_idle }),
    }
}

async fn listener() -> (TcpListener, Address) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::from(listener.local_addr().unwrap());
    (listener, address)
}

#[tokio::test]
async fn a_peer_that_leaves_a_ping_unanswered_is_given_up() {
    let (_silent, address) = listener().await;
    let (_connection, mut driver) = connect(&address, &pinging(true)).await.unwrap();
    assert!(timeout(PATIENCE, driver.serve()).await.is_ok());
}

#[tokio::test]
async fn a_peer_that_answers_pings_is_kept() {
    let (listener, address) = listener().await;
    let (pinged, mut pings) = tokio::sync::mpsc::channel(100);
    tokio::spawn(async move {
        // Frames as bytes: a handshake, and an answer to each ping.
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 24]).await.unwrap();
        stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await.unwrap();
            let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
            stream.read_exact(&mut payload).await.unwrap();
            if head[3] == 6 && head[4] == 0 {
                let mut pong = vec![0, 0, 8, 6, 1, 0, 0, 0, 0];
                pong.extend(payload);
                stream.write_all(&pong).await.unwrap();
                pinged.send(()).await.unwrap();
            }
        }
    });
    let (_connection, mut driver) = connect(&address, &pinging(true)).await.unwrap();
    let served = async {
        for _ in 0..20 {
            pings.recv().await.unwrap();
        }
    };
    tokio::select! {
        () = driver.serve() => panic!("the connection was given up"),
        counted = timeout(PATIENCE, served) => counted.expect("twenty pings"),
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_pinged_without_a_call_unless_that_is_permitted() {
    let (_silent, address) = listener().await;
    let (_connection, mut driver) = connect(&address, &pinging(false)).await.unwrap();
    assert!(timeout(Duration::from_mins(10), driver.serve()).await.is_err(), "it is kept");
}
