//! kill -9 at any moment, also while it starts.

use etalon_tests::rig::{ITEMS, Kills, drained, on_disk, send};
use etalon_tests::{Etalon, Sink, Verdict};

/// How often processes are killed, unless the variable of this name says otherwise.
const KILLS: &str = "ETALON_TEST_KILLS";
const KILLS_DEFAULT: u32 = 200;

#[test]
fn what_was_acknowledged_survives_kills_at_any_moment() {
    let cycles = std::env::var(KILLS).ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS_DEFAULT);
    let summary = Kills { cycles, lanes: 2, seed: 1 }.run();
    println!("{summary}");
    summary.assert_kept();
    assert!(summary.counts["acknowledged requests"] > u64::from(cycles), "{summary}");
}

#[test]
fn the_books_of_a_queue_on_disk_balance_over_the_processes_that_have_used_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::start();
    let configuration = on_disk(folder.path(), &sink, "");
    for process in 0..4 {
        // Of what is acknowledged while the destination refuses, nothing has left when the process is killed.
        sink.answer(Verdict::Accept);
        let etalon = Etalon::start(&configuration);
        (0..5).for_each(|request| assert!(send(&etalon, 10 * process + request)));
        drained(&etalon);
        sink.answer(Verdict::Status(503));
        (5..10).for_each(|request| assert!(send(&etalon, 10 * process + request)));
        etalon.signal("KILL");
        etalon.wait();
    }
    sink.answer(Verdict::Accept);
    let etalon = Etalon::start(&configuration);
    drained(&etalon);
    let scrape = etalon.scrape();
    let ever = |fate: &str| scrape.sum("etalon_exporter_queue_lifetime_items", &[("item_fate", fate)]);
    let all = f64::from(40 * ITEMS);
    assert_eq!((ever("accepted"), ever("delivered")), (Some(all), Some(all)));
    for fate in ["failed", "dropped", "corrupt", "lost", "withdrawn", "moved"] {
        assert_eq!(ever(fate), Some(0.0), "{fate}");
    }
    assert_eq!(scrape.sum("etalon_exporter_imbalance_items", &[]), Some(0.0));
}

#[test]
fn what_was_sent_does_not_come_again_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::start();
    let configuration = on_disk(folder.path(), &sink, "");
    let etalon = Etalon::start(&configuration);
    for request in 0..20 {
        assert!(send(&etalon, request));
    }
    drained(&etalon);
    etalon.signal("KILL");
    etalon.wait();
    let etalon = Etalon::start(&configuration);
    assert!(send(&etalon, 20));
    sink.wait_until_accepted(21 * ITEMS as usize);
    let most_again = sink.items().values().filter(|times| **times > 1).count();
    assert!(most_again <= 10 * ITEMS as usize, "{most_again} items came again");
}
