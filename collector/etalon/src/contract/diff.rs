//! `etalon contract diff`.

use std::cmp::Reverse;
use std::io::Write as _;

use clap::{Args, ValueEnum};
use etalon_telemetry_schema::Contract;
use etalon_telemetry_schema::catalog;
use etalon_telemetry_schema::diff::{Bump, Change, Verdict, compare, required_bump};
use serde_json::json;

use super::ContractError;
use crate::command::CommandError;

/// The arguments of `contract diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etalon contract diff 0.1.0 current              What has changed since 0.1.0
  etalon contract diff otelcol@0.151 otelcol@0.152 --format md
                                                  What the Go collector changed, as a table
  etalon contract diff otelcol@0.151/explicit otelcol@0.152/explicit
                                                  The same, of one exposition

Exit status: 0 when nothing that worked stops working, 1 when something does, 2 when the arguments are
wrong.")]
pub(crate) struct DiffArgs {
    /// What was there: current, a release such as 0.1.0, or the Go collector's, as otelcol@0.128; after a slash, the
    /// exposition that is looked at [default: all]
    #[arg(value_name = "OLD")]
    old: String,
    /// What is there
    #[arg(value_name = "NEW")]
    new: String,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// To read, the gravest first
    Text,
    /// To process
    Json,
    /// A table
    Md,
}

/// Two contracts, and what is between them.
struct Comparison<'a> {
    old: &'a Contract,
    new: &'a Contract,
    /// The gravest first.
    changes: Vec<Change>,
}

pub(super) fn run(args: &DiffArgs) -> Result<(), CommandError> {
    let find = |name: &str| catalog::find(name).map_err(ContractError::Unknown);
    let (mut old, mut new) = (find(&args.old)?, find(&args.new)?);
    if [&args.old, &args.new].iter().any(|name| name.contains('/')) {
        // Who moves from one exposition to another sees it change.
        new.1.id.clone_from(&old.1.id);
        for (contract, exposition) in [&mut old, &mut new] {
            contract.expositions = vec![exposition.clone()];
        }
    }
    let ((old, _), (new, _)) = (old, new);
    let mut changes = compare(&old, &new);
    // Those that are as grave as one another stay in the order of the contract.
    changes.sort_by_key(|change| Reverse(change.verdict));
    let comparison = Comparison { old: &old, new: &new, changes };
    let text = match args.format {
        Format::Text => comparison.text(),
        Format::Json => comparison.json(),
        Format::Md => comparison.table(),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    match comparison.breaking() {
        0 => Ok(()),
        breaking => {
            let (all, old) = (comparison.changes.len(), args.old.clone());
            Err(ContractError::Breaking { breaking, all, old }.into())
        }
    }
}

impl Comparison<'_> {
    fn breaking(&self) -> usize {
        self.changes.iter().filter(|change| change.verdict >= Verdict::Breaking).count()
    }

    fn bump(&self) -> Bump {
        required_bump(&self.changes)
    }

    fn title(&self) -> String {
        let Self { old, new, changes } = self;
        let changed = match changes.len() {
            0 => {
                return format!("{} {} and {} {} are the same", old.name, old.version, new.name, new.version);
            }
            1 => "1 change".to_owned(),
            several => format!("{several} changes"),
        };
        let (bump, least) = (self.bump(), self.bump().from(&old.version));
        format!(
            "{} {} → {} {}: {changed}; needs version {least} or later ({bump})",
            old.name, old.version, new.name, new.version
        )
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.title());
        for change in &self.changes {
            text.push_str(&format!("{:9}  {change}\n", change.verdict));
        }
        text
    }

    fn json(&self) -> String {
        let side = |contract: &Contract| json!({"name": contract.name, "version": contract.version});
        let document = json!({
            "old": side(self.old),
            "new": side(self.new),
            "bump": self.bump(),
            "changes": self.changes,
        });
        format!("{document:#}\n")
    }

    fn table(&self) -> String {
        let mut text = format!("{}\n", self.title());
        if !self.changes.is_empty() {
            text.push_str("\n| verdict | where | old | new | why |\n|---|---|---|---|---|\n");
        }
        for Change { path, rule, old, new, verdict, .. } in &self.changes {
            let [old, new] = [old, new].map(|side| side.as_deref().map(cell).unwrap_or_default());
            text.push_str(&format!("| {verdict} | `{path}` | {old} | {new} | {rule} |\n"));
        }
        text
    }
}

/// Text that does not end a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
