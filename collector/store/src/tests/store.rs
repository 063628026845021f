//! The store on a real directory, with its thread.

use std::io::IoSlice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;

use super::body;
use crate::{
    AnyFile, Append, AppendError, Claim, Directory, Disk, DiskFile, Entry, Given, Limits, Noted, OpenError,
    Requests, Store, Verdict, inspect,
};

async fn entry(requests: &mut Requests<AnyFile>) -> Entry {
    match requests.next().await.expect("the disk works") {
        Given::Entry(entry) => entry,
        Given::Damaged(damaged) => panic!("{damaged:?}"),
    }
}

fn request(number: u64) -> Append {
    let (context, body) = (Bytes::from_static(b"c"), body(number, 100));
    Append { items: 2, accepted: 1, context, body, ..Append::default() }
}

#[tokio::test]
async fn requests_come_out_in_order_and_those_that_are_settled_never_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = Directory::create(&folder.path().join("queue")).expect("a directory");
    let (store, mut requests, _) = Store::open(directory.clone(), Limits::of(1 << 30)).expect("it opens");
    for number in 0..100 {
        assert_eq!(store.append(request(number)).await.expect("the disk works"), number);
    }
    for number in 0..60 {
        let entry = entry(&mut requests).await;
        assert_eq!((entry.seq, &entry.body), (number, &body(number, 100)));
        if number % 2 == 0 {
            let verdicts = [(Verdict::Delivered, 0..1), (Verdict::Failed, 1..2)];
            assert_eq!(store.settle(entry.receipt(), &verdicts), Noted::Whole);
        }
    }
    store.close().await.expect("the disk works");
    assert!(matches!(store.append(request(0)).await, Err(AppendError::Closed)));
    drop((store, requests));

    let (store, mut requests, recovered) = Store::open(directory, Limits::of(1 << 30)).expect("it opens");
    assert_eq!((recovered.queued.requests, recovered.queued.items), (70, 140));
    let totals = store.totals();
    assert_eq!(totals.settled(Verdict::Delivered).items, 30);
    assert_eq!(totals.settled(Verdict::Failed).items, 30);
    for number in (1..60).step_by(2).chain(60..100) {
        let entry = entry(&mut requests).await;
        assert_eq!(entry.seq, number);
        store.settle(entry.receipt(), &[(Verdict::Delivered, 0..2)]);
    }
    store.tick().await;
    store.close().await.expect("the disk works");
    let names: Vec<_> = std::fs::read_dir(folder.path().join("queue")).expect("the folder").collect();
    assert_eq!(names.len(), 3, "lock and progress only: {names:?}");
}

#[tokio::test]
async fn what_is_not_in_memory_any_more_is_read_from_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = Directory::create(folder.path()).expect("a directory");
    let limits = Limits { bytes: 1 << 24, segment_bytes: 4096, window_bytes: 300 };
    let (store, mut requests, _) = Store::open(directory, limits).expect("it opens");
    for number in 0..200 {
        store.append(request(number)).await.expect("the disk works");
    }
    for number in 0..200 {
        let entry = entry(&mut requests).await;
        assert_eq!(entry.body, body(number, 100));
        store.settle(entry.receipt(), &[(Verdict::Delivered, 0..2)]);
    }
}

#[tokio::test]
async fn a_full_directory_refuses_until_there_is_space_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = Directory::create(folder.path()).expect("a directory");
    let limits = Limits { bytes: 2 * 1024 * 1024 + 8192, segment_bytes: 4096, window_bytes: 0 };
    let (store, mut requests, _) = Store::open(directory, limits).expect("it opens");
    let mut kept = 0;
    let full = loop {
        match store.append(request(kept)).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, AppendError::Full { limit } if limit == 2 * 1024 * 1024 + 8192), "{full}");
    assert!(store.disk_bytes() <= 2 * 1024 * 1024 + 8192);
    for seq in 0..kept {
        let entry = entry(&mut requests).await;
        assert_eq!(entry.seq, seq);
        store.settle(entry.receipt(), &[(Verdict::Delivered, 0..2)]);
    }
    store.append(request(kept)).await.expect("there is space again");
    let large = Append { body: Bytes::from(vec![0; 10_000]), ..Append::default() };
    assert!(matches!(store.append(large).await, Err(AppendError::TooLarge { .. })));
}

#[test]
fn a_directory_has_one_owner() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = Directory::create(folder.path()).expect("a directory");
    let (store, requests, _) = Store::open(directory.clone(), Limits::of(1 << 30)).expect("it opens");
    let error = Store::open(directory.clone(), Limits::of(1 << 30)).expect_err("it is in use");
    assert!(matches!(error, OpenError::InUse), "{error}");
    assert!(inspect(&directory).expect("it can be read").in_use);
    drop((store, requests));
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("queue");
    let directory = Directory::create(&path).expect("a directory");
    let (store, _requests, _) = Store::open(directory, Limits::of(1 << 30)).expect("it opens");
    store.append(request(1)).await.expect("the disk works");
    let mode = |path: &std::path::Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for file in std::fs::read_dir(&path).expect("the folder") {
        assert_eq!(mode(&file.expect("a file").path()), 0o600);
    }
}

/// A claim that is counted as long as it is there.
struct Counted(Arc<AtomicU64>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_has_its_claim_until_it_counts_as_queued_and_not_for_a_moment_longer() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = Directory::create(folder.path()).expect("a directory");
    let (store, _requests, _) = Store::open(directory, Limits::of(1 << 30)).expect("it opens");
    let (issued, claims) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let is_over = Arc::new(AtomicBool::new(false));
    let looking = std::thread::spawn({
        let (store, issued, claims, is_over) =
            (store.clone(), issued.clone(), claims.clone(), is_over.clone());
        move || {
            while !is_over.load(Ordering::Relaxed) {
                store.with_queued(|queued, _| {
                    let both = queued.requests + claims.load(Ordering::Relaxed);
                    assert_eq!(both, issued.load(Ordering::Relaxed));
                });
            }
        }
    });
    for number in 0..200 {
        let claim = store.with_queued(|_, _| {
            issued.fetch_add(1, Ordering::Relaxed);
            claims.fetch_add(1, Ordering::Relaxed);
            Claim(Some(Box::new(Counted(claims.clone()))))
        });
        store.append(Append { claim, ..request(number) }).await.expect("the disk works");
    }
    is_over.store(true, Ordering::Relaxed);
    looking.join().expect("each request is in one of the two");
}

#[test]
fn slices_are_written_one_behind_the_other_however_many_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = Directory::create(folder.path()).and_then(|directory| directory.create("file", 16));
    let file = file.expect("a file");
    // More than the system takes with one call, and empty ones in between.
    let parts: Vec<Vec<u8>> = (0..3000_usize).map(|number| vec![number as u8; number % 7]).collect();
    let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
    file.write_slices_at(&mut slices, 5).expect("the disk works");
    let written = std::fs::read(folder.path().join("file")).expect("the file");
    assert_eq!(written[5..], parts.concat());
}
