//! Memory is reserved out of what stands in front of the pipelines, and handed on.

use etalon_component::{MemoryBudget, MemoryLimits};
use etalon_net::compression::{Compression, compress};
use etalon_testkit::corpus;

use super::*;

const JSON: &[u8] = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a span with a long name"}]}]}]}"#;

fn limited(limit: usize) -> (Arc<Pipeline>, MemoryBudget) {
    let budget = MemoryBudget::new(MemoryLimits { hard: limit, soft: limit }, |_| {});
    let pipeline = Pipeline::delivering();
    pipeline.budgets.lock().unwrap().push(budget.clone());
    (pipeline, budget)
}

#[tokio::test]
async fn a_batch_holds_what_its_request_takes_in_each_form_until_it_is_dropped() {
    let (pipeline, budget) = limited(1 << 20);
    let running = start(&pipeline).await;
    let request = corpus::requests(TRACES, 100, 1, 3).remove(0);
    let gzip = compress(Compression::Gzip, std::slice::from_ref(&request));
    for (content_type, body) in [
        ("application/x-protobuf", request),
        ("application/x-protobuf\r\nContent-Encoding: gzip", gzip),
        ("application/json", JSON.into()),
    ] {
        let (status, ..) = post(running.address("http"), TRACES.http_path, content_type, &body).await;
        assert_eq!(status, 200, "{content_type}");
        let batch = pipeline.taken().remove(0);
        assert!(batch.context.memory.is_of(&budget));
        let (held, reserved) = (batch.payload.held_bytes(), budget.reserved());
        assert!(
            reserved >= held && reserved <= held + held / 2,
            "{content_type}: {reserved} for {held} bytes"
        );
        drop(batch);
        assert_eq!(budget.reserved(), 0, "{content_type}");
    }
}

#[tokio::test]
async fn what_json_takes_as_protobuf_is_reserved_too() {
    // What is decoded stands beside it.
    let (pipeline, budget) = limited(2 * JSON.len() - 1);
    let running = start(&pipeline).await;
    let (status, ..) = post(running.address("http"), TRACES.http_path, "application/json", JSON).await;
    assert_eq!(status, 413);
    assert_eq!((pipeline.taken().len(), budget.reserved()), (0, 0));
}
