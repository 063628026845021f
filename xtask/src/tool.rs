//! The programs of other languages that tasks need, and what to do where one is missing.

use std::io;
use std::process::{Command, Stdio};

/// A program that a task needs on PATH.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    /// What a person calls it, with the oldest version that will do.
    what: &'static str,
    /// Prints its version.
    command: [&'static str; 2],
    /// Major and minor of the oldest version.
    oldest: (u32, u32),
    /// Debian's packages.
    debian: &'static str,
}

pub(crate) const PYTHON: Tool = Tool {
    what: "Python 3.10 or later",
    command: ["python3", "--version"],
    oldest: (3, 10),
    debian: "python3 python3-venv",
};
// From 1.21 on, Go fetches the later version that a module asks for.
pub(crate) const GO: Tool = Tool {
    what: "Go 1.25 or later, or 1.21 or later that may fetch it",
    command: ["go", "version"],
    oldest: (1, 21),
    debian: "golang-go",
};
pub(crate) const NODE: Tool = Tool {
    what: "Node.js 18.19 or later",
    command: ["node", "--version"],
    oldest: (18, 19),
    debian: "nodejs",
};
pub(crate) const NPM: Tool =
    Tool { what: "npm", command: ["npm", "--version"], oldest: (0, 0), debian: "npm" };
pub(crate) const PROMETHEUS: Tool = Tool {
    what: "Prometheus 2.42 or later",
    command: ["prometheus", "--version"],
    oldest: (2, 42),
    debian: "prometheus",
};
pub(crate) const JAVA: Tool = Tool {
    what: "a Java Development Kit, 17 or later",
    command: ["javac", "-version"],
    oldest: (17, 0),
    debian: "default-jdk-headless",
};
pub(crate) const MAVEN: Tool =
    Tool { what: "Maven", command: ["mvn", "--version"], oldest: (0, 0), debian: "maven" };

/// Why a tool will not do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolError {
    #[error("{} is missing: no {} on PATH (on Debian: apt-get install {})", .0.what, .0.command[0], .0.debian)]
    Missing(Tool, #[source] io::Error),
    #[error("{} is needed, and `{}` says {said:?}", tool.what, tool.command.join(" "))]
    Unfit { tool: Tool, said: String },
}

impl Tool {
    /// What it says of its version, when that will do.
    pub(crate) fn version(&self) -> Result<String, ToolError> {
        let [program, argument] = self.command;
        let output = Command::new(program).arg(argument).stdin(Stdio::null()).output();
        let output = output.map_err(|error| ToolError::Missing(*self, error))?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let fits = self.oldest == (0, 0) || number(&said).is_some_and(|version| version >= self.oldest);
        if output.status.success() && fits { Ok(said) } else { Err(ToolError::Unfit { tool: *self, said }) }
    }
}

/// The first `major.minor` in a text.
fn number(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text[text.find(|c: char| c.is_ascii_digit())?..].split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next().and_then(|minor| minor.parse().ok()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_each_tool_says() {
        assert_eq!(number("Python 3.11.7"), Some((3, 11)));
        assert_eq!(number("go version go1.26.8 linux/amd64"), Some((1, 26)));
        assert_eq!(number("go version go1.25rc1 linux/amd64"), Some((1, 25)));
        assert_eq!(number("v20.20.2"), Some((20, 20)));
        assert_eq!(number("javac 21"), Some((21, 0)));
        assert_eq!(number("no number"), None);
    }

    #[test]
    fn a_tool_that_is_missing_or_too_old_is_told_apart() {
        let missing = Tool { command: ["etalon-has-no-such-tool", "--version"], ..GO };
        assert!(matches!(missing.version(), Err(ToolError::Missing(..))));
        let cargo = Tool { command: ["cargo", "--version"], oldest: (1, 0), ..GO };
        assert!(cargo.version().is_ok());
        assert!(matches!(Tool { oldest: (99, 0), ..cargo }.version(), Err(ToolError::Unfit { .. })));
    }
}
