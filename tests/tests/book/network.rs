//! A network of the test's own, so that pages can use the ports that users use.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};

/// Set in the process that has a network of its own.
const INSIDE: &str = "ETALON_BOOK_INSIDE";
/// Brings up the loopback of a new network, and goes on there.
const ENTER: &str = "ip link set lo up && exec \"$0\" \"$@\"";
/// The ports of the pages.
const PORTS: [u16; 6] = [4317, 4318, 8888, 13133, 14317, 55679];

/// Runs this test in a process with a network of its own, where the system allows that; says whether it did.
///
/// # Panics
///
/// When the test fails there.
#[expect(clippy::print_stdout, reason = "it explains why the ports must be free")]
pub(crate) fn is_elsewhere(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return false;
    }
    let inside = |program: &str, arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "sh", "-c", ENTER, program]).args(arguments);
        command.stdin(Stdio::null()).env(INSIDE, "1");
        command
    };
    let mut probe = inside("true", &[]);
    if !probe.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        println!("no network of its own for this test: it uses the ports of this machine");
        return false;
    }
    let program = std::env::current_exe().expect("this program has a path");
    let mut again = inside(&program.to_string_lossy(), &["--exact", test, "--nocapture"]);
    // The binary is built out here, where there is a network.
    let status =
        again.env("ETALON_BIN", etalon_tests::binary()).status().expect("what ran a moment ago runs again");
    assert!(status.success(), "{test}: {status}; what failed is above");
    true
}

/// Waits until no other test of the pages uses the ports. They are free as long as the result lives.
///
/// # Panics
///
/// When something else uses them.
pub(crate) fn alone() -> File {
    let lock =
        File::create(std::env::temp_dir().join("etalon-book.lock")).expect("a temporary file can be made");
    if std::env::var_os(INSIDE).is_none() {
        lock.lock().expect("a file can be locked");
    }
    for port in PORTS {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        assert!(
            free,
            "port {port} is in use: stop what listens there; the pages are run on the ports they name"
        );
    }
    lock
}
