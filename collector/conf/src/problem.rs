//! What is wrong with a configuration, said to the person who wrote it.

use std::fmt;

use crate::{Node, Origin};

/// One thing that is wrong, and where.
#[derive(Clone, PartialEq)]
pub struct Problem {
    path: String,
    message: String,
    help: Option<String>,
    origin: Option<Origin>,
    shown: Shown,
}

/// How much of the source line may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The line.
    Line,
    /// The line up to the key that the problem is about: what follows may be a secret.
    Key,
    /// Nothing: the value is a secret.
    Nothing,
}

impl Problem {
    /// A problem at `path`, whose parts are joined by `::`; the empty path is the whole configuration.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), help: None, origin: None, shown: Shown::Line }
    }

    /// Adds what to do about it.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says where it is.
    pub fn with_origin(mut self, origin: Option<Origin>) -> Self {
        self.origin = origin;
        self
    }

    pub(crate) fn showing(mut self, shown: Shown) -> Self {
        self.shown = shown;
        self
    }

    /// The key: `receivers::otlp::protocols::grpc`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Where it is, if that is known.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    fn place(&self) -> Option<(&str, u32, u32)> {
        self.origin.as_ref().map(|origin| (origin.source().name(), origin.line(), origin.column()))
    }

    /// The source line with a caret below what is meant.
    fn excerpt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(origin) = &self.origin else { return Ok(()) };
        let Some(line) = origin.source().line(origin.line()) else { return Ok(()) };
        let start = origin.column().saturating_sub(1) as usize;
        let shown = match self.shown {
            Shown::Line => line.to_owned(),
            Shown::Key => line.chars().take(start + origin.width() as usize).collect(),
            Shown::Nothing => return Ok(()),
        };
        let before: String =
            shown.chars().take(start).map(|char| if char == '\t' { '\t' } else { ' ' }).collect();
        let width = shown.chars().count().saturating_sub(start).clamp(1, origin.width() as usize);
        let number = origin.line().to_string();
        let gutter = " ".repeat(number.len());
        write!(
            f,
            "\n {gutter} |\n {number} | {}\n {gutter} | {before}{}",
            shown.trim_end(),
            "^".repeat(width)
        )
    }
}

/// `collector.yaml:12:9: receivers::otlp: unknown key "x"; did you mean "y"?`, and the source line.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        let via = self.origin.as_ref().and_then(Origin::via);
        if let Some(via) = via.filter(|_| self.shown != Shown::Nothing) {
            write!(f, " (the value comes from {via})")?;
        }
        self.excerpt(f)
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Problem {}

/// One problem or more.
#[derive(Clone, PartialEq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems of `list`; nothing when it is empty.
    pub fn of(list: Vec<Problem>) -> Option<Self> {
        (!list.is_empty()).then_some(Self(list))
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// How many they are; at least 1.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Puts `path` in front of every path: for problems of a part, told as problems of the whole.
    pub fn under(mut self, path: &str) -> Self {
        for problem in &mut self.0 {
            problem.path = match (path, problem.path.as_str()) {
                ("", rest) => rest.to_owned(),
                (path, "") => path.to_owned(),
                (path, rest) => format!("{path}::{rest}"),
            };
        }
        self
    }

    /// Gives each problem that has no place the place of its path in `root`, or of the nearest part of it that exists,
    /// and puts them in the order of the text.
    pub fn locate(mut self, root: &Node) -> Self {
        for problem in &mut self.0 {
            if problem.origin.is_none() {
                problem.origin = place_of(root, &problem.path).cloned();
                // Which values are secrets is not known here.
                problem.shown = Shown::Key;
            }
        }
        self.sorted()
    }

    /// Adds those of `others`.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Not more than `limit` of them.
    pub(crate) fn first(mut self, limit: usize) -> Self {
        self.0.truncate(limit.max(1));
        self
    }

    /// In the order of the text; those of the same place stay in theirs.
    pub(crate) fn sorted(mut self) -> Self {
        self.0.sort_by(|a, b| a.place().cmp(&b.place()));
        self
    }
}

/// The place of the key or list element at the end of `path`, or of its nearest ancestor.
fn place_of<'a>(root: &'a Node, path: &str) -> Option<&'a Origin> {
    let mut node = root;
    let mut place = root.origin();
    for part in path.split("::").filter(|part| !part.is_empty()) {
        let by_key = || node.entries().iter().find(|entry| entry.key == part || entry.key.trim() == part);
        if let Some(entry) = by_key() {
            node = &entry.value;
            place = entry.origin.as_ref().or(node.origin()).or(place);
        } else if let Some(item) = part.parse().ok().and_then(|index: usize| node.items().get(index)) {
            node = item;
            place = item.origin().or(place);
        } else {
            break;
        }
    }
    place
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One below the other.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Problems {}
