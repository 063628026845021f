//! The page of how errors travel, of the one table that the program itself goes by: `etalon_net::status`.

use std::time::Duration;

use etalon_component::{Code, Failure, Outcome};
use etalon_net::status::{GrpcFailure, Status, outcome_of_http};

use super::Generated;
use super::markdown::STAMP;

const HEAD: &str = "\
A destination answers, the collector makes an [outcome](bytes-and-outcomes.md#an-outcome-comes-back) of the answer, and where
senders wait for it, they are answered with what that outcome means. What is retryable stays retryable on all of this way,
and what is permanent stays permanent, whatever the protocols on both sides are. These tables are made of the code that
does it.

Where senders do not wait, as with a queue in memory or on disk, they are told OK before. A refused or unknown outcome is
then tried again by the collector, and a permanent one is dropped and counted:
[what each failure costs](failures.md).

";

/// Statuses of HTTP that the page shows. All others are as 500.
const STATUSES: [u16; 15] = [400, 401, 403, 404, 405, 408, 409, 413, 415, 429, 500, 501, 502, 503, 504];
/// What a destination asks for in the examples.
const HINT: Duration = Duration::from_secs(7);
/// Its `google.rpc.RetryInfo`: a field 1 with a duration, whose field 1 is 7.
const RETRY_INFO: &[u8] = &[0x0a, 0x02, 0x08, 0x07];

pub(super) fn generate() -> Vec<Generated> {
    vec![Generated { path: "book/src/how/error-propagation.md".to_owned(), content: page() }]
}

fn page() -> String {
    let mut page = format!("# Errors on their way\n\n{STAMP}\n\n{HEAD}");
    page.push_str("## A destination over gRPC\n\n");
    head("it answers", &mut page);
    for code in codes() {
        let outcome = |retry_info: Option<&[u8]>| {
            GrpcFailure { code: code.number(), retry_info, ..GrpcFailure::default() }.to_outcome()
        };
        row(code.name(), &outcome(None), &mut page);
        let hinted = outcome(Some(RETRY_INFO));
        // To what is given up, it changes nothing.
        if hinted.is_retryable() {
            row(&format!("{}, with RetryInfo of 7 s", code.name()), &hinted, &mut page);
        }
    }
    page.push_str("\n## A destination over HTTP\n\n");
    head("it answers", &mut page);
    for status in STATUSES {
        let hints: &[Option<Duration>] =
            if matches!(status, 429 | 503) { &[None, Some(HINT)] } else { &[None] };
        for hint in hints {
            let with = if hint.is_some() { ", with Retry-After of 7 s" } else { "" };
            row(&format!("{status}{with}"), &outcome_of_http(status, "", *hint), &mut page);
        }
    }
    page.push_str("\nAny other status from 300 on is as 500.\n\n## What the collector itself says\n\n");
    head("what happened", &mut page);
    for (what, outcome) in own() {
        row(what, &outcome, &mut page);
    }
    page.push_str(
        "\nA delay is told in `grpc-status-details-bin` and `google.rpc.retryinfo-bin`, as `google.rpc.RetryInfo`, in \
         `grpc-retry-pushback-ms`, and over HTTP in `Retry-After` and the body. One of the collector's own is drawn at random for \
         each answer, so that senders do not come back together.\n",
    );
    page
}

/// Outcomes that are not an answer of a destination.
fn own() -> [(&'static str, Outcome); 5] {
    [
        ("the queue is full, the disk has no room, or the exporter is shut down", Outcome::refused("")),
        ("the destination cannot be reached", Outcome::refused("")),
        ("the connection broke before the answer", Outcome::unknown("")),
        ("no answer came within the timeout", Outcome::Unknown(Failure::new(Code::DeadlineExceeded, ""))),
        ("the answer cannot be read", Outcome::permanent(Code::Internal, "")),
    ]
}

fn head(first: &str, page: &mut String) {
    page.push_str(&format!(
        "| {first} | outcome | the sender is told over gRPC | over HTTP | after | it should |\n|---|---|---|---|---|---|\n"
    ));
}

fn row(first: &str, outcome: &Outcome, page: &mut String) {
    let (early, late) = (Status::of_outcome(outcome, 0.0), Status::of_outcome(outcome, 1.0));
    let (Some(early), Some(late)) = (early, late) else { return };
    let after = match (early.retry_after, late.retry_after) {
        (Some(early), Some(late)) if early == late => format!("{} s", early.as_secs_f64()),
        (Some(early), Some(late)) => format!("{} to {} s", early.as_secs_f64(), late.as_secs_f64()),
        _ => "–".to_owned(),
    };
    let (name, should) = match outcome {
        Outcome::Delivered(_) => ("delivered", "forget it"),
        Outcome::Refused(_) => ("refused", "send again"),
        Outcome::Permanent(_) => ("permanent", "give it up"),
        Outcome::Unknown(_) => ("unknown", "send again; it may arrive twice"),
    };
    let (code, http) = (early.code.name(), early.http);
    page.push_str(&format!("| {first} | {name} | {code} | {http} | {after} | {should} |\n"));
}

fn codes() -> impl Iterator<Item = Code> {
    (1..=16).filter_map(Code::from_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_of_the_examples_is_what_the_page_says() {
        let failure = GrpcFailure { code: 14, retry_info: Some(RETRY_INFO), ..GrpcFailure::default() };
        assert_eq!(failure.to_outcome().failure().and_then(Failure::delay), Some(HINT));
    }

    #[test]
    fn every_code_and_status_has_a_row() {
        let page = page();
        for code in codes() {
            assert!(page.contains(&format!("| {} |", code.name())), "{code:?}");
        }
        for status in STATUSES {
            assert!(page.contains(&format!("\n| {status} |")), "{status}");
        }
    }
}
