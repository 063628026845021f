//! Memory is reserved before a request is read.

use std::collections::BTreeMap;

use etalon_component::{BoxError, Component, Extension, MemoryBudget, MemoryLimits};
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;

use super::grpc::{call, channel};
use super::http::{Answer, post};
use super::*;
use crate::auth::ServerMiddlewareConfig;
use crate::compression::{Compression, compress};
use crate::status::RETRY_DELAY_MAX;

const PROTOBUF: &str = "Content-Type: application/x-protobuf\r\n";
const LIMIT: usize = 100_000;

struct Nothing;

impl Component for Nothing {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}

fn budget(hard: usize, soft: usize) -> MemoryBudget {
    MemoryBudget::new(MemoryLimits { hard, soft }, |_| {})
}

/// A host with an extension that offers the budget, and one that offers nothing.
fn host_with(budget: &MemoryBudget) -> Host {
    let nothing = Arc::new(Nothing);
    let limiter = Extension::new(nothing.clone()).with_memory_budget(budget.clone());
    host().with_extensions(BTreeMap::from([
        ("limiter".parse().unwrap(), limiter),
        ("other".parse().unwrap(), Extension::new(nothing)),
    ]))
}

fn middlewares(id: &str) -> Vec<ServerMiddlewareConfig> {
    vec![ServerMiddlewareConfig { id: Some(id.parse().unwrap()) }]
}

async fn limited_grpc(recorder: &Arc<Recorder>, budget: &MemoryBudget) -> Server {
    let config = GrpcServerConfig {
        endpoint: "127.0.0.1:0".to_owned(),
        middlewares: middlewares("limiter"),
        ..GrpcServerConfig::default()
    };
    config.serve(recorder.routes(), &host_with(budget)).await.unwrap()
}

async fn limited_http(recorder: &Arc<Recorder>, budget: &MemoryBudget) -> Server {
    let config = HttpServerConfig {
        endpoint: "127.0.0.1:0".to_owned(),
        middlewares: middlewares("limiter"),
        ..HttpServerConfig::default()
    };
    config.serve(recorder.routes(), &host_with(budget)).await.unwrap()
}

/// Waits until nothing is reserved.
async fn empty(budget: &MemoryBudget) {
    while budget.reserved() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_grpc_message_holds_its_bytes_until_it_is_answered() {
    let (recorder, budget) = (Recorder::new(Behaviour::Wait), budget(LIMIT, LIMIT));
    let server = limited_grpc(&recorder, &budget).await;
    let channel = channel(&server).await;
    let message = Bytes::from(vec![7; LIMIT / 2]);
    let first = tokio::spawn({
        let (channel, message) = (channel.clone(), message.clone());
        async move { call(&channel, &[], None, &message).await }
    });
    recorder.begun(1).await;
    assert_eq!(budget.reserved(), message.len());
    let refused = call(&channel, &[], None, &Bytes::from(vec![7; LIMIT / 2 + 1])).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    let pushback = refused.metadata().get("grpc-retry-pushback-ms").unwrap().to_str().unwrap();
    assert!(pushback.parse::<u128>().unwrap() <= RETRY_DELAY_MAX.as_millis(), "{pushback}");
    assert!(refused.metadata().contains_key("google.rpc.retryinfo-bin"));
    recorder.go.add_permits(2);
    first.await.unwrap().unwrap();
    empty(&budget).await;
    call(&channel, &[], None, &message).await.unwrap();
    assert_eq!(recorder.taken().len(), 2, "the refused one has not been read");
    assert_eq!(recorder.ends(), [Some(RefusalReason::MemoryLimit), None, None]);
}

#[tokio::test]
async fn a_body_for_which_there_is_no_room_is_refused_before_it_is_sent() {
    let (recorder, budget) = (Recorder::accepting(), budget(LIMIT, LIMIT));
    let server = limited_http(&recorder, &budget).await;
    let _held = {
        let mut held = etalon_component::Reserved::of([budget.clone()].into_iter().collect(), None);
        held.resize(LIMIT - 10).unwrap();
        held
    };
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n{PROTOBUF}\r\n");
    let answer = Answer::of(&exchange(&server, head.as_bytes()).await);
    assert_eq!(answer.status(), 503, "{}", answer.head);
    assert!(answer.has("connection: close"), "{}", answer.head);
    let retry_after = answer.head.lines().find_map(|line| line.strip_prefix("retry-after: ")).unwrap();
    assert!((1..=5).contains(&retry_after.parse::<u32>().unwrap()), "{retry_after}");
    assert_eq!(post(&server, PROTOBUF, &[7; 10]).await.status(), 200);
    assert_eq!(recorder.ends(), [Some(RefusalReason::MemoryLimit), None]);
}

#[tokio::test]
async fn a_body_that_becomes_too_much_while_it_is_decompressed_is_refused() {
    let (recorder, budget) = (Recorder::accepting(), budget(2 * LIMIT, 2 * LIMIT));
    let (http, grpc) = (limited_http(&recorder, &budget).await, limited_grpc(&recorder, &budget).await);
    let mut held = etalon_component::Reserved::of([budget.clone()].into_iter().collect(), None);
    held.resize(LIMIT).unwrap();
    let message = Bytes::from(vec![7; LIMIT + 1]);
    for encoding in
        [Compression::Gzip, Compression::Zlib, Compression::Zstd, Compression::Snappy, Compression::Lz4]
    {
        let fields = format!("{PROTOBUF}Content-Encoding: {}\r\n", encoding.name());
        let body = compress(encoding, std::slice::from_ref(&message));
        assert_eq!(post(&http, &fields, &body).await.status(), 503, "{encoding}");
        assert_eq!(recorder.ends(), [Some(RefusalReason::MemoryLimit)], "{encoding}");
    }
    let channel = channel(&grpc).await;
    let gzip = Some(CompressionEncoding::Gzip);
    let refused = call(&channel, &[], gzip, &message).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    assert_eq!(budget.reserved(), LIMIT);
    held.resize(0).unwrap();
    call(&channel, &[], gzip, &message).await.unwrap();
    assert_eq!(recorder.taken(), [message]);
}

#[tokio::test]
async fn a_body_of_unknown_length_is_counted_as_it_comes() {
    let (recorder, budget) = (Recorder::accepting(), budget(LIMIT, LIMIT));
    let server = limited_http(&recorder, &budget).await;
    let mut held = etalon_component::Reserved::of([budget.clone()].into_iter().collect(), None);
    held.resize(LIMIT - 10).unwrap();
    let chunked = |body: &str| {
        let head =
            format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n");
        format!("{head}{PROTOBUF}\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
    };
    let refused = exchange(&server, chunked("eleven byte").as_bytes()).await;
    assert_eq!(Answer::of(&refused).status(), 503);
    let taken = exchange(&server, chunked("ten bytes.").as_bytes()).await;
    assert_eq!(Answer::of(&taken).status(), 200);
}

#[tokio::test]
async fn a_request_larger_than_the_whole_limit_is_refused_for_good() {
    let (recorder, budget) = (Recorder::accepting(), budget(LIMIT, LIMIT));
    let (http, grpc) = (limited_http(&recorder, &budget).await, limited_grpc(&recorder, &budget).await);
    let message = Bytes::from(vec![7; LIMIT + 1]);
    let answer = post(&http, PROTOBUF, &message).await;
    assert_eq!(answer.status(), 413);
    assert!(!answer.head.contains("retry-after"), "{}", answer.head);
    let refused = call(&channel(&grpc).await, &[], None, &message).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
    assert!(!refused.metadata().contains_key("google.rpc.retryinfo-bin"));
    assert_eq!(recorder.ends(), [Some(RefusalReason::TooLarge); 2]);
}

#[tokio::test]
async fn a_connection_that_floods_does_not_keep_others_out() {
    let (recorder, budget) = (Recorder::new(Behaviour::Wait), budget(LIMIT, LIMIT / 5 * 4));
    let server = limited_grpc(&recorder, &budget).await;
    let (flood, other) = (channel(&server).await, channel(&server).await);
    let message = Bytes::from(vec![7; LIMIT / 10]);
    let send = |channel: &Channel| {
        let (channel, message) = (channel.clone(), message.clone());
        tokio::spawn(async move { call(&channel, &[], None, &message).await })
    };
    let flooding: Vec<_> = (0..8).map(|_| send(&flood)).collect();
    recorder.begun(8).await;
    let refused = send(&flood).await.unwrap().unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    let let_in = [send(&other), send(&other)];
    recorder.begun(2).await;
    assert_eq!(budget.reserved(), LIMIT);
    recorder.go.add_permits(10);
    for answered in flooding.into_iter().chain(let_in) {
        answered.await.unwrap().unwrap();
    }
    empty(&budget).await;
}

#[tokio::test]
async fn a_middleware_that_is_not_there_or_is_none_keeps_the_server_from_starting() {
    let (recorder, budget) = (Recorder::accepting(), budget(LIMIT, LIMIT));
    for (id, expected) in [
        ("limiters", "failed to resolve middleware \"limiters\": middleware not found"),
        ("other", "requested extension is not a server middleware: \"other\""),
    ] {
        let grpc = GrpcServerConfig {
            endpoint: "127.0.0.1:0".to_owned(),
            middlewares: middlewares(id),
            ..GrpcServerConfig::default()
        };
        let error = grpc.serve(recorder.routes(), &host_with(&budget)).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn tenants_that_a_field_names_have_a_share_each_on_one_connection() {
    let by = etalon_component::FairBy { metadata_key: "x-tenant".to_owned(), most: 10 };
    let limits = MemoryLimits { hard: LIMIT, soft: LIMIT / 5 * 4 };
    let budget = MemoryBudget::fair_by(limits, Some(by), |_| {});
    let recorder = Recorder::new(Behaviour::Wait);
    let server = limited_grpc(&recorder, &budget).await;
    let gateway = channel(&server).await;
    let message = Bytes::from(vec![7; LIMIT / 10]);
    let send = |tenant: &'static str| {
        let (channel, message) = (gateway.clone(), message.clone());
        tokio::spawn(async move { call(&channel, &[("x-tenant", tenant)], None, &message).await })
    };
    let flooding: Vec<_> = (0..8).map(|_| send("flood")).collect();
    recorder.begun(8).await;
    assert_eq!(send("flood").await.unwrap().unwrap_err().code(), tonic::Code::Unavailable);
    let let_in = [send("one"), send("another")];
    recorder.begun(2).await;
    recorder.go.add_permits(10);
    for answered in flooding.into_iter().chain(let_in) {
        answered.await.unwrap().unwrap();
    }
    empty(&budget).await;
}
