//! Requests that the destination finds too large.

use etalon_component::Code;
use etalon_pdata::proto::collector::trace::v1::ExportTraceServiceRequest;
use etalon_pdata::proto::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use super::*;
use crate::{BISECT_REQUESTS_MAX, PART_BYTES_MIN, REQUEST_BYTES_MAX};

/// Takes no request of more than so many bytes. Some names of spans make it answer otherwise, once.
#[derive(Default)]
struct Limited {
    limit: usize,
    odd: Mutex<Vec<(&'static str, Outcome)>>,
    /// It objects to spans of these names, always.
    invalid: Vec<String>,
    taken: Mutex<Vec<String>>,
    requests: Mutex<Vec<usize>>,
}

struct Limiting(Arc<Limited>);

impl Consumer for Limiting {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let body = batch.payload.contiguous();
            assert_eq!(batch.payload.len(), body.len());
            self.0.requests.lock().unwrap().push(body.len());
            let names = names(&body);
            assert_eq!(names.len(), batch.items());
            if body.len() > self.0.limit {
                return Outcome::permanent(Code::ResourceExhausted, "too large");
            }
            if names.iter().any(|name| self.0.invalid.contains(name)) {
                return Outcome::permanent(Code::InvalidArgument, "invalid");
            }
            let mut odd = self.0.odd.lock().unwrap();
            if let Some(at) = odd.iter().position(|(name, _)| names.iter().any(|other| other == name)) {
                return odd.remove(at).1;
            }
            self.0.taken.lock().unwrap().extend(names);
            Outcome::DELIVERED
        })
    }
}

impl Component for Limiting {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}

struct Done {
    outcome: Outcome,
    destination: Arc<Limited>,
    sent: u64,
    failed: u64,
}

/// Sends one request of spans with these names and sizes.
async fn send(limit: usize, odd: Vec<(&'static str, Outcome)>, spans: Vec<(String, usize)>) -> Done {
    send_as(&direct(), Limited { limit, odd: Mutex::new(odd), ..Limited::default() }, spans).await
}

/// Sends them to a destination that objects to some, with a queue that looks for these.
async fn send_invalid(invalid: &[String], spans: Vec<(String, usize)>) -> Done {
    let queue = QueueConfig { bisect_rejected: true, wait_for_result: true, ..QueueConfig::default() };
    let destination = Limited { limit: usize::MAX, invalid: invalid.to_vec(), ..Limited::default() };
    send_as(&queued(queue), destination, spans).await
}

async fn send_as(config: &DeliveryConfig, destination: Limited, spans: Vec<(String, usize)>) -> Done {
    let telemetry = Telemetry::new(&[]);
    let settings = Settings {
        id: "test".parse().expect("an id"),
        pipeline: None,
        build: BuildInfo { command: "test", description: "Test", version: "0" },
        telemetry: telemetry.clone(),
        span: tracing::Span::none(),
    };
    let destination = Arc::new(destination);
    let stage = Stage::new(Limiting(destination.clone()));
    let delivery = Delivery::new(&settings, TRACES, config, stage, OF);
    delivery.start(&Host::new(mpsc::channel(1).0)).await.expect("nothing can fail here");
    let outcome = delivery.consume(request(spans)).await;
    let text = telemetry.prometheus_text();
    let count = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).expect("the series exists");
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let (sent, failed) = (count("otelcol_exporter_sent_spans"), count("otelcol_exporter_send_failed_spans"));
    Done { outcome, destination, sent, failed }
}

pub(super) fn request(spans: Vec<(String, usize)>) -> Batch {
    let count = spans.len();
    let span = |(name, size)| Span { name, trace_state: "x".repeat(size), ..Span::default() };
    let spans = spans.into_iter().map(span).collect();
    let scope = ScopeSpans { spans, ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    let request = ExportTraceServiceRequest { resource_spans: vec![resource] };
    Batch::new(Payload::from_validated(TRACES, request.encode_to_vec().into(), count))
}

pub(super) fn names(body: &[u8]) -> Vec<String> {
    let request = ExportTraceServiceRequest::decode(body).expect("a request");
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).map(|span| span.name).collect()
}

fn named(count: usize, size: usize) -> Vec<(String, usize)> {
    (0..count).map(|number| (format!("span {number}"), size)).collect()
}

fn all_names(count: usize) -> Vec<String> {
    named(count, 0).into_iter().map(|(name, _)| name).collect()
}

#[tokio::test(start_paused = true)]
async fn a_request_is_halved_until_the_destination_takes_it_and_each_item_arrives_once() {
    let done = send(100_000, vec![], named(1000, 1000)).await;
    assert!(matches!(done.outcome, Outcome::Delivered(Delivered { rejected: 0, .. })), "{:?}", done.outcome);
    assert_eq!(*done.destination.taken.lock().unwrap(), all_names(1000));
    assert_eq!((done.sent, done.failed), (1000, 0));
    let requests = done.destination.requests.lock().unwrap();
    let refused = requests.iter().filter(|size| **size > 100_000).count();
    assert_eq!(refused, 4, "each size is tried once: {requests:?}");
}

#[tokio::test(start_paused = true)]
async fn a_single_item_that_is_too_large_is_lost_and_the_others_arrive() {
    let mut spans = named(100, 1000);
    spans[40].1 = 200_000;
    let done = send(100_000, vec![], spans).await;
    let Outcome::Delivered(delivered) = &done.outcome else { panic!("{:?}", done.outcome) };
    assert_eq!(delivered.rejected, 1);
    assert!(delivered.message.as_deref().is_some_and(|message| message.contains("too large")));
    let expected: Vec<String> = all_names(100).into_iter().filter(|name| name != "span 40").collect();
    assert_eq!(*done.destination.taken.lock().unwrap(), expected);
    assert_eq!((done.sent, done.failed), (99, 1));
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_refused_is_tried_again_without_the_others() {
    let odd = vec![("span 3", Outcome::refused("later")), ("span 900", Outcome::unknown("lost"))];
    let done = send(300_000, odd, named(1000, 1000)).await;
    assert!(done.outcome.is_delivered(), "{:?}", done.outcome);
    assert_eq!(*done.destination.taken.lock().unwrap(), all_names(1000));
    assert_eq!((done.sent, done.failed), (1000, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_is_told_as_rejected_when_the_rest_arrives() {
    let odd = vec![
        ("span 900", Outcome::permanent(Code::InvalidArgument, "odd")),
        ("span 3", Outcome::Delivered(Delivered { rejected: 2, message: Some("two".into()) })),
    ];
    let done = send(600_000, odd, named(1000, 1000)).await;
    let Outcome::Delivered(delivered) = &done.outcome else { panic!("{:?}", done.outcome) };
    let lost = done.failed - 2;
    assert!((400..600).contains(&lost), "half of it: {lost}");
    assert_eq!((delivered.rejected, delivered.message.as_deref()), (done.failed, Some("two")));
    assert_eq!(done.sent + done.failed, 1000);
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_refuses_any_size_is_not_asked_for_each_item() {
    let done = send(0, vec![], named(1000, 1000)).await;
    assert!(matches!(done.outcome, Outcome::Permanent(_)), "{:?}", done.outcome);
    assert_eq!((done.sent, done.failed), (0, 1000));
    let requests = done.destination.requests.lock().unwrap();
    assert!(requests.len() <= 8 && *requests.last().unwrap() <= PART_BYTES_MIN, "{requests:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_that_is_larger_than_a_request_may_be() {
    let mut spans = named(3, 1000);
    spans[1].1 = REQUEST_BYTES_MAX;
    let done = send(usize::MAX, vec![], spans).await;
    let Outcome::Delivered(delivered) = &done.outcome else { panic!("{:?}", done.outcome) };
    assert_eq!(delivered.rejected, 1);
    assert_eq!(*done.destination.taken.lock().unwrap(), ["span 0", "span 2"]);
    assert_eq!((done.sent, done.failed), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn an_item_that_the_destination_objects_to_costs_no_other_where_halves_are_sent() {
    let invalid = ["span 3".to_owned(), "span 700".to_owned()];
    let done = send_invalid(&invalid, named(1000, 10)).await;
    let Outcome::Delivered(delivered) = &done.outcome else { panic!("{:?}", done.outcome) };
    assert_eq!(delivered.rejected, 2);
    let expected: Vec<String> = all_names(1000).into_iter().filter(|name| !invalid.contains(name)).collect();
    assert_eq!(*done.destination.taken.lock().unwrap(), expected);
    assert_eq!((done.sent, done.failed), (998, 2));
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_objects_to_all_is_not_sent_each_item() {
    let done = send_invalid(&all_names(10_000), named(10_000, 1)).await;
    assert!(matches!(done.outcome, Outcome::Permanent(_)), "{:?}", done.outcome);
    assert_eq!((done.sent, done.failed), (0, 10_000));
    let requests = done.destination.requests.lock().unwrap().len();
    assert!(requests <= BISECT_REQUESTS_MAX + 1, "{requests}");
}

#[tokio::test(start_paused = true)]
async fn halves_are_sent_only_if_that_is_wanted() {
    let destination = Limited { limit: usize::MAX, invalid: vec!["span 3".into()], ..Limited::default() };
    let done = send_as(&direct(), destination, named(10, 1)).await;
    assert!(matches!(done.outcome, Outcome::Permanent(_)), "{:?}", done.outcome);
    assert_eq!((done.sent, done.failed, done.destination.requests.lock().unwrap().len()), (0, 10, 1));
}
