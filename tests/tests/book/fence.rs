//! Fenced code blocks.

/// A fenced code block.
#[derive(Debug)]
pub(crate) struct Fence {
    /// Line of its first mark, from 1.
    pub(crate) line: usize,
    /// What it is.
    pub(crate) kind: Kind,
    /// What is between the marks.
    pub(crate) body: String,
}

/// What the info string says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Commands that end.
    Run {
        /// The status that they must end with.
        exit: i32,
        /// Whether to repeat them until they print what is expected.
        eventually: bool,
    },
    /// A command that goes on.
    Background {
        /// Whether it takes the place of the one before.
        restart: bool,
    },
    /// Commands that are not run.
    NotRun(String),
    /// What the fence before prints.
    Output,
    /// What a background process prints.
    BackgroundOutput,
    /// Text that nothing prints.
    Diagram,
    /// Configuration.
    Yaml,
    /// An application.
    Python,
    /// A file of the repository.
    Include,
}

impl Fence {
    /// Why it is not run, when it is not.
    pub(crate) fn not_run(&self) -> Option<&str> {
        match &self.kind {
            Kind::NotRun(why) => Some(why),
            _ => None,
        }
    }

    /// The name of its file: `# file: NAME` on its first line.
    pub(crate) fn file(&self) -> Option<&str> {
        self.body.lines().next()?.strip_prefix("# file:").map(str::trim)
    }
}

/// The fences of a page, in order.
pub(crate) fn fences(page: &str) -> Result<Vec<Fence>, String> {
    let mut found = Vec::new();
    let mut lines = page.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let Some(info) = line.trim_start().strip_prefix("```") else { continue };
        let indent = line.len() - line.trim_start().len();
        let mut body = String::new();
        loop {
            let (line, _) = lines.next().ok_or_else(|| format!("line {number}: the fence does not end"))?;
            if line.trim() == "```" {
                break;
            }
            body.push_str(line.get(indent..).unwrap_or_default());
            body.push('\n');
        }
        let kind = kind(info.trim(), &body).map_err(|problem| format!("line {number}: {problem}"))?;
        found.push(Fence { line: number, kind, body });
    }
    Ok(found)
}

fn kind(info: &str, body: &str) -> Result<Kind, String> {
    let (language, words) = info.split_once(' ').unwrap_or((info, ""));
    let kind = match (language, words) {
        ("sh", words) => return shell(words),
        ("text", "") => Kind::Output,
        ("text", "background") => Kind::BackgroundOutput,
        ("text", "diagram") => Kind::Diagram,
        ("rust" | "yaml", "") if body.starts_with("{{#include ") && body.lines().count() == 1 => {
            Kind::Include
        }
        ("yaml", "") => Kind::Yaml,
        ("python", "") if body.starts_with("# file:") => Kind::Python,
        ("python", "") => return Err("an application has a file: # file: NAME".to_owned()),
        ("rust", "") => return Err("Rust is included from a file that is compiled".to_owned()),
        _ => return Err(format!("what is `{info}`? A fence says what it is")),
    };
    Ok(kind)
}

fn shell(words: &str) -> Result<Kind, String> {
    if let Some(why) = words.strip_prefix("not-run=\"").and_then(|rest| rest.strip_suffix('"')) {
        return Ok(Kind::NotRun(why.to_owned()));
    }
    Ok(match words {
        "" => Kind::Run { exit: 0, eventually: false },
        "eventually" => Kind::Run { exit: 0, eventually: true },
        "background" => Kind::Background { restart: false },
        "background restart" => Kind::Background { restart: true },
        _ => {
            let exit = words.strip_prefix("exit=").and_then(|status| status.parse().ok());
            let exit = exit.ok_or_else(|| format!("what is `sh {words}`?"))?;
            Kind::Run { exit, eventually: false }
        }
    })
}

#[test]
fn a_fence_is_read_with_its_line_its_meaning_and_without_its_indent() {
    let page = "Text\n\n- item\n\n  ```sh exit=2\n  a\n    b\n  ```\n\n```yaml\n# file: c.yaml\nx:\n```\n";
    let [first, second] = &fences(page).unwrap()[..] else { panic!("two fences") };
    assert_eq!((first.line, first.body.as_str()), (5, "a\n  b\n"));
    assert_eq!(first.kind, Kind::Run { exit: 2, eventually: false });
    assert_eq!((second.line, second.file()), (10, Some("c.yaml")));
}

#[test]
fn a_fence_that_does_not_say_what_it_is_is_refused() {
    for info in ["", "console", "sh quietly", "sh exit=", "text output", "rust"] {
        let problem = fences(&format!("```{info}\nx\n```\n")).unwrap_err();
        assert!(problem.starts_with("line 1: "), "{info}: {problem}");
    }
    assert!(fences("```sh\nx\n").unwrap_err().contains("does not end"));
}
