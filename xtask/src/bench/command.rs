//! The command line.

use std::error::Error as _;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::error::Error;
use super::{child, optimised, refusals, run, sender, sink, store, suite};

/// Compare OTLP forwarders by the CPU time they need, side by side.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask bench",
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "\
Each measurement starts a sink, the peer and a sender: sender -> peer -> sink, on 127.0.0.1 without TLS.
The peer runs on one CPU, sender and sink on another. After the warm-up, the CPU time of the peer and
all its children is read at both ends of the window. Rounds are interleaved (A B C, B C A, ...), and a
ratio compares two peers within a round, so that what disturbs the machine disturbs both.

Columns (medians over the rounds):
  s/GB        CPU seconds for 10^9 bytes of protobuf, uncompressed; user and system are its parts
  s/M items   CPU seconds for a million spans, data points or log records
  us/req      CPU microseconds for a request
  cpu %       of the peer's CPU; well below 100 in saturation means that the sender was the limit
  p50, p99    from the intended start of a request to its answer; with a rate, waiting counts too
  idle, peak  resident memory before the load, and the most there was
  ready       from starting the process until it accepts connections; the launcher is about 2 ms of it
  last        what went wrong, if anything; whether others used the peer's CPU meanwhile
  ratio       CPU per byte relative to the anchor: median (minimum-maximum) over the rounds

What arrives is compared with what was acknowledged: items, and a hash of every resource entry that
does not depend on their order or grouping. A difference is a MISMATCH. Exit status: 0 when every
measurement succeeded without one, else 1; never because of a time.

Variables of commands and configurations:
  {listen} {listen_port}       where the peer must listen, 127.0.0.1:PORT
  {upstream} {upstream_port}   where it must send to
  {config}                     its configuration, made of --peer-config (commands only)
  {dir} {free_port}            a folder and a port of its own
  {signal} {protocol}          traces, metrics or logs; grpc or http
  {compress} {level}           none or gzip; the level, 0 is the default
  {in_flight} {body_buffer}    most requests at a time; bytes that hold the largest request

Examples:
  cargo xtask bench                                      etalon, nginx and haproxy: gRPC, traces
  cargo xtask bench --items 1000 --rounds 7 --json out.json
  cargo xtask bench --signal traces,metrics,logs --protocol grpc,http
  cargo xtask bench --items 100 --mode rate=2000         latencies at 2,000 requests per second
  cargo xtask bench --peers etalon,nginx --counts-only go \\
      --peer go='otelcol-otlp --config {config}' --peer-config go=go.yaml
  cargo xtask bench store                                the queue on disk, next to the disk
  cargo xtask bench refusals                             what is refused, next to what is accepted
  cargo xtask bench --peers etalon-queue,etalon-batch --anchor etalon-queue   what joining requests costs
  cargo xtask bench sink --listen 127.0.0.1:4317         only a sink; Enter prints what it received
  cargo xtask bench sender --target 127.0.0.1:4317       only a sender

Build the etalon to measure first: cargo build --release -p etalon"
)]
struct Bench {
    #[command(flatten)]
    run: Box<run::RunArgs>,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Compare peers; the same as without a subcommand
    Run(Box<run::RunArgs>),
    /// Run the cases that the book shows, and write its figures; at most about 12 minutes
    Suite(Box<suite::SuiteArgs>),
    /// Measure the queue on disk next to the disk itself: throughput, acknowledgement, space, restart
    Store(Box<store::StoreArgs>),
    /// Measure what a request costs that finds no room in memory, next to one that is accepted
    Refusals(Box<refusals::RefusalsArgs>),
    /// Only send, and print what was acknowledged
    Sender(sender::SenderArgs),
    /// Only receive, and print what arrived
    Sink(sink::SinkArgs),
    /// Run a program on one CPU, until the caller ends
    #[command(hide = true)]
    Launch(child::LaunchArgs),
}

/// Runs `bench` with the arguments that follow that word.
pub(crate) fn main(arguments: &[OsString]) -> ExitCode {
    let bench = Bench::parse_from(
        std::iter::once(OsString::from("cargo xtask bench")).chain(arguments.iter().cloned()),
    );
    // Without optimisation, the sender and the sink would be the limit.
    if cfg!(debug_assertions) {
        return optimised::run(arguments);
    }
    dispatch(bench).unwrap_or_else(|error| {
        // When nobody reads the standard error, the exit code still tells.
        let _unread = writeln!(io::stderr(), "error: {}", chain(&error));
        ExitCode::FAILURE
    })
}

fn dispatch(bench: Bench) -> Result<ExitCode, Error> {
    let part = bench.part.unwrap_or(Part::Run(bench.run));
    // One thread: children die with the thread that started them, and the load has one CPU.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    let result = runtime.block_on(async {
        match part {
            Part::Run(args) => run::run(*args).await,
            Part::Suite(args) => suite::run(*args).await,
            Part::Store(args) => store::run(*args).await,
            Part::Refusals(args) => refusals::run(*args).await,
            Part::Sender(args) => sender::run(args).await.map(|()| ExitCode::SUCCESS),
            Part::Sink(args) => sink::run(args).await.map(|()| ExitCode::SUCCESS),
            Part::Launch(args) => child::launch(&args).map(|never| match never {}),
        }
    });
    // A thread may still wait for the standard input.
    runtime.shutdown_background();
    result
}

/// An error with its causes.
pub(super) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Bench::command().debug_assert();
    }

    #[test]
    fn options_may_follow_the_word_run_or_stand_alone() {
        for line in [&["b", "run", "--rounds", "3"][..], &["b", "--rounds", "3"]] {
            assert!(Bench::try_parse_from(line).is_ok(), "{line:?}");
        }
    }
}
