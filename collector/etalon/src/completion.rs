//! What `completion` prints: a script that teaches a shell this command line.

use clap_complete::{Shell as Script, generate};
use etalon_component::BuildInfo;

use crate::args::{self, Shell};

/// The script for `shell`.
pub(crate) fn script(build: &BuildInfo, shell: Shell) -> String {
    let script = match shell {
        Shell::Bash => Script::Bash,
        Shell::Fish => Script::Fish,
        Shell::Powershell => Script::PowerShell,
        Shell::Zsh => Script::Zsh,
    };
    let mut text = Vec::new();
    generate(script, &mut args::command(build), build.command, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}
