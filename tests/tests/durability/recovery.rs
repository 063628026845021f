//! A start that finds what it cannot read.

use std::fs;
use std::path::{Path, PathBuf};

use etalon_tests::rig::{ITEMS, on_disk, send};
use etalon_tests::{Etalon, Sink, Verdict, run_in};

use crate::assert_all_arrived;

/// The file of the first requests.
fn segment(folder: &Path) -> PathBuf {
    let queue = fs::read_dir(folder).expect("a folder").next().expect("a queue").expect("an entry").path();
    queue.join("0000000000000001.segment")
}

#[test]
fn a_file_that_cannot_be_opened_is_named_and_nothing_is_changed_until_it_can() {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::start();
    sink.answer(Verdict::Status(503));
    let configuration = on_disk(folder.path(), &sink, "");
    let etalon = Etalon::start(&configuration);
    for request in 0..10 {
        assert!(send(&etalon, request));
    }
    etalon.kill();
    let (segment, aside) = (segment(folder.path()), folder.path().join("aside"));
    let before = fs::read(&segment).expect("it is there");
    fs::rename(&segment, &aside).expect("it can be moved");
    // Nobody can open it to write, not even root.
    fs::create_dir(&segment).expect("a folder");
    let home = tempfile::tempdir().expect("a folder");
    fs::write(home.path().join("etalon.yaml"), &configuration).expect("it can be written");
    let refused = run_in(home.path(), &["--config", "etalon.yaml"], &[]);
    assert_ne!(refused.code(), 0);
    let name = segment.file_name().expect("a name").to_string_lossy().into_owned();
    for told in
        [segment.parent().expect("a folder").to_string_lossy().into_owned(), format!("cannot read {name}")]
    {
        assert!(refused.stderr.contains(&told), "{told} is not in {}", refused.stderr);
    }
    fs::remove_dir(&segment).expect("it is empty");
    fs::rename(&aside, &segment).expect("it can be moved");
    assert_eq!(fs::read(&segment).expect("it is there"), before);

    sink.answer(Verdict::Accept);
    let etalon = Etalon::start(&configuration);
    sink.wait_until_accepted(10 * ITEMS as usize);
    assert_all_arrived(&sink, 0..10);
    assert_eq!(etalon.stop().code(), 0);
}
