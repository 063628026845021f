//! Queues on disk that no exporter uses any more.

use std::fs;

use etalon_tests::{Etalon, Sink, Verdict, eventually, run, run_in};

use etalon_tests::rig::{ITEMS, on_disk, send};

use crate::assert_all_arrived;

const ORPHANED: &str = "etalon_storage_orphaned_items";

#[test]
fn what_an_exporter_leaves_on_disk_is_reported_and_kept_and_sent_when_it_is_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::start();
    sink.answer(Verdict::Status(503));
    let written = on_disk(folder.path(), &sink, "");
    let renamed = written.replace("otlp_http", "otlp_http/renamed");
    let etalon = Etalon::start(&written);
    for request in 0..4 {
        assert!(send(&etalon, request));
    }
    assert_eq!(etalon.scrape().sum(ORPHANED, &[("storage", "file_storage")]), Some(0.0));
    etalon.stop();

    let etalon = Etalon::start(&renamed);
    let line = etalon.wait_for("an orphan", |line| line["event.name"] == "queue.orphaned");
    let queue = folder.path().join("exporter_otlp_http__logs");
    assert_eq!(line["folder"].as_str(), Some(&*queue.to_string_lossy()));
    assert_eq!((line["requests"].as_u64(), line["items"].as_u64()), (Some(4), Some(u64::from(4 * ITEMS))));
    assert_eq!(line["storage"].as_str(), Some("file_storage"));
    assert_eq!(etalon.scrape().count(ORPHANED), u64::from(4 * ITEMS));
    etalon.stop();
    let inspected = run(&["queue", "inspect", &folder.path().display().to_string()]);
    assert!(inspected.stdout.contains("exporter_otlp_http__logs\n  waiting    4 requests"), "{inspected:?}");
    assert!(inspected.stdout.contains("exporter_otlp_http_renamed_logs\n"), "{inspected:?}");

    sink.answer(Verdict::Accept);
    let etalon = Etalon::start(&written);
    sink.wait_until_accepted((4 * ITEMS) as usize);
    assert_all_arrived(&sink, 0..4);
    eventually("nothing is orphaned", || (etalon.scrape().count(ORPHANED) == 0).then_some(()));
    let is_orphan = |line: &serde_json::Value| line["event.name"] == "queue.orphaned";
    assert!(!etalon.lines().iter().any(is_orphan), "the empty queue of the other exporter is no orphan");
    etalon.stop();
}

#[test]
fn a_storage_that_is_not_in_service_is_found_by_validate() {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::start();
    let written = on_disk(folder.path(), &sink, "").replace("extensions: [file_storage]", "extensions: []");
    fs::write(folder.path().join("etalon.yaml"), written).expect("it can be written");
    for command in ["validate", "explain"] {
        let refused = run_in(folder.path(), &[command, "--config", "etalon.yaml"], &[]);
        assert_eq!(refused.code(), 1, "{command}");
        let why = "exporters::otlp_http::sending_queue::storage: no storage client extension found: \"file_storage\" is not among the extensions of the service";
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
}
