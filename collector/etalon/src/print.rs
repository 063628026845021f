//! What `print-config` prints: the configuration that would run.

use std::io::Write as _;

use etalon_conf::Secrets;

use crate::args::{Format, Mode, PrintConfigArgs};
use crate::command::{CommandError, gates};
use crate::fetch::Network;
use crate::{Distribution, load};

/// Prints the configuration with every default filled in.
pub(crate) fn config(distribution: &Distribution, args: &PrintConfigArgs) -> Result<(), CommandError> {
    let gates = gates(&args.config)?;
    let network = Network::default();
    let loaded = if args.validate {
        load::valid(distribution, &args.config, &gates, &network)?
    } else {
        load::decoded(distribution, &args.config, &gates, &network)?
    };
    let value = loaded.config.to_value();
    let secrets = match args.mode {
        Mode::Redacted => Secrets::Redacted,
        Mode::Unredacted => Secrets::Exposed,
    };
    let text = match args.format {
        Format::Yaml => value.to_yaml(secrets),
        Format::Json => indented(&value.to_json(secrets)),
    };
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

/// Indented by two, keys sorted, as Go's encoder does it.
fn indented(json: &str) -> String {
    let pretty =
        serde_json::from_str(json).and_then(|tree: serde_json::Value| serde_json::to_string_pretty(&tree));
    pretty.expect("what was just written is JSON")
}
