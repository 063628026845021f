//! The `etalon` command.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    etalon::run(&etalon::Distribution::default(), std::env::args_os())
}
