//! What is said about a command line that is wrong, in the words of the Go collector.

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The error for people, without a line break at its end.
pub(crate) fn told(error: &Error, command: &str) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let argument = text(ContextKind::InvalidArg);
    let message = match (error.kind(), argument, text(ContextKind::InvalidValue)) {
        (ErrorKind::InvalidSubcommand, ..) => {
            let word = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("unknown command \"{word}\" for \"{command}\"")
        }
        (ErrorKind::UnknownArgument, Some(flag), _) if flag.starts_with("--") => {
            format!("unknown flag: {}", flag.split('=').next().unwrap_or(flag))
        }
        (ErrorKind::UnknownArgument, Some(flag), _) if flag.starts_with('-') => {
            format!("unknown shorthand flag: {flag}")
        }
        (ErrorKind::UnknownArgument, Some(word), _) => format!("unknown argument: \"{word}\""),
        (ErrorKind::InvalidValue, Some(flag), Some("")) => {
            format!("flag needs an argument: {}", flag_of(flag))
        }
        (ErrorKind::InvalidValue, Some("--format <FORMAT>"), Some(value)) => {
            format!("unrecognized print format: {value}")
        }
        (ErrorKind::InvalidValue, Some("--mode <MODE>"), Some(value)) => {
            format!("invalid mode \"{value}\": modes are: redacted, unredacted")
        }
        _ => return error.render().to_string().trim_start_matches("error: ").trim_end().to_owned(),
    };
    let near = match error.get(ContextKind::SuggestedSubcommand).or(error.get(ContextKind::SuggestedArg)) {
        Some(ContextValue::String(near)) => Some(near.as_str()),
        Some(ContextValue::Strings(near)) => near.first().map(String::as_str),
        _ => None,
    };
    let near = near.map(|near| format!("\n\nDid you mean this?\n\t{near}")).unwrap_or_default();
    format!("{message}{near}\nRun '{command} --help' for usage.")
}

/// `--config` of `--config <URI>`.
fn flag_of(argument: &str) -> &str {
    argument.split_once(' ').map_or(argument, |(flag, _)| flag)
}
