//! The `etalon` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    etalon::run(&etalon::Distribution::default(), std::env::args_os())
}
