//! SIGHUP under load.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use etalon_tests::{Etalon, Sink, eventually, free_port};

use crate::{ITEMS, assert_all_arrived, configuration, is_acknowledged};

#[test]
fn reloads_that_change_the_exporter_lose_nothing_and_refuse_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, sink) = (tempfile::tempdir().expect("a folder"), Sink::start());
    let port = free_port();
    let write = |consumers: usize| {
        let written = configuration(folder.path(), &sink, &format!("num_consumers: {consumers}"));
        let written = written.replace("127.0.0.1:0", &format!("127.0.0.1:{port}"));
        fs::write(home.path().join("etalon.yaml"), written).expect("it can be written");
    };
    write(1);
    let path = home.path().join("etalon.yaml").display().to_string();
    let etalon = Etalon::start_with(&["--config", &path], tempfile::tempdir().expect("a folder"));
    let ended = Arc::new(AtomicBool::new(false));
    let sender = {
        let (to, ended) = (etalon.http(), ended.clone());
        thread::spawn(move || {
            let mut request = 0;
            while !ended.load(Ordering::Relaxed) {
                assert!(is_acknowledged(to, request), "request {request} was refused");
                request += 1;
            }
            request
        })
    };
    for reload in 1..20 {
        write(1 + reload % 5);
        etalon.signal("HUP");
        eventually("it is reloaded", || {
            let reloads = etalon.scrape().sum("etalon_config_reloads", &[("result", "applied")]);
            (reloads? >= reload as f64).then_some(())
        });
    }
    ended.store(true, Ordering::Relaxed);
    let sent = sender.join().expect("nothing was refused");
    sink.wait_until_accepted((sent * ITEMS) as usize);
    assert_all_arrived(&sink, 0..sent);
    assert!(sink.items().values().all(|times| *times == 1), "nothing was sent twice");
}
