//! Which binary the tests run.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

static BINARY: OnceLock<PathBuf> = OnceLock::new();

/// Says which binary to run, before anything asks for it; whether that was early enough.
pub fn use_binary(path: PathBuf) -> bool {
    BINARY.set(path).is_ok()
}

/// The path of `etalon`: `$ETALON_BIN` when it is set, as `cargo xtask test` does, and otherwise what
/// `cargo build --package etalon` makes, once per test program. Cargo itself guards the build against
/// other test programs that want the same.
pub fn binary() -> &'static PathBuf {
    BINARY.get_or_init(|| std::env::var_os("ETALON_BIN").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package=etalon", "--bin=etalon"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be run");
    assert!(output.status.success(), "cargo build --package etalon: {}", output.status);
    let messages = output.stdout.split(|byte| *byte == b'\n');
    messages
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the executable that it has built")
}
