//! What was acknowledged with a queue on disk arrives, whatever happens to the process. The oracle counts items by their
//! numbers, outside of the process.

mod kill;
mod limits;
mod reload;
mod stop;

use std::path::Path;

use etalon_tests::{Etalon, Sink, logs, try_post};

/// One pipeline with a queue on disk in `folder`, in front of `sink`.
fn configuration(folder: &Path, sink: &Sink, queue: &str) -> String {
    format!(
        "
extensions:
  file_storage: {{directory: {}}}
receivers:
  otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:0}}}}}}
exporters:
  otlp_http:
    endpoint: {}
    compression: none
    retry_on_failure: {{initial_interval: 20ms, max_interval: 20ms, max_elapsed_time: 0}}
    sending_queue: {{enabled: true, storage: file_storage, queue_size: 100000, {queue}}}
service:
  extensions: [file_storage]
  pipelines:
    logs: {{receivers: [otlp], exporters: [otlp_http]}}
",
        folder.display(),
        sink.endpoint()
    )
}

/// Items of a request.
const ITEMS: u32 = 5;

/// Sends the request of this number; whether it was acknowledged.
fn send(to: &Etalon, request: u32) -> bool {
    is_acknowledged(to.http(), request)
}

fn is_acknowledged(to: std::net::SocketAddr, request: u32) -> bool {
    let body = logs(request * ITEMS..(request + 1) * ITEMS);
    try_post(to, "/v1/logs", "application/json", &body).is_ok_and(|answer| answer.status == 200)
}

/// The items of these requests are all there.
fn assert_all_arrived(sink: &Sink, requests: impl IntoIterator<Item = u32>) {
    let items = sink.items();
    for request in requests {
        for item in request * ITEMS..(request + 1) * ITEMS {
            assert!(
                items.contains_key(&item),
                "item {item} of request {request} was acknowledged and is lost"
            );
        }
    }
}
