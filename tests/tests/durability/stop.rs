//! SIGTERM, with a destination that is there, slow, or away.

use std::time::Duration;

use etalon_tests::rig::{ITEMS, Queue, Stops, in_memory, on_disk, send};
use etalon_tests::{Etalon, Sink, Verdict, run};
use serde_json::Value;

use crate::assert_all_arrived;

#[test]
fn what_the_destination_does_not_take_stays_on_disk_and_nothing_is_counted_as_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::start();
    sink.answer(Verdict::Status(503));
    let configuration = on_disk(folder.path(), &sink, "");
    let etalon = Etalon::start(&configuration);
    for request in 0..30 {
        assert!(send(&etalon, request));
    }
    sink.wait_until_seen(3);
    let ended = etalon.stop();
    assert_eq!(ended.code(), 0);
    assert!(!ended.stderr.contains("Dropping data"), "{}", ended.stderr);
    assert!(ended.stderr.contains(r#""items":150"#), "{}", ended.stderr);
    let inspected = run(&["queue", "inspect", &folder.path().display().to_string(), "--format", "json"]);
    let inspected: Value = serde_json::from_str(&inspected.stdout).expect("JSON");
    assert_eq!(inspected[0]["waiting_requests"].as_u64(), Some(30), "{inspected}");
    assert_eq!(inspected[0]["waiting_items"].as_u64(), Some(150), "{inspected}");
    assert_eq!(inspected[0]["in_use"].as_bool(), Some(false), "{inspected}");

    sink.answer(Verdict::Accept);
    let etalon = Etalon::start(&configuration);
    sink.wait_until_accepted(30 * ITEMS as usize);
    assert_eq!(etalon.scrape().count("etalon_exporter_restored_items"), 150);
    let line = etalon.wait_for_line("Data of an earlier run waits on disk, and will be sent.");
    assert_eq!((line["requests"].as_u64(), line["items"].as_u64()), (Some(30), Some(150)));
    assert_all_arrived(&sink, 0..30);
    assert!(sink.items().values().all(|times| *times == 1), "nothing was sent twice");
    etalon.stop();
}

#[test]
fn stopping_again_and_again_loses_nothing_and_sends_nothing_twice() {
    let summary = Stops { cycles: 20, queue: Queue::Disk, seed: 1 }.run();
    println!("{summary}");
    summary.assert_kept();
}

#[test]
fn what_a_queue_in_memory_gives_up_at_the_end_is_counted_exactly() {
    let summary = Stops { cycles: 20, queue: Queue::Memory, seed: 1 }.run();
    println!("{summary}");
    summary.assert_kept();
    assert!(summary.counts["items given up and counted"] > 0, "the destination was never away: {summary}");
}

#[test]
fn a_slow_destination_gets_all_that_a_queue_in_memory_holds() {
    let sink = Sink::start();
    sink.answer(Verdict::Slow(Duration::from_millis(50)));
    let etalon = Etalon::start(&in_memory(&sink, "num_consumers: 2"));
    for request in 0..30 {
        assert!(send(&etalon, request));
    }
    let ended = etalon.stop();
    assert_eq!(ended.code(), 0);
    assert!(!ended.stderr.contains("Dropping data"), "{}", ended.stderr);
    assert_all_arrived(&sink, 0..30);
    assert!(sink.items().values().all(|times| *times == 1), "nothing was sent twice");
}
