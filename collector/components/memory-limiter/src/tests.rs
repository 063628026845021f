//! The limits, the budget that pipelines share, and the look at what the process takes.

mod configuration;
mod memory;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use etalon_component::{
    Batch, BoxFuture, Budgets, BuildInfo, Caller, Code, Consumer, FairBy, Host, MemoryLimits, NoRoom,
    Outcome, Reserved, Sender, Settings, Stage,
};
use etalon_conf::Node;
use etalon_pdata::{LOGS, Payload};
use etalon_telemetry::Telemetry;
use etalon_telemetry::attributes::LimiterKind;
use tokio::sync::mpsc;
use tokio::time::{Instant, advance};

use crate::limiter::{Limiter, OVERHEAD};
use crate::{Config, extension_factory, processor};

const MIB: usize = 1024 * 1024;

/// Keeps what it is given.
#[derive(Default)]
struct Keeper(Mutex<Vec<Batch>>);

impl Consumer for Keeper {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        self.0.lock().unwrap().push(batch);
        Box::pin(async { Outcome::DELIVERED })
    }
}

fn settings(telemetry: &Telemetry) -> Settings {
    Settings {
        id: "memory_limiter".parse().unwrap(),
        pipeline: None,
        build: BuildInfo { command: "test", description: "Test", version: "0" },
        telemetry: telemetry.clone(),
        span: tracing::Span::none(),
    }
}

fn host() -> Host {
    Host::new(mpsc::channel(1).0)
}

/// One MiB, of which the last fifth is the spike.
fn one_mib() -> Config {
    Config { check_interval: etalon_conf::Duration::from_secs(1), limit_mib: 1, ..Config::default() }
}

async fn in_service(config: &Config, telemetry: &Telemetry, host: &Host) -> (Stage, Arc<Keeper>) {
    let next = Arc::new(Keeper::default());
    let stage = processor::create(settings(telemetry), config, LOGS, next.clone()).unwrap();
    stage.component.start(host).await.unwrap();
    (stage, next)
}

fn batch(bytes: usize) -> Batch {
    Batch::new(Payload::from_validated(LOGS, Bytes::from(vec![0; bytes]), 1))
}

/// Reserves as a server does before it reads.
fn reserve(budgets: Budgets, bytes: usize) -> Result<Reserved, NoRoom> {
    let mut reserved = Reserved::of(budgets, Some(&Sender::default()));
    reserved.resize(bytes).map(|()| reserved)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

#[tokio::test]
async fn what_is_reserved_before_it_is_read_counts_once_and_until_nobody_holds_it() {
    let (stage, next) = in_service(&one_mib(), &Telemetry::new(&[]), &host()).await;
    let budgets = stage.consumer.budgets();
    let [budget] = &budgets[..] else { panic!("{budgets:?}") };
    let mut arrived = batch(MIB / 2);
    arrived.context.memory.add(reserve(budgets.clone(), MIB / 2).unwrap());
    assert!(stage.consumer.consume(arrived).await.is_delivered());
    assert_eq!(budget.reserved(), MIB / 2);
    next.0.lock().unwrap().clear();
    assert_eq!(budget.reserved(), 0);
}

#[tokio::test]
async fn what_comes_from_elsewhere_is_of_whom_its_metadata_names() {
    let config = Config { fair_by_metadata_key: "x-tenant".to_owned(), ..one_mib() };
    let (stage, _next) = in_service(&config, &Telemetry::new(&[]), &host()).await;
    let of = |tenant: &str| {
        let mut batch = batch(MIB / 10);
        let mut caller = Caller::default();
        caller.metadata.push("x-tenant", tenant.as_bytes());
        batch.context.caller = Some(Arc::new(caller));
        batch
    };
    for _ in 0..8 {
        assert!(stage.consumer.consume(of("flood")).await.is_delivered());
    }
    assert!(stage.consumer.consume(of("flood")).await.is_retryable());
    assert!(stage.consumer.consume(of("other")).await.is_delivered());
}

#[tokio::test]
async fn what_comes_from_elsewhere_is_reserved_when_it_comes_or_refused() {
    let telemetry = Telemetry::new(&[]);
    let (stage, next) = in_service(&one_mib(), &telemetry, &host()).await;
    assert!(stage.consumer.consume(batch(MIB / 2)).await.is_delivered());
    assert!(stage.consumer.consume(batch(MIB / 2)).await.is_delivered());
    assert!(stage.consumer.consume(batch(1)).await.is_retryable());
    let too_large = stage.consumer.consume(batch(MIB + 1)).await;
    assert!(matches!(too_large, Outcome::Permanent(failure) if failure.code() == Code::ResourceExhausted));
    next.0.lock().unwrap().clear();
    assert!(stage.consumer.consume(batch(MIB)).await.is_delivered());
    let text = telemetry.prometheus_text();
    let refused = |reason: &str| {
        let series = format!(
            "etalon_memory_limiter_refused_requests{{limiter=\"memory_limiter\",limiter_kind=\"processor\",memory_refusal_reason=\"{reason}\"}} 1\n"
        );
        assert!(text.contains(&series), "no {series} in {text}");
    };
    refused("full");
    refused("too_large");
}

#[tokio::test]
async fn pipelines_that_name_the_same_share_a_budget_as_long_as_its_limits_are_the_same() {
    let (telemetry, host) = (Telemetry::new(&[]), host());
    let (one, _) = in_service(&one_mib(), &telemetry, &host).await;
    let (other, _) = in_service(&one_mib(), &telemetry, &host).await;
    let larger = Config { limit_mib: 2, ..one_mib() };
    let (changed, _) = in_service(&larger, &telemetry, &host).await;
    assert_eq!(one.consumer.budgets(), other.consumer.budgets());
    assert_ne!(one.consumer.budgets(), changed.consumer.budgets());
    // Two limiters in a row count each for itself.
    let mut reserved = reserve([one.consumer.budgets(), changed.consumer.budgets()].concat().into(), MIB);
    assert_eq!(reserved.as_mut().map(|reserved| reserved.bytes()), Ok(MIB));
    assert_eq!(changed.consumer.budgets()[0].reserved(), MIB);
}

#[tokio::test]
async fn out_of_service_it_is_told_of_no_more() {
    let telemetry = Telemetry::new(&[]);
    let (stage, _) = in_service(&one_mib(), &telemetry, &host()).await;
    assert!(telemetry.prometheus_text().contains("etalon_memory_limiter_limit"));
    stage.component.shutdown(soon()).await.unwrap();
    stage.component.shutdown(soon()).await.unwrap();
    assert!(!telemetry.prometheus_text().contains("etalon_memory_limiter_limit{"));
}

#[tokio::test]
async fn servers_are_offered_the_budget_of_the_extension() {
    let factory = extension_factory();
    let config = factory.decode(&Node::parse("x", "{check_interval: 1s, limit_mib: 1}").unwrap()).unwrap();
    let extension = factory.create(settings(&Telemetry::new(&[])), &config).unwrap();
    let id = "memory_limiter".parse().unwrap();
    let host = host().with_extensions([(id, extension)].into());
    let budget = host.memory_budget(&"memory_limiter".parse().unwrap()).unwrap();
    assert_eq!(budget.limits().hard, MIB);
    let missing = host.memory_budget(&"memory_limiter/other".parse().unwrap()).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "failed to resolve middleware \"memory_limiter/other\": middleware not found"
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_process_takes_is_looked_at_each_check_interval_and_stops_what_comes() {
    static RESIDENT: AtomicU64 = AtomicU64::new(0);
    let config = Config { check_interval: etalon_conf::Duration::from_secs(10), ..one_mib() };
    let resident = || Some(RESIDENT.load(Ordering::Relaxed));
    let settings = settings(&Telemetry::new(&[]));
    let limiter = Limiter::with(&config, &settings, LimiterKind::Processor, u64::MAX, resident);
    limiter.start();
    // The first look is at once.
    tokio::task::yield_now().await;
    let budgets = || Budgets::from_buf([limiter.budget().clone()]);
    let held = reserve(budgets(), 1).unwrap();
    // The soft limit, and what else a process takes.
    let MemoryLimits { soft, .. } = limiter.budget().limits();
    RESIDENT.store(soft as u64 + OVERHEAD, Ordering::Relaxed);
    advance(Duration::from_secs(9)).await;
    tokio::task::yield_now().await;
    assert!(reserve(budgets(), 1).is_ok(), "nobody has looked yet");
    advance(Duration::from_secs(2)).await;
    tokio::task::yield_now().await;
    assert_eq!(reserve(budgets(), 1).unwrap_err(), NoRoom::Process);
    RESIDENT.store(soft as u64 + OVERHEAD - 1, Ordering::Relaxed);
    advance(Duration::from_secs(10)).await;
    tokio::task::yield_now().await;
    assert!(reserve(budgets(), 1).is_ok());
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn no_process_may_take_more_than_there_is() {
    let settings = settings(&Telemetry::new(&[]));
    let total = 2 * MIB as u64;
    let limiter =
        Limiter::with(&one_mib(), &settings, LimiterKind::Processor, total, || Some(2 * MIB as u64));
    limiter.start();
    let budgets = || Budgets::from_buf([limiter.budget().clone()]);
    let _held = reserve(budgets(), 1).unwrap();
    tokio::task::yield_now().await;
    assert_eq!(reserve(budgets(), 1).unwrap_err(), NoRoom::Process);
}
