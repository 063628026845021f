//! SIGHUP under load, and with the queue that it takes away.

use std::fs;
use std::time::Duration;

use etalon_tests::rig::{ITEMS, Reloads, on_disk, send};
use etalon_tests::{Etalon, Sink, Verdict, eventually};

use crate::assert_all_arrived;

#[test]
fn reloads_under_load_lose_nothing_and_refuse_nothing_whatever_the_file_says() {
    let summary = Reloads { cycles: 30, pause: Duration::from_millis(50), seed: 1 }.run();
    println!("{summary}");
    summary.assert_kept();
    assert!(summary.counts["reloads rejected"] > 0, "no file was invalid: {summary}");
}

#[test]
fn a_queue_that_is_not_in_the_file_any_more_stays_on_disk_until_it_is_there_again() {
    let (folder, home) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let sink = Sink::start();
    sink.answer(Verdict::Status(503));
    let with = on_disk(folder.path(), &sink, "");
    let without = with
        .replace("exporters: [otlp_http]", "exporters: [nop]")
        .replace("exporters:\n", "exporters:\n  nop:\n");
    let file = home.path().join("etalon.yaml");
    fs::write(&file, &with).expect("it can be written");
    let arguments = ["--config", &file.to_string_lossy()];
    let etalon = Etalon::start_with(&arguments, tempfile::tempdir().expect("a folder"));
    for request in 0..20 {
        assert!(send(&etalon, request));
    }
    let reload = |configuration: &str, times: f64| {
        fs::write(&file, configuration).expect("it can be written");
        etalon.signal("HUP");
        eventually("it is reloaded", || {
            let applied = etalon.scrape().sum("etalon_config_reloads", &[("result", "applied")]);
            (applied? >= times).then_some(())
        });
    };
    reload(&without, 1.0);
    assert!(send(&etalon, 20), "it takes data for the others");
    assert_eq!(etalon.scrape().count("etalon_exporter_kept_items"), 20 * u64::from(ITEMS));
    sink.answer(Verdict::Accept);
    reload(&with, 2.0);
    sink.wait_until_accepted(20 * ITEMS as usize);
    assert_all_arrived(&sink, 0..20);
    assert!(sink.items().values().all(|times| *times == 1), "nothing was sent twice");
    eventually("no item is missing", || {
        (etalon.scrape().sum("etalon_exporter_imbalance_items", &[]) == Some(0.0)).then_some(())
    });
    assert_eq!(etalon.stop().code(), 0);
}
