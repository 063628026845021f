//! `etalon contract lint`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use etalon_telemetry_schema::lint::{
    File, Format, Linter, Options, Others, Prepared, Report, Severity, Target, Told, fitting, fixed, render,
};
use etalon_telemetry_schema::{Contract, Exposition, Level, catalog, upstream};

use super::ContractError;
use crate::command::CommandError;

/// The arguments of `contract lint`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etalon contract lint dashboard.json rules.yaml
                                          Do they fit this program?
  etalon contract lint rules.yaml --contract otelcol@0.128/explicit
                                          Do they fit the Go collector 0.128 with a reader that is configured?
  etalon contract lint rules.yaml --contract otelcol@0.128/explicit --against current
                                          What breaks on the move from it to this program?
  etalon contract lint rules.yaml --fix   Rewrite the names that are known to have moved
  etalon contract lint --expr 'rate(otelcol_exporter_sent_spans_total[5m])'

Exit status: 0 when nothing is an error, 1 when something is, 2 when a file cannot be read, or the arguments
are wrong.")]
pub(crate) struct LintArgs {
    /// Grafana dashboards (.json), rule files of Prometheus or Mimir (.yaml, .yml), or PromQL with empty lines
    /// between the expressions (any other name)
    #[arg(value_name = "FILE", required_unless_present = "expressions")]
    files: Vec<PathBuf>,
    /// An expression to check. May be repeated
    #[arg(long = "expr", value_name = "PROMQL")]
    expressions: Vec<String>,
    /// Which contract: current, a release such as 0.1.0, or otelcol@VERSION; after a slash, the exposition
    #[arg(long, value_name = "NAME", default_value = catalog::CURRENT)]
    contract: String,
    /// The contract to move to: what it does not fit is told too
    #[arg(long, value_name = "NAME")]
    against: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Shown::Text)]
    format: Shown,
    /// Rewrite the files: names that are known to have moved get the name that they have now, in the contract to
    /// move to if there is one. Then tell what is left
    #[arg(long)]
    fix: bool,
    /// The level of the collector's metrics
    #[arg(long, value_enum, default_value_t = MetricsLevel::Normal)]
    level: MetricsLevel,
    /// A label that the scrape configuration adds to every series. May be repeated
    #[arg(long = "target-label", value_name = "LABEL")]
    target_labels: Vec<String>,
    /// The value of a dashboard's variable. May be repeated
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = name_and_value)]
    variables: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Shown {
    /// For people
    Text,
    /// All of it, as JSON
    Json,
    /// SARIF 2.1.0, for code review
    Sarif,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum MetricsLevel {
    /// What everybody needs
    Basic,
    /// What a collector has by default
    Normal,
    /// Everything
    Detailed,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A contract, by the name that it was asked for.
#[derive(Clone)]
struct Named {
    name: String,
    contract: Contract,
    exposition: Exposition,
    note: Option<String>,
}

impl Named {
    fn find(name: &str) -> Result<Self, ContractError> {
        let (contract, exposition) = catalog::find(name)?;
        // The catalog does not say that another version's contract was meant.
        let version =
            name.strip_prefix(catalog::OTELCOL).map(|rest| rest.split_once('/').map_or(rest, |(v, _)| v));
        let note = version.and_then(|version| upstream::find(version, None).ok()?.note());
        Ok(Self { name: name.to_owned(), contract, exposition, note })
    }

    fn target(&self) -> Target<'_> {
        Target { name: self.name.clone(), contract: &self.contract, exposition: &self.exposition }
    }
}

pub(super) fn run(args: &LintArgs) -> Result<(), CommandError> {
    let contract = Named::find(&args.contract)?;
    let against = args.against.as_deref().map(Named::find).transpose()?;
    let own = catalog::names().map(own_contract).collect::<Result<Vec<_>, _>>()?.concat();
    let go = Target::of_go_collector().map_err(|error| ContractError::Unknown(error.into()))?;
    let all: Vec<Target<'_>> = go.into_iter().chain(own.iter().map(Named::target)).collect();
    let others = Others::of(&all);
    let run = Run { args, contract: &contract, against: against.as_ref(), others: &others };
    let mut prepared = Prepared::new(args.read()?, &args.variables());
    let mut notes: Vec<String> = [Some(&contract), against.as_ref()]
        .into_iter()
        .flatten()
        .filter_map(|named| named.note.clone())
        .collect();
    if args.fix {
        let (files, fixes) = run.fix(&prepared)?;
        notes.extend(fixes);
        prepared = Prepared::new(files, &args.variables());
    }
    let report = run.report(&prepared);
    let errors = report.count(Severity::Error);
    let unreadable = prepared.unreadable().count();
    if errors > 0 && unreadable == 0 {
        let fitting = fitting(&prepared, &all, &args.options());
        notes.extend(fitting.map(|names| format!("everything fits {names}")));
    }
    let contracts = [Some(&contract), against.as_ref()].into_iter().flatten();
    let contracts = contracts.map(|named| named.name.clone()).collect();
    let told = Told { prepared: &prepared, report: &report, contracts, notes };
    std::io::stdout().write_all(render(&told, args.format.into()).as_bytes())?;
    match (unreadable, errors) {
        (0, 0) => Ok(()),
        (0, _) => Err(ContractError::DoesNotFit.into()),
        _ => Err(ContractError::Unreadable.into()),
    }
}

/// A contract of this program in each of its expositions.
fn own_contract(name: &str) -> Result<Vec<Named>, ContractError> {
    let (contract, _) = catalog::find(name)?;
    let named = contract.expositions.iter().enumerate().map(|(index, exposition)| Named {
        name: if index == 0 { name.to_owned() } else { format!("{name}/{}", exposition.id) },
        contract: contract.clone(),
        exposition: exposition.clone(),
        note: None,
    });
    Ok(named.collect())
}

/// One run of the command.
struct Run<'a> {
    args: &'a LintArgs,
    contract: &'a Named,
    against: Option<&'a Named>,
    others: &'a Others,
}

impl Run<'_> {
    fn lint(&self, named: &Named, prepared: &Prepared) -> Report {
        Linter::new(named.target(), self.others, self.args.options()).lint(prepared)
    }

    /// What does not fit the contract, and what else does not fit the one to move to.
    fn report(&self, prepared: &Prepared) -> Report {
        let mut report = self.lint(self.contract, prepared);
        if let Some(against) = self.against {
            let more = self.lint(against, prepared).beyond(&report);
            report.findings.extend(more.findings);
            report.findings.sort_by_key(|finding| (finding.file.clone(), finding.line, finding.column));
        }
        report
    }

    /// Rewrites files. The files as they are then, and what was done.
    fn fix(&self, prepared: &Prepared) -> Result<(Vec<File>, Vec<String>), ContractError> {
        let report = self.lint(self.against.unwrap_or(self.contract), prepared);
        let mut files = prepared.files().to_vec();
        let mut notes = Vec::new();
        for (index, file) in files.iter_mut().enumerate() {
            let Some((text, number)) = fixed(file, &report) else { continue };
            if let Some(path) = self.args.files.get(index) {
                write(path, &text)?;
                notes.push(format!("names rewritten in {}: {number}", file.name));
            } else {
                notes.push(format!("{} becomes {text}", file.name));
            }
            file.text = text;
        }
        Ok((files, notes))
    }
}

fn write(path: &Path, text: &str) -> Result<(), ContractError> {
    std::fs::write(path, text).map_err(|source| ContractError::Write { path: path.to_owned(), source })
}

impl LintArgs {
    /// The files, and then the expressions of the command line.
    fn read(&self) -> Result<Vec<File>, ContractError> {
        let files = self.files.iter().map(|path| {
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|source| ContractError::Read { path: path.clone(), source })?;
            Ok(File { name: path.display().to_string(), text })
        });
        let expressions = self.expressions.iter().enumerate().map(|(index, text)| {
            let number = if self.expressions.len() == 1 { String::new() } else { format!(" {}", index + 1) };
            Ok(File { name: format!("--expr{number}"), text: text.clone() })
        });
        files.chain(expressions).collect()
    }

    fn options(&self) -> Options {
        Options { level: self.level.into(), target_labels: self.target_labels.clone() }
    }

    fn variables(&self) -> BTreeMap<String, String> {
        self.variables.iter().cloned().collect()
    }
}

impl From<MetricsLevel> for Level {
    fn from(level: MetricsLevel) -> Self {
        match level {
            MetricsLevel::Basic => Self::Basic,
            MetricsLevel::Normal => Self::Normal,
            MetricsLevel::Detailed => Self::Detailed,
        }
    }
}

impl From<Shown> for Format {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::Text => Self::Text,
            Shown::Json => Self::Json,
            Shown::Sarif => Self::Sarif,
        }
    }
}
