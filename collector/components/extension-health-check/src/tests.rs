use std::time::Duration;

use bytes::Bytes;
use etalon_component::{BuildInfo, Component as _, Host, Phase, Settings, Status};
use etalon_net::server::Site as _;
use etalon_telemetry::Telemetry;
use http::Response;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::config::Own;
use crate::extension::HealthCheck;
use crate::pages::Pages;
use crate::watch::Latest;
use crate::{Config, TYPE};

fn ask(pages: &Pages, path: &str) -> Response<Bytes> {
    let (head, ()) = http::Request::get(path).body(()).unwrap().into_parts();
    pages.page(&head)
}

#[tokio::test]
async fn it_is_ready_in_one_phase_only() {
    let pages = Pages { own: Own::default(), status: Status::default(), latest: Latest::new() };
    let told = |phase: Phase| {
        pages.status.enter(phase);
        let (up, ready) = (ask(&pages, "/"), ask(&pages, "/readyz?verbose"));
        let body: serde_json::Value = serde_json::from_slice(ready.body()).unwrap();
        assert_eq!(ready.headers()["cache-control"], "no-store");
        assert_eq!(body["status"], phase.as_str());
        (up.status().as_u16(), ready.status().as_u16())
    };
    assert_eq!(told(Phase::Starting), (503, 503));
    assert_eq!(told(Phase::Ready), (200, 200));
    assert_eq!(told(Phase::LameDuck), (503, 503));
    assert_eq!(told(Phase::Stopping), (503, 503));
}

#[tokio::test(start_paused = true)]
async fn it_is_not_alive_when_nobody_has_looked_at_the_metrics_for_too_long() {
    let pages = Pages { own: Own::default(), status: Status::default(), latest: Latest::new() };
    assert_eq!(ask(&pages, "/livez").status(), 200);
    tokio::time::advance(Duration::from_secs(31)).await;
    let stuck = ask(&pages, "/livez");
    assert_eq!(stuck.status(), 503);
    assert!(String::from_utf8_lossy(stuck.body()).contains("for 31 s"));
}

#[tokio::test]
async fn a_port_in_use_keeps_it_from_starting_and_a_shutdown_frees_it() {
    let create = |endpoint: String| {
        let mut config = Config::default();
        config.server.endpoint = endpoint;
        let settings = Settings {
            id: TYPE.parse().unwrap(),
            pipeline: None,
            build: BuildInfo { command: "test", description: "Test", version: "0" },
            telemetry: Telemetry::new(&[]),
            span: tracing::Span::none(),
        };
        HealthCheck::new(settings, &config)
    };
    let host = Host::new(mpsc::channel(1).0);
    let first = create("127.0.0.1:0".to_owned());
    first.start(&host).await.unwrap();
    let address = host.listening()[0].address.to_string();
    let other = Host::new(mpsc::channel(1).0);
    let error = create(address.clone()).start(&other).await.unwrap_err();
    assert!(error.to_string().contains("cannot listen on"), "{error}");
    first.shutdown(Instant::now() + Duration::from_secs(5)).await.unwrap();
    create(address).start(&other).await.unwrap();
}
