use std::collections::BTreeSet;

use tokio::net::TcpListener;

use super::super::dial::Route;
use super::super::target::Target;
use super::*;

/// A server that speaks HTTP/2 and answers nothing.
async fn server() -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::from(listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while connection.accept().await.is_some() {}
            });
        }
    });
    address
}

/// An address that nobody listens at.
async fn closed() -> Address {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().into()
}

fn channel(balancer: Balancer) -> Arc<Channel> {
    let place = Place::Host(Target { host: "several.invalid".to_owned(), port: 1 });
    let route = Route::default();
    let settings = ConnectionSettings { route, read_buffer: 1024, write_buffer: 1024, keepalive: None };
    let channel = Channel::new(place, balancer, settings);
    channel.readiness.send_replace(Readiness::Connecting);
    Arc::new(channel)
}

/// The peers that so many calls would go to.
async fn peers(channel: &Channel, calls: usize) -> BTreeSet<Address> {
    let mut peers = BTreeSet::new();
    for _ in 0..calls {
        peers.insert(channel.pick(true).await.unwrap().peer.clone());
    }
    peers
}

async fn until_peers(channel: &Channel, expected: &[Address]) {
    let expected: BTreeSet<Address> = expected.iter().cloned().collect();
    let deadline = Instant::now() + Duration::from_secs(20);
    while peers(channel, 20).await != expected {
        assert!(Instant::now() < deadline, "calls do not go to {expected:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn calls_go_to_all_addresses_in_turn_and_follow_the_name() {
    let (a, b, c) = (server().await, server().await, server().await);
    let channel = channel(Balancer::RoundRobin);
    let mut lanes = Lanes::default();
    lanes.follow(&channel, &channel.groups(vec![a.clone(), b.clone()]));
    until_peers(&channel, &[a, b.clone()]).await;
    lanes.follow(&channel, &channel.groups(vec![b.clone(), c.clone()]));
    until_peers(&channel, &[b, c]).await;
}

#[tokio::test]
async fn the_first_address_that_answers_is_picked() {
    let closed = closed().await;
    let (a, b) = (server().await, server().await);
    let channel = channel(Balancer::PickFirst);
    let mut lanes = Lanes::default();
    lanes.follow(&channel, &channel.groups(vec![closed, a.clone(), b]));
    until_peers(&channel, &[a]).await;
}

#[tokio::test]
async fn an_address_that_does_not_answer_gets_no_call() {
    let closed = closed().await;
    let a = server().await;
    let channel = channel(Balancer::RoundRobin);
    let mut lanes = Lanes::default();
    lanes.follow(&channel, &channel.groups(vec![closed, a.clone()]));
    until_peers(&channel, &[a]).await;
}

#[tokio::test]
async fn without_any_connection_a_call_fails_unless_it_may_wait() {
    let closed = closed().await;
    let channel = channel(Balancer::RoundRobin);
    let mut lanes = Lanes::default();
    lanes.follow(&channel, &channel.groups(vec![closed]));
    assert!(matches!(channel.pick(false).await, Err(Unconnected::Failed(_))));
    let waited = timeout(Duration::from_millis(100), channel.pick(true)).await;
    assert!(waited.is_err(), "it waits for a connection");
}
