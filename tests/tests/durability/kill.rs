//! kill -9 at any moment, also while it starts.

use etalon_tests::rig::{ITEMS, Kills, drained, on_disk, send};
use etalon_tests::{Etalon, Sink, Verdict, eventually};

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
    for fate in ["failed", "dropped", "corrupt", "lost", "withdrawn"] {
        assert_eq!(ever(fate), Some(0.0), "{fate}");
    }
    assert_eq!(scrape.sum("etalon_exporter_imbalance_items", &[]), Some(0.0));
}

#[test]
fn a_part_of_a_request_that_has_arrived_does_not_come_again_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::start();
    let batch = "num_consumers: 1, batch: {sizer: items, min_size: 3, max_size: 3, flush_timeout: 10ms}";
    let configuration = on_disk(folder.path(), &sink, batch);
    // Of the second part nobody knows whether it arrives.
    sink.answer(Verdict::HoldItem(3));
    let etalon = Etalon::start(&configuration);
    assert!(send(&etalon, 0));
    sink.wait_until_seen(2);
    eventually("what has arrived is noted", || {
        (etalon.scrape().sum("etalon_exporter_queue_items", &[]) == Some(2.0)).then_some(())
    });
    // The next request is on the disk behind that note.
    assert!(send(&etalon, 1));
    etalon.signal("KILL");
    etalon.wait();
    assert_eq!(sink.items(), (0..3).map(|item| (item, 1)).collect());

    sink.answer(Verdict::Accept);
    let etalon = Etalon::start(&configuration);
    drained(&etalon);
    let items = sink.items();
    assert_eq!(items.keys().copied().collect::<Vec<_>>(), (0..2 * ITEMS).collect::<Vec<_>>());
    assert!((0..3).all(|item| items[&item] == 1), "they came again: {items:?}");
    assert_eq!(etalon.scrape().count("etalon_exporter_restored_items"), u64::from(2 * ITEMS - 3));
    assert_eq!(etalon.scrape().sum("etalon_exporter_imbalance_items", &[]), Some(0.0));
    let ever =
        |fate: &str| etalon.scrape().sum("etalon_exporter_queue_lifetime_items", &[("item_fate", fate)]);
    let all = Some(f64::from(2 * ITEMS));
    assert_eq!((ever("accepted"), ever("delivered")), (all, all));
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
