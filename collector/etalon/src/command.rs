//! Runs what the command line asks for.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

use clap::FromArgMatches as _;
use etalon_component::{BoxError, ComponentId};
use etalon_service::{Collector, FeatureGates, Logging, ShutdownConfig, chain};
use etalon_telemetry::attributes::{Phase, Signal as OsSignal, StopReason};
use etalon_telemetry::event::Causes;
use etalon_telemetry::tell;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{Cli, Command, ConfigArgs, PrintConfigArgs};
use crate::explain::Denied;
use crate::fetch::Network;
use crate::load::{self, LoadError, Loaded};
use crate::reload::{Loader, Reloading};
use crate::stop::{Shutdown, Stop};
use crate::{
    Distribution, args, banner, completion, contract, explain, feature_gates, inventory, print, queue, send,
    usage,
};

/// Why a command failed, for the one place that reports it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("invalid argument \"{list}\" for \"--feature-gates\" flag: {}", texts(.errors))]
    Gates { list: String, errors: Vec<etalon_service::GateError> },
    #[error("feature \"{0}\" not found")]
    UnknownGate(String),
    #[error("unknown flag: {0}")]
    UnknownFlag(&'static str),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Build(#[from] etalon_service::BuildError),
    #[error(transparent)]
    Logging(#[from] etalon_service::LogSetupError),
    #[error("cannot start the runtime")]
    Runtime(#[source] std::io::Error),
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
    #[error(transparent)]
    Start(#[from] etalon_service::RunError),
    #[error("\"{id}\" cannot go on")]
    Component {
        id: ComponentId,
        #[source]
        source: BoxError,
    },
    #[error("failed to shut down: {0}")]
    Shutdown(ShutdownFailures),
    #[error("told to stop twice: what was held in memory is lost")]
    StopForced,
    #[error("cannot write to standard output")]
    Output(#[from] std::io::Error),
    #[error(transparent)]
    Send(#[from] send::SendError),
    #[error(transparent)]
    Contract(#[from] contract::ContractError),
    #[error(transparent)]
    Queue(#[from] queue::QueueError),
    #[error(transparent)]
    Denied(#[from] Denied),
}

/// What went wrong while the components were shut down.
#[derive(Debug)]
pub(crate) struct ShutdownFailures(Vec<(etalon_service::Role, ComponentId, BoxError)>);

/// Runs a distribution with these arguments, the command's name first.
///
/// Exits with 0 after an orderly end, and with `Error: …` on standard error and 1 after a failure; with 2 where `contract`
/// could not do its work, since 1 is what it finds.
pub fn run(distribution: &Distribution, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let is_of_contract = args.get(1).is_some_and(|first| first == "contract");
    let failure = if is_of_contract { ExitCode::from(contract::CANNOT) } else { ExitCode::FAILURE };
    let parsed = args::command(&distribution.build)
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let result = match parsed {
        Ok(cli) => execute(distribution, cli),
        Err(error) if error.use_stderr() => {
            report(format_args!("{}", usage::told(&error, distribution.build.command)));
            return failure;
        }
        Err(help_or_version) => help_or_version.print().map_err(CommandError::Output),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough.
        Err(CommandError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(CommandError::Contract(error)) => {
            if !error.is_told() {
                report(format_args!("{}", chain(&error)));
            }
            error.exit_code()
        }
        Err(error) => {
            report(format_args!("{}", chain(&error)));
            failure
        }
    }
}

fn execute(distribution: &Distribution, cli: Cli) -> Result<(), CommandError> {
    let Cli { config: before, command } = cli;
    match command {
        None => serve(distribution, &before),
        Some(Command::Validate(config)) => validate(distribution, &before.and(config)),
        Some(Command::Explain(args)) => {
            let (text, denied) = explain::run(distribution, &args.after(before))?;
            std::io::stdout().write_all(text.as_bytes())?;
            Ok(denied?)
        }
        Some(Command::PrintConfig(args)) => {
            let config = before.and(args.config);
            print::config(distribution, &PrintConfigArgs { config, ..args })
        }
        Some(other) => match before.first_flag() {
            Some(flag) => Err(CommandError::UnknownFlag(flag)),
            None => execute_without_configuration(distribution, other),
        },
    }
}

fn execute_without_configuration(distribution: &Distribution, command: Command) -> Result<(), CommandError> {
    let text = match command {
        Command::Components => inventory::yaml(distribution),
        Command::Featuregate { id: None } => feature_gates::table(),
        Command::Featuregate { id: Some(id) } => {
            feature_gates::details(&id).ok_or(CommandError::UnknownGate(id))?
        }
        Command::Completion { shell } => completion::script(&distribution.build, shell),
        Command::Contract(command) => return contract::run(&command),
        Command::Queue(command) => queue::run(&command)?,
        Command::Send(args) => return Ok(runtime()?.block_on(send::run(distribution, &args))?),
        Command::Validate(_) | Command::Explain(_) | Command::PrintConfig(_) => return Ok(()),
    };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// The feature gates of the command line.
pub(crate) fn gates(config: &ConfigArgs) -> Result<FeatureGates, CommandError> {
    let mut gates = FeatureGates::default();
    for list in &config.feature_gates {
        gates.apply(list).map_err(|errors| CommandError::Gates { list: list.clone(), errors })?;
    }
    for notice in gates.notices() {
        tell(format_args!("{notice}\n"));
    }
    Ok(gates)
}

fn texts(errors: &[etalon_service::GateError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// As Go's dry run: everything is decoded, validated and built, and nothing is started.
fn validate(distribution: &Distribution, args: &ConfigArgs) -> Result<(), CommandError> {
    let gates = gates(args)?;
    let Loaded { config, .. } = load::valid(distribution, args, &gates, &Network::default())?;
    // Components may tie themselves to the runtime when they are created.
    let runtime = runtime()?;
    let _inside = runtime.enter();
    Collector::build(&config, &distribution.factories, &distribution.build, &BTreeMap::new())?;
    Ok(())
}

fn serve(distribution: &Distribution, args: &ConfigArgs) -> Result<(), CommandError> {
    let gates = gates(args)?;
    let network = Network::default();
    let load = || load::valid(distribution, args, &gates, &network);
    let loaded = load()?;
    let resource = etalon_service::resource(&loaded.config.telemetry, &distribution.build);
    let logging = Logging::start(&loaded.config.telemetry.logs, &resource)?;
    for warning in &loaded.warnings {
        tell!(ConfigWarning { warning });
    }
    // Loading may block, and has a runtime of its own for the network.
    std::thread::scope(|scope| {
        let loader = Loader::spawn(scope, load);
        let runtime = runtime()?;
        let ended = runtime.block_on(async {
            let mut collector =
                Collector::build(&loaded.config, &distribution.factories, &distribution.build, &resource)?;
            collector.take_lines_of(&logging);
            collector.tell_gates(&gates);
            let _log = collector.observe_log(&logging);
            let mut stop = Stop::listen().map_err(CommandError::Signals)?;
            let mut shutdown = loaded.config.shutdown;
            let reloading = Reloading { distribution, loader, logging, resource: &resource };
            let ended = until_stopped(reloading, loaded, &mut collector, &mut stop, &mut shutdown).await;
            let stopped = Shutdown { config: shutdown, stop }.run(&mut collector, &ended).await;
            let failures = stopped.as_ref().map_or(0, Vec::len);
            tell!(ServiceStopped { failures: failures.into() });
            ended?;
            let failures = stopped?;
            if failures.is_empty() { Ok(()) } else { Err(CommandError::Shutdown(ShutdownFailures(failures))) }
        });
        // Everything has been delivered or counted: nothing that still waits for a network or a disk is worth
        // waiting for.
        network.give_up();
        runtime.shutdown_background();
        ended
    })
}

/// Starts the collector and waits for a reason to stop it. `shutdown` is how that is to be done: what the configuration
/// says that runs.
async fn until_stopped(
    mut reloading: Reloading<'_>,
    loaded: Loaded,
    collector: &mut Collector,
    stop: &mut Stop,
    shutdown: &mut ShutdownConfig,
) -> Result<StopReason, CommandError> {
    let mut hangup = signal(SignalKind::hangup()).map_err(CommandError::Signals)?;
    let build = &reloading.distribution.build;
    tell!(ServiceStarting { command: &build.command, service_version: &build.version, cpus: cpus().into() });
    tokio::select! {
        biased;
        // What starts may wait for a network or a disk.
        reason = stop.asked() => return Ok(reason),
        started = collector.start() => started?,
    }
    if loaded.config.telemetry.logs.encoding == etalon_service::LogEncoding::Console {
        banner::print(&loaded, collector, build);
    }
    let mut telemetry = loaded.config.telemetry;
    tell!(ServiceReady);
    loop {
        tokio::select! {
            reason = stop.asked() => return Ok(reason),
            _ = hangup.recv() => {}
            failed = collector.failed() => return Err(given_up(failed)),
        }
        tell!(ServiceSignalReceived { signal: OsSignal::Hangup });
        tell!(ConfigReloadStarted);
        tokio::select! {
            biased;
            // A configuration on the network may take its time, and so may what starts.
            reason = stop.asked() => return Ok(reason),
            () = reloading.reload(&mut telemetry, shutdown, collector) => {}
        }
    }
}

/// Tells that a component cannot go on.
pub(crate) fn given_up((id, error): (ComponentId, BoxError)) -> CommandError {
    tell!(ComponentFailed {
        what: &"Asynchronous error received, terminating process",
        otelcol_component_id: &id,
        otelcol_component_kind: None,
        phase: Phase::Run,
        error: &Causes(&*error),
    });
    CommandError::Component { id, source: error }
}

/// Why the collector is shut down.
pub(crate) fn reason(ended: &Result<StopReason, CommandError>) -> StopReason {
    match ended {
        Ok(reason) => *reason,
        Err(CommandError::Component { .. }) => StopReason::ComponentFailed,
        Err(_) => StopReason::StartFailed,
    }
}

pub(crate) fn runtime() -> Result<Runtime, CommandError> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CommandError::Runtime)
}

fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn report(error: fmt::Arguments<'_>) {
    tell(format_args!("Error: {error}\n"));
}

/// Writes to standard error, for the person at the terminal.
pub(crate) fn tell(text: fmt::Arguments<'_>) {
    // Nobody may read it any more, which is no reason to end.
    std::io::stderr().write_fmt(text).ok();
}

impl fmt::Display for ShutdownFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> =
            self.0.iter().map(|(role, id, error)| format!("{role} \"{id}\": {}", chain(&**error))).collect();
        f.write_str(&parts.join("; "))
    }
}
