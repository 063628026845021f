//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};

/// OTLP in, OTLP out: receives traces, metrics and logs, and passes them on.
#[derive(Debug, Parser)]
#[command(
    max_term_width = 100,
    after_help = "\
Examples:
  etalon                                  Receive OTLP on 127.0.0.1:4317 (gRPC) and :4318 (HTTP) and
                                          print what arrives: the first thing to try
  etalon send                             Send a sample trace, metric and log there (other terminal)
  etalon --config collector.yaml          Run a configuration
  etalon --config base.yaml --config site.yaml --set exporters.otlp_grpc.timeout=10s
                                          Merge two, the later one wins, and override one key
  etalon validate --config collector.yaml Check a configuration without running it
  etalon explain --config collector.yaml  Say what it promises, and what each failure costs

Signals: SIGINT and SIGTERM stop receiving, deliver what is held, and exit. SIGHUP reloads the
configuration; one that is not valid changes nothing.
Exit status: 0 after an orderly end, 1 after an error."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct ConfigArgs {
    /// Configuration to load: a file, or file:, env:, yaml:, http: or https: and what it names. May be
    /// repeated; later ones are merged over earlier ones
    #[arg(long = "config", value_name = "URI", global = false)]
    pub(crate) config: Vec<String>,
    /// One key to set, after all --config, as in exporters.debug.verbosity=detailed. The value is YAML.
    /// May be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Feature gates to switch: id or +id turns one on, -id turns it off; separated by commas
    #[arg(long = "feature-gates", value_name = "LIST", allow_hyphen_values = true)]
    pub(crate) feature_gates: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a configuration: prints nothing and exits 0 when it is valid
    Validate(ConfigArgs),
    /// Say what a configuration promises: when senders are told OK, what each failure costs, how much memory and disk it
    /// can use, and what is unwise
    Explain(crate::explain::ExplainArgs),
    /// List the components of this distribution, as YAML
    Components,
    /// Print the configuration that would run: merged, expanded, with every default
    #[command(visible_alias = "print-initial-config")]
    PrintConfig(PrintConfigArgs),
    /// List the feature gates, or tell of one
    Featuregate {
        /// The gate to tell of
        #[arg(value_name = "ID")]
        id: Option<String>,
    },
    /// Print a completion script for a shell: source it in the shell's start-up file
    Completion {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Send a sample trace, metric and log to an OTLP endpoint and report what comes back
    Send(crate::send::SendArgs),
    /// What this collector says about itself, as a versioned contract
    #[command(subcommand)]
    Contract(crate::contract::ContractCommand),
    /// What the queues on disk hold
    #[command(subcommand)]
    Queue(crate::queue::QueueCommand),
}

#[derive(Debug, Args)]
pub(crate) struct PrintConfigArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// How to print it
    #[arg(long, value_enum, ignore_case = true, default_value_t = Format::Yaml)]
    pub(crate) format: Format,
    /// Whether secrets are shown
    #[arg(long, value_enum, ignore_case = true, default_value_t = Mode::Redacted)]
    pub(crate) mode: Mode,
    /// Whether the configuration must be valid to be printed
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub(crate) validate: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Yaml,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Secrets print as [REDACTED]
    Redacted,
    /// Secrets print as they are
    Unredacted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Fish,
    Powershell,
    Zsh,
}

impl ConfigArgs {
    /// These, and then those of `later`: flags may stand before a sub-command and after it.
    pub(crate) fn and(self, later: Self) -> Self {
        let join = |mut first: Vec<String>, second: Vec<String>| {
            first.extend(second);
            first
        };
        Self {
            config: join(self.config, later.config),
            set: join(self.set, later.set),
            feature_gates: join(self.feature_gates, later.feature_gates),
        }
    }

    /// The first flag that was given, if any was.
    pub(crate) fn first_flag(&self) -> Option<&'static str> {
        let given =
            [("--config", &self.config), ("--set", &self.set), ("--feature-gates", &self.feature_gates)];
        given.into_iter().find(|(_, values)| !values.is_empty()).map(|(flag, _)| flag)
    }
}

/// The command line of a distribution, under its own name and version: for manuals and completions. [`run`](crate::run)
/// is what obeys it.
pub fn command(build: &etalon_component::BuildInfo) -> clap::Command {
    use clap::CommandFactory as _;
    // As the Go collector's: clap itself would make it -V.
    let version = clap::Arg::new("version").short('v').long("version").action(clap::ArgAction::Version);
    Cli::command()
        .name(build.command)
        .version(format!("version {}", build.version))
        .disable_version_flag(true)
        .arg(version.help("Print version"))
}
