//! SIGTERM, with a destination that is there, slow, or away.

use std::thread;

use etalon_tests::{Etalon, Sink, Verdict, run};
use serde_json::Value;

use crate::{ITEMS, assert_all_arrived, configuration, send};

#[test]
fn what_the_destination_does_not_take_stays_on_disk_and_nothing_is_counted_as_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::start();
    sink.answer(Verdict::Status(503));
    let configuration = configuration(folder.path(), &sink, "");
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
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::start();
    let configuration = configuration(folder.path(), &sink, "");
    let mut acknowledged = Vec::new();
    for round in 0..15 {
        let etalon = Etalon::start(&configuration);
        let to = etalon.http();
        let sender = thread::spawn(move || {
            (round * 1000..(round + 1) * 1000)
                .take_while(|request| crate::is_acknowledged(to, *request))
                .collect::<Vec<u32>>()
        });
        sink.wait_until_seen(acknowledged.len() + 5);
        assert_eq!(etalon.stop().code(), 0);
        acknowledged.extend(sender.join().expect("no panic"));
    }
    let etalon = Etalon::start(&configuration);
    sink.wait_until_accepted(acknowledged.len() * ITEMS as usize);
    assert_all_arrived(&sink, acknowledged);
    assert!(sink.items().values().all(|times| *times == 1), "nothing was sent twice");
    etalon.stop();
}
