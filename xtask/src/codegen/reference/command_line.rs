//! The page of the command line.

use clap::{Arg, Command};

use crate::codegen::markdown::{STAMP, escaped};

/// The page of `command` and its subcommands.
pub(super) fn page(mut command: Command) -> String {
    command.build();
    let name = command.get_name().to_owned();
    let mut page = format!("# Command line\n\n{STAMP}\n\n");
    page.push_str("How to use it is told in [Command line](../use/command-line.md).\n");
    write(&command, &name, &mut page);
    page
}

fn write(command: &Command, name: &str, page: &mut String) {
    page.push_str(&format!("\n## {name}\n\n"));
    let about = command.get_long_about().or_else(|| command.get_about());
    if let Some(about) = about {
        page.push_str(&format!("{}\n\n", sentence(&about.to_string())));
    }
    let aliases: Vec<String> = command.get_visible_aliases().map(|alias| format!("`{alias}`")).collect();
    if !aliases.is_empty() {
        page.push_str(&format!("Also called {}.\n\n", aliases.join(", ")));
    }
    let arguments: Vec<&Arg> = command.get_arguments().filter(|argument| !argument.is_hide_set()).collect();
    if !arguments.is_empty() {
        page.push_str("| option | default | meaning |\n|---|---|---|\n");
    }
    for argument in arguments {
        let cells = [option(argument), default(argument), meaning(argument)];
        page.push_str(&format!("| {} |\n", cells.map(|cell| escaped(&cell)).join(" | ")));
    }
    let after = command.get_after_long_help().or_else(|| command.get_after_help());
    if let Some(after) = after {
        page.push_str(&format!("\n```text diagram\n{}\n```\n", after.to_string().trim_end()));
    }
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        write(inner, &format!("{name} {}", inner.get_name()), page);
    }
}

/// `-v`, `--config <URI>`.
fn option(argument: &Arg) -> String {
    let mut names = Vec::new();
    names.extend(argument.get_short().map(|short| format!("-{short}")));
    names.extend(argument.get_long().map(|long| format!("--{long}")));
    names.extend(argument.get_visible_aliases().into_iter().flatten().map(|alias| format!("--{alias}")));
    let mut text = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if argument.get_action().takes_values() {
        let values = argument.get_value_names().unwrap_or_default().iter();
        let values: Vec<String> = values.map(|value| format!("`{value}`")).collect();
        text = [text].into_iter().chain(values).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    }
    text
}

fn default(argument: &Arg) -> String {
    if argument.is_hide_default_value_set() || !argument.get_action().takes_values() {
        return String::new();
    }
    let values = argument.get_default_values().iter();
    values.map(|value| format!("`{}`", value.to_string_lossy())).collect::<Vec<_>>().join(", ")
}

fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let mut text = help.map_or_else(String::new, |help| sentence(&help.to_string()));
    if argument.is_required_set() {
        text.push_str(" Required.");
    }
    let is_listed = argument.get_action().takes_values() && !argument.is_hide_possible_values_set();
    let possible =
        argument.get_possible_values().into_iter().filter(|value| is_listed && !value.is_hide_set());
    for value in possible {
        match value.get_help() {
            Some(help) => {
                text.push_str(&format!(" `{}`: {}", value.get_name(), sentence(&help.to_string())));
            }
            None => text.push_str(&format!(" `{}`.", value.get_name())),
        }
    }
    text
}

/// In one line, with a full stop: help texts of a terminal have none.
fn sentence(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.ends_with(['.', ':', '?']) { text } else { format!("{text}.") }
}
