//! A full queue, a folder that is not there, and two processes.

use std::fs;

use etalon_tests::rig::{ITEMS, on_disk, send};
use etalon_tests::{Etalon, Sink, Verdict, logs, post, run_in};

use crate::assert_all_arrived;

#[test]
fn a_full_folder_refuses_so_that_senders_try_again_and_takes_data_when_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::start();
    sink.answer(Verdict::Status(503));
    let small = format!("{}, max_size: 16777216", folder.path().display());
    let configuration =
        on_disk(folder.path(), &sink, "").replace(&folder.path().display().to_string(), &small);
    let etalon = Etalon::start(&configuration);
    let large = "x".repeat(900_000);
    let mut kept = 0;
    let refused = loop {
        let body = logs(kept * ITEMS..(kept + 1) * ITEMS);
        let body = String::from_utf8(body).expect("it is JSON").replace("black box", &large).into_bytes();
        let answer = post(etalon.http(), "/v1/logs", "application/json", &body);
        if answer.status != 200 {
            break answer;
        }
        kept += 1;
        assert!(kept < 100, "the folder has a limit");
    };
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.header("retry-after").is_some());
    let size: u64 = walk(folder.path());
    assert!(size <= 16 * 1024 * 1024, "{size} bytes");
    sink.answer(Verdict::Accept);
    sink.wait_until_accepted((kept * ITEMS) as usize);
    assert_all_arrived(&sink, 0..kept);
    assert!(send(&etalon, kept), "there is room again");
    sink.wait_until_accepted(((kept + 1) * ITEMS) as usize);
}

#[test]
fn a_second_process_with_the_same_folder_does_not_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::start();
    let written = on_disk(folder.path(), &sink, "");
    let _first = Etalon::start(&written);
    let path = folder.path().join("second.yaml");
    fs::write(&path, written.replace("file_storage: {", "file_storage: {timeout: 1ms, "))
        .expect("it can be written");
    let second = run_in(folder.path(), &["--config", "second.yaml"], &[]);
    assert_ne!(second.code(), 0);
    assert!(second.stderr.contains("another process uses the directory"), "{}", second.stderr);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::start();
    let written = on_disk(&folder.path().join("absent"), &sink, "");
    fs::write(folder.path().join("etalon.yaml"), written).expect("it can be written");
    let refused = run_in(folder.path(), &["--config", "etalon.yaml"], &[]);
    assert_ne!(refused.code(), 0);
    let expected = format!(
        "the folder {} is not there: make it, or set create_directory",
        folder.path().join("absent").display()
    );
    assert!(refused.stderr.contains(&expected), "{}", refused.stderr);
}

fn walk(folder: &std::path::Path) -> u64 {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    entries
        .map(|entry| {
            let is_folder = entry.file_type().expect("it has a type").is_dir();
            if is_folder { walk(&entry.path()) } else { entry.metadata().expect("it is there").len() }
        })
        .sum()
}
