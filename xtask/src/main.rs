//! The project's own tasks: `cargo xtask <task>`.

mod again;
mod bench;
mod book;
mod chaos;
mod codegen;
mod command;
#[cfg(feature = "telemetry")]
mod contract;
mod go_collector;
mod prometheus;
mod test;
mod tool;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask <task>

tasks:
  bench [--help]      compare forwarders of OTLP side by side: CPU, memory, latency
  chaos [--help]      kill, stop, reload and overload collectors, thousands of times, and count what is lost
  book [--open]       render the book to book/book, and open it in a browser
  contract <task>     review the telemetry contract against its last release, or release it
  codegen [--check]   write generated code and pages of the book, or check that they are up to date
  test [PART]...      all tests: rust, and peers in other languages against the built binary
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["bench", ..] => return bench::main(&std::env::args_os().skip(2).collect::<Vec<_>>()),
        ["book", rest @ ..] => book::run(rest),
        ["chaos", rest @ ..] => chaos::run(rest),
        #[cfg(feature = "telemetry")]
        ["contract", rest @ ..] => contract::run(rest),
        ["codegen", rest @ ..] => codegen::run(rest),
        ["test", rest @ ..] => test::run(rest),
        _ => Err(USAGE.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a command line tool speaks on stderr")]
fn report(error: &dyn std::error::Error) {
    eprintln!("{error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
}
