//! Hostile clients of the OTLP receiver.
//!
//! The rows are numbered: N is about connections and HTTP/1, X about HTTP/2, G about gRPC, D about compression, P about
//! protobuf and J about JSON.

mod bodies;
mod grpc;
mod http1;
mod http2;
mod special;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use etalon_tests::{Etalon, logs, post};

/// Largest request that the servers of these tests take, in bytes.
const MAX: usize = 4 * 1024 * 1024;
/// What a process may take on top of a row's bound, in KiB: threads that wake up, and pages that the allocator keeps.
const SLACK_KIB: u64 = 4 * 1024;

/// Rows whose bound needs what does not exist yet, and why. Those of other victims are in other modules.
const LATER: [(&str, &str); 5] = [
    ("D3", "needs one budget of bytes for all connections"),
    ("N14", "needs TLS: see the module for it"),
    ("N15", "needs TLS: see the module for it"),
    ("P14", "the signal profiles does not exist yet"),
    ("N18", "there is no key for the PROXY protocol: it is never on, and its header is covered by N10"),
];

/// A server under attack.
struct Target(Etalon);

impl Target {
    /// With more keys of gRPC and HTTP, in flow style.
    fn with(grpc: &str, http: &str) -> Self {
        let pipelines = ["traces", "metrics", "logs"]
            .map(|signal| format!("    {signal}: {{receivers: [otlp], exporters: [nop]}}\n"))
            .concat();
        Self(Etalon::start(&format!(
            "receivers:
  otlp:
    protocols:
      grpc: {{endpoint: 127.0.0.1:0, max_recv_msg_size_mib: 4, {grpc}}}
      http: {{endpoint: 127.0.0.1:0, max_request_body_size: {MAX}, {http}}}
exporters:
  nop:
service:
  pipelines:
{pipelines}"
        )))
    }

    fn start() -> Self {
        Self::with("", "")
    }

    /// Runs a row: it must not take more memory than its bound, and must leave a server that serves.
    fn survives(&self, id: &str, case: &str, bound_kib: u64, row: impl FnOnce()) {
        self.0.reset_peak_memory();
        let before = self.0.memory_kib();
        row();
        let taken = self.0.peak_memory_kib().saturating_sub(before);
        assert!(taken <= bound_kib + SLACK_KIB, "{id} {case}: took {taken} KiB, bound {bound_kib} KiB");
        let answer = post(self.0.http(), "/v1/logs", "application/json", &logs(0..1));
        assert_eq!(answer.status, 200, "after {id} {case}: {answer:?}");
    }
}

/// Runs all rows, and then says which have failed.
fn each<Row>(rows: &[Row], run: impl Fn(&Row)) {
    let failed = rows.iter().filter(|row| catch_unwind(AssertUnwindSafe(|| run(row))).is_err()).count();
    assert_eq!(failed, 0, "of {} rows have failed: see above", rows.len());
}

/// The numbers of all rows about listeners.
fn all_rows() -> BTreeSet<String> {
    let counts = [('N', 18), ('X', 13), ('G', 6), ('D', 7), ('P', 14), ('J', 10)];
    counts
        .into_iter()
        .flat_map(|(letter, count)| (1..=count).map(move |row| format!("{letter}{row}")))
        .collect()
}

#[test]
fn every_row_is_tested_or_says_why_not() {
    let tables = [http1::rows(), http2::rows(), grpc::rows(), bodies::rows(), special::ROWS.to_vec()];
    let tested: BTreeSet<String> = tables.concat().into_iter().map(String::from).collect();
    let later: BTreeSet<String> = LATER.iter().map(|(id, _)| (*id).to_owned()).collect();
    assert!(tested.is_disjoint(&later), "no longer to be done: {:?}", tested.intersection(&later));
    assert_eq!(tested.union(&later).cloned().collect::<BTreeSet<_>>(), all_rows());
}
