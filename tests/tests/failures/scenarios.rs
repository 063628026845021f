//! How each failure is brought about. What comes after it, the oracle does.

use std::fs;

use etalon_tests::{Verdict, eventually, logs, run_in};

use crate::world::{ITEMS, World};

pub(crate) fn destination_down(world: &mut World) {
    world.sink.answer(Verdict::Status(503));
    world.start();
    world.hand_over(0..4);
    world.sink.wait_until_seen(6);
    world.look();
    world.sink.answer(Verdict::Accept);
    world.wait_for_answers();
}

pub(crate) fn destination_down_longer(world: &mut World) {
    (world.keys.patience, world.keys.interval) = ("100ms", "10ms");
    world.sink.answer(Verdict::Status(503));
    world.start();
    world.send(0..4);
    world.wait_for_answers();
    if !world.mode.waits() {
        world.wait_for_losses(u64::from(4 * ITEMS));
    }
    world.look();
}

pub(crate) fn no_answer(world: &mut World) {
    world.keys.timeout = "300ms";
    world.sink.answer(Verdict::KeepInSilence);
    world.start();
    world.send(0..2);
    world.sink.wait_until_accepted(2 * ITEMS as usize);
    world.sink.answer(Verdict::Accept);
    world.wait_for_answers();
}

pub(crate) fn connection_breaks(world: &mut World) {
    world.sink.answer(Verdict::KeepAndClose);
    world.start();
    world.send(0..2);
    world.sink.wait_until_accepted(2 * ITEMS as usize);
    world.sink.answer(Verdict::Accept);
    world.wait_for_answers();
}

pub(crate) fn queue_full(world: &mut World) {
    world.keys.queue_size = 3;
    world.sink.answer(Verdict::Hold);
    world.start();
    world.hand_over(0..3);
    world.send(3..5);
    let refused =
        |world: &World| world.etalon().scrape().count("otelcol_exporter_enqueue_failed_log_records");
    eventually("two requests are refused", || (refused(world) == u64::from(2 * ITEMS)).then_some(()));
    world.look();
    world.sink.answer(Verdict::Accept);
    world.wait_for_answers();
}

pub(crate) fn queue_full_and_blocks(world: &mut World) {
    world.keys.queue_size = 3;
    world.sink.answer(Verdict::Hold);
    world.start();
    world.hand_over(0..3);
    world.send(3..5);
    world.sink.answer(Verdict::Accept);
    world.wait_for_answers();
}

pub(crate) fn destination_down_without_retries(world: &mut World) {
    world.sink.answer(Verdict::Status(503));
    world.start();
    world.send(0..2);
    world.wait_for_answers();
    if !world.mode.waits() {
        world.wait_for_losses(u64::from(2 * ITEMS));
    }
    world.look();
}

/// The destination says this to everything.
fn refused_for_good(world: &mut World, verdict: Verdict) {
    world.sink.answer(verdict);
    world.start();
    world.send(0..3);
    world.wait_for_answers();
    if !world.mode.waits() {
        world.wait_for_losses(u64::from(3 * ITEMS));
    }
    world.look();
}

pub(crate) fn rejected(world: &mut World) {
    refused_for_good(world, Verdict::Status(400));
}

pub(crate) fn poison(world: &mut World) {
    world.sink.answer(Verdict::RefuseItem(1));
    world.start();
    world.send(0..2);
    world.wait_for_answers();
    if !world.mode.waits() {
        world.wait_for_losses(if world.keys.queue.is_empty() { ITEMS.into() } else { 1 });
    }
    world.look();
}

pub(crate) fn credentials(world: &mut World) {
    refused_for_good(world, Verdict::Status(401));
}

pub(crate) fn partial_success(world: &mut World) {
    world.sink.answer(Verdict::Reject(2));
    world.start();
    world.send(0..1);
    world.wait_for_answers();
    if !world.mode.waits() {
        world.wait_for_losses(2);
    }
    world.look();
}

pub(crate) fn too_large(world: &mut World) {
    world.sink.answer(Verdict::Limit(30_000));
    world.start();
    let body = String::from_utf8(logs(0..ITEMS)).expect("it is JSON");
    let large = format!("item:00000002{}", "x".repeat(100_000));
    world.send_body(0, body.replace("item:00000002", &large).into_bytes());
    world.wait_for_answers();
    world.sink.wait_until_accepted(2);
    if !world.mode.waits() {
        world.wait_for_losses(1);
    }
    world.look();
}

pub(crate) fn overload(world: &mut World) {
    world.keys.limit_mib = 1;
    world.sink.answer(Verdict::Hold);
    world.start();
    let refused = |world: &World| {
        let labels = [("refusal_reason", "memory_limit")];
        world.etalon().scrape().sum("etalon_receiver_refused_requests", &labels).unwrap_or(0.0)
    };
    let large = "x".repeat(300_000);
    let mut next = 0;
    while refused(world) == 0.0 {
        for request in next..next + 8 {
            let body = String::from_utf8(logs(request * ITEMS..(request + 1) * ITEMS)).expect("it is JSON");
            world.send_body(request, body.replace("black box", &large).into_bytes());
        }
        next += 8;
        assert!(next < 800, "there is a limit");
        if !world.mode.waits() {
            world.wait_for_answers();
        }
    }
    world.look();
    world.sink.answer(Verdict::Accept);
    world.wait_for_answers();
}

pub(crate) fn killed(world: &mut World) {
    world.keys.consumers = 2;
    world.sink.answer(Verdict::KeepInSilence);
    world.start();
    world.hand_over(0..6);
    world.sink.wait_until_seen(2);
    world.etalon().signal("KILL");
    world.wait_for_end();
}

pub(crate) fn sigterm(world: &mut World) {
    world.sink.answer(Verdict::Hold);
    world.start();
    world.hand_over(0..6);
    world.etalon().terminate();
    world.etalon().wait_for_line("Starting shutdown...");
    world.sink.answer(Verdict::Accept);
    world.wait_for_end();
    world.wait_for_answers();
}

pub(crate) fn sigterm_destination_down(world: &mut World) {
    world.keys.interval = "60s";
    world.sink.answer(Verdict::Status(503));
    world.start();
    world.hand_over(0..4);
    world.sink.wait_until_seen(4);
    world.etalon().terminate();
    world.wait_for_end();
    world.wait_for_answers();
}

pub(crate) fn reload(world: &mut World) {
    world.sink.answer(Verdict::Hold);
    world.start();
    world.hand_over(0..4);
    world.keys.timeout = "20s";
    world.write_configuration();
    world.reload("applied");
    world.send(4..6);
    world.sink.answer(Verdict::Accept);
    world.wait_for_answers();
}

pub(crate) fn reload_invalid(world: &mut World) {
    world.start();
    world.send(0..2);
    fs::write(world.configuration_file(), "receivers: {otlp: {protocol: }}").expect("it can be written");
    world.reload("refused");
    world.send(2..4);
    world.wait_for_answers();
}

pub(crate) fn exporter_removed(world: &mut World) {
    world.keys.interval = "60s";
    world.sink.answer(Verdict::Status(503));
    world.start();
    world.hand_over(0..4);
    world.sink.wait_until_seen(4);
    world.keys.name = "/other";
    world.write_configuration();
    world.reload("applied");
    match world.mode {
        crate::Mode::Memory => {
            drop(world.etalon().wait_for("a loss", |line| line["event.name"] == "data.drop.ended"));
        }
        crate::Mode::Storage => {
            drop(world.etalon().wait_for("an orphaned queue", |line| line["event.name"] == "queue.orphaned"));
        }
        _ => world.wait_for_answers(),
    }
    world.look();
    world.sink.answer(Verdict::Accept);
    (world.keys.name, world.keys.interval) = ("", "20ms");
    world.write_configuration();
    world.reload("applied");
}

pub(crate) fn storage_full(world: &mut World) {
    world.keys.max_size = 16 * 1024 * 1024;
    world.sink.answer(Verdict::Status(503));
    world.start();
    let large = "x".repeat(900_000);
    let refused =
        |world: &World| world.etalon().scrape().count("otelcol_exporter_enqueue_failed_log_records");
    let mut request = 0;
    while refused(world) == 0 {
        let body = String::from_utf8(logs(request * ITEMS..(request + 1) * ITEMS)).expect("it is JSON");
        world.send_body(request, body.replace("black box", &large).into_bytes());
        world.wait_for_answers();
        request += 1;
        assert!(request < 100, "the storage has a limit");
    }
    world.look();
}

pub(crate) fn damage(world: &mut World) {
    world.sink.answer(Verdict::Status(503));
    world.start();
    world.hand_over(0..5);
    world.etalon().terminate();
    world.wait_for_end();
    // An item of the second request.
    let damaged = fs::read_dir(world.storage())
        .expect("the storage")
        .flat_map(|queue| fs::read_dir(queue.expect("a queue").path()).expect("a queue"))
        .map(|file| file.expect("a file").path())
        .filter(|path| {
            let mut bytes = fs::read(path).expect("a file");
            let token = b"item:00000004";
            let Some(at) = bytes.windows(token.len()).position(|window| window == token) else {
                return false;
            };
            bytes[at] ^= 1;
            fs::write(path, bytes).expect("it can be written");
            true
        });
    assert_eq!(damaged.count(), 1, "one file has that item");
}

pub(crate) fn two_processes(world: &mut World) {
    world.start();
    world.send(0..2);
    let path = world.configuration_file();
    let second = run_in(&world.storage(), &["--config", &path.to_string_lossy()], &[]);
    assert_ne!(second.code(), 0);
    assert!(second.stderr.contains("another process uses the directory"), "{}", second.stderr);
    world.send(2..4);
    world.wait_for_answers();
}
