//! kill -9 at any moment.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use etalon_tests::{Etalon, Sink, Verdict, eventually};

use crate::{assert_all_arrived, configuration, is_acknowledged, send};

/// How often the process is killed, unless the variable of this name says otherwise.
const KILLS: &str = "ETALON_TEST_KILLS";
const KILLS_DEFAULT: u32 = 100;
const CONSUMERS: usize = 3;

#[test]
fn what_was_acknowledged_survives_kills_at_any_moment() {
    let kills = std::env::var(KILLS).ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS_DEFAULT);
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::start();
    let configuration = configuration(folder.path(), &sink, &format!("num_consumers: {CONSUMERS}"));
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let next = Arc::new(AtomicU32::new(0));
    for kill in 0..kills {
        let etalon = Etalon::start(&configuration);
        let ended = Arc::new(AtomicBool::new(false));
        let senders: Vec<_> = (0..4)
            .map(|_| {
                let (acknowledged, next, ended) = (acknowledged.clone(), next.clone(), ended.clone());
                let to = etalon.http();
                thread::spawn(move || {
                    while !ended.load(Ordering::Relaxed) {
                        let request = next.fetch_add(1, Ordering::Relaxed);
                        if is_acknowledged(to, request) {
                            acknowledged.lock().expect("no panic").insert(request);
                        }
                    }
                })
            })
            .collect();
        // Now and then the destination is away, so that something waits.
        sink.answer(if kill % 3 == 0 { Verdict::Status(503) } else { Verdict::Accept });
        let enough = next.load(Ordering::Relaxed) + 1 + kill * 7 % 41;
        eventually("requests were sent", || (next.load(Ordering::Relaxed) >= enough).then_some(()));
        etalon.signal("KILL");
        etalon.wait();
        ended.store(true, Ordering::Relaxed);
        for sender in senders {
            sender.join().expect("no panic");
        }
    }
    sink.answer(Verdict::Accept);
    let etalon = Etalon::start(&configuration);
    eventually("the queue is empty", || {
        (etalon.scrape().count("otelcol_exporter_queue_size") == 0).then_some(())
    });
    let acknowledged = acknowledged.lock().expect("no panic");
    assert_all_arrived(&sink, acknowledged.iter().copied());
    let again: usize = sink.items().values().map(|times| times - 1).sum();
    let most = kills as usize * CONSUMERS * crate::ITEMS as usize;
    assert!(again <= most, "{again} items came again, and at most {most} were on their way at a kill");
    println!("{kills} kills, {} requests acknowledged, 0 lost, {again} items came again", acknowledged.len());
}

#[test]
fn what_was_sent_does_not_come_again_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::start();
    let configuration = configuration(folder.path(), &sink, "");
    let etalon = Etalon::start(&configuration);
    for request in 0..20 {
        assert!(send(&etalon, request));
    }
    eventually("the queue is empty", || {
        (etalon.scrape().count("otelcol_exporter_queue_size") == 0).then_some(())
    });
    etalon.signal("KILL");
    etalon.wait();
    let etalon = Etalon::start(&configuration);
    assert!(send(&etalon, 20));
    sink.wait_until_accepted(21 * crate::ITEMS as usize);
    let most_again = sink.items().values().filter(|times| **times > 1).count();
    assert!(most_again <= 10 * crate::ITEMS as usize, "{most_again} items came again");
}
