//! The command line, and the evidence.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use etalon_tests::rig::{Kills, Overload, Queue, Refuses, Reloads, Stops, Summary, Way, full_disk};
use etalon_tests::use_binary;
use serde_json::json;

use crate::command::{Places, cargo, say, succeed};

/// Kill, stop, reload and overload collectors under load, and count what is lost.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask chaos",
    disable_help_subcommand = true,
    after_help = "\
The senders and the destination count by item what was promised and what arrived. A broken promise is printed, and
makes the exit status 1. What was counted is written to target/chaos/SCENARIO.json.

Examples:
  cargo xtask chaos kill --cycles 10000
  cargo xtask chaos stop --cycles 1000 --seed 7
  cargo xtask chaos reload --cycles 3600 --pause 1
  cargo xtask chaos disk
  cargo xtask chaos overload --seconds 120 --budget-mib 64"
)]
struct Chaos {
    #[command(subcommand)]
    scenario: Scenario,
    /// The collector; by default it is built
    #[arg(long, global = true, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Of moments, and of what the destination is like
    #[arg(long, global = true, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Where the evidence goes
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Scenario {
    /// kill -9 at any moment, with a queue on disk and a destination that comes and goes
    Kill {
        /// How often
        #[arg(long, default_value_t = 1000)]
        cycles: u32,
        /// Collectors at the same time
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
        lanes: u32,
    },
    /// SIGTERM with a destination that is there, slow, or away; with a queue on disk, and with one in memory
    Stop {
        /// How often, each
        #[arg(long, default_value_t = 200)]
        cycles: u32,
    },
    /// SIGHUP, with files of which every tenth is invalid
    Reload {
        /// How often
        #[arg(long, default_value_t = 120)]
        cycles: u32,
        /// Seconds between two
        #[arg(long, default_value_t = 1.0)]
        pause: f64,
    },
    /// A file system of 16 MiB that fills up, and is empty again
    Disk {
        /// How often
        #[arg(long, default_value_t = 20)]
        cycles: u32,
    },
    /// Ten times what the destination takes, with a limit for the memory; over gRPC and over HTTP
    Overload {
        /// At saturation, and then again of overload
        #[arg(long, default_value_t = 30)]
        seconds: u64,
        /// The limit
        #[arg(long, default_value_t = 64)]
        budget_mib: u64,
    },
}

/// A promise was broken.
#[derive(Debug, thiserror::Error)]
#[error("promises were broken; the evidence is in {}", .0.display())]
struct Broken(PathBuf);

/// Runs `chaos` with the arguments that follow that word.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let arguments = ["cargo xtask chaos"].iter().chain(arguments);
    let chaos = match Chaos::try_parse_from(arguments) {
        Ok(chaos) => chaos,
        Err(told) => {
            told.print()?;
            return if told.use_stderr() { Err("nothing was done".into()) } else { Ok(()) };
        }
    };
    let places = Places::find()?;
    let binary = match chaos.binary {
        Some(binary) => binary,
        None => {
            succeed(cargo().args([
                "build",
                "--quiet",
                "--profile=tasks",
                "--package=etalon",
                "--bin=etalon",
            ]))?;
            places.target.join("tasks/etalon")
        }
    };
    use_binary(binary.canonicalize()?);
    let (name, summaries, seconds) = timed(chaos.scenario, chaos.seed)?;
    let path = chaos.json.unwrap_or_else(|| places.target.join(format!("chaos/{name}.json")));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let parts: Vec<_> = summaries.iter().map(Summary::json).collect();
    let evidence = json!({"binary": binary, "seed": chaos.seed, "seconds": seconds, "parts": parts});
    fs::write(&path, format!("{evidence:#}\n"))?;
    for summary in &summaries {
        say(&format!("{summary}"));
    }
    say(&format!("{seconds} s, evidence: {}", path.display()));
    if summaries.iter().all(|summary| summary.broken.is_empty()) { Ok(()) } else { Err(Broken(path).into()) }
}

fn timed(scenario: Scenario, seed: u64) -> Result<(&'static str, Vec<Summary>, u64), Box<dyn Error>> {
    #[expect(clippy::disallowed_methods, reason = "a person is told how long it took")]
    let started = Instant::now();
    let (name, summaries) = match scenario {
        Scenario::Kill { cycles, lanes } => ("kill", vec![Kills { cycles, lanes, seed }.run()]),
        Scenario::Stop { cycles } => {
            let queues = [Queue::Disk, Queue::Memory];
            ("stop", queues.map(|queue| Stops { cycles, queue, seed }.run()).to_vec())
        }
        Scenario::Reload { cycles, pause } => {
            let pause = Duration::try_from_secs_f64(pause)?;
            ("reload", vec![Reloads { cycles, pause, seed }.run()])
        }
        Scenario::Disk { cycles } => ("disk", vec![full_disk(cycles)?]),
        Scenario::Overload { seconds, budget_mib } => {
            let time = Duration::from_secs(seconds);
            let parts =
                [(Way::Grpc, Refuses::Limiter), (Way::Http, Refuses::Limiter), (Way::Grpc, Refuses::Queue)];
            let run = |(way, refuses)| Overload { time, budget_mib, way, refuses }.run();
            ("overload", parts.map(run).to_vec())
        }
    };
    Ok((name, summaries, started.elapsed().as_secs()))
}
