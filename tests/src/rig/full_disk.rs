//! A file system that is really full.

use std::collections::BTreeSet;

use super::load::body;
use super::{ITEMS, Summary, Tally, drained, is_acknowledged, on_disk};
use crate::{Etalon, Sink, Verdict, post};

/// Of the file system: it has room for a few segments, and not for what the configuration allows.
const BYTES: u64 = 16 << 20;
/// Of a request.
const LARGE: usize = 900_000;

/// Fills a small file system, and sends on; then the destination comes back. So many times.
///
/// # Errors
/// Why no file system can be mounted here.
pub fn full_disk(cycles: u32) -> Result<Summary, String> {
    let mut summary = Summary::new("full disk");
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::counting();
    let configuration = on_disk(folder.path(), &sink, "");
    let storage = format!("directory: {}", folder.path().display());
    let configuration = configuration.replace(&storage, &format!("{storage}, max_size: {}", 4 * BYTES));
    let etalon = Etalon::start_with_tmpfs(folder.path(), BYTES, &configuration)?;
    let (mut acknowledged, name) = (BTreeSet::new(), "x".repeat(LARGE));
    let mut request = 0;
    for _ in 0..cycles {
        sink.answer(Verdict::Status(503));
        let mut kept = 0;
        let refused = loop {
            request += 1;
            let answer = post(etalon.http(), "/v1/logs", "application/json", &body(request, &name));
            if answer.status != 200 {
                break answer;
            }
            acknowledged.insert(request);
            kept += 1;
            assert!(kept < 100, "the file system has an end");
        };
        summary.count("times that it was full", 1);
        summary.measure("requests that had room", kept);
        summary.promise(refused.status == 503 && refused.header("retry-after").is_some(), || {
            format!("refused with {} {}", refused.status, refused.text())
        });
        let told = refused.text();
        summary.promise(told.contains("No space left on device"), || {
            format!("what is wrong is not said: {told}")
        });
        sink.answer(Verdict::Accept);
        drained(&etalon);
        request += 1;
        let is_taken = is_acknowledged(etalon.http(), request);
        summary.promise(is_taken, || "there is room again, and nothing is taken".to_owned());
        acknowledged.insert(request);
    }
    drained(&etalon);
    let tally = Tally { acknowledged, ..Tally::default() };
    let lost = tally.lost(&sink);
    summary.count("acknowledged items", tally.acknowledged.len() * ITEMS as usize);
    summary.count("lost items", lost.len());
    summary.promise(lost.is_empty(), || format!("acknowledged and lost: {lost:?}"));
    etalon.stop();
    Ok(summary)
}
