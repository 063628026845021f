//! What is wrong with a configuration, said to the person who wrote it.

use std::fmt;

use crate::{MAX_PROBLEMS, Node, Origin, is_misleading, visible};

/// Most characters of a line that an excerpt shows.
const MAX_EXCERPT_CHARS: usize = 160;

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
    /// The line up to its first key: what is what in the rest, nobody knows.
    Start,
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

    /// The source line, or the part of it that matters, with a caret below what is meant.
    fn excerpt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(origin) = &self.origin else { return Ok(()) };
        let Some(line) = origin.source().line(origin.line()) else { return Ok(()) };
        let (column, width) = (origin.column().saturating_sub(1) as usize, origin.width() as usize);
        let Some((first, end)) = self.shown_part(line, column, width) else { return Ok(()) };
        let column = column.min(end);
        let cut = if column - first < MAX_EXCERPT_CHARS { first } else { column - MAX_EXCERPT_CHARS / 2 };
        let start = column - cut;
        let shown: Vec<char> = line.chars().take(end).skip(cut).take(MAX_EXCERPT_CHARS).collect();
        let text: String = shown.iter().collect();
        let before: String =
            shown.iter().take(start).map(|char| if *char == '\t' { '\t' } else { ' ' }).collect();
        let carets = "^".repeat(shown.len().saturating_sub(start).clamp(1, width));
        let number = origin.line().to_string();
        let gutter = " ".repeat(number.len());
        // One character for one, so that the carets stay below what they mean.
        let text: String = text
            .trim_end()
            .chars()
            .map(|char| if char != '\t' && is_misleading(char) { '\u{fffd}' } else { char })
            .collect();
        write!(f, "\n {gutter} |\n {number} | {text}\n {gutter} | {before}{carets}")
    }

    /// Which characters of the line may be shown, from and to; nothing when none may. Of several entries on
    /// one line, as in `{a: 1, b: 2}`, it is the one that is meant: the others may be secrets.
    fn shown_part(&self, line: &str, column: usize, width: usize) -> Option<(usize, usize)> {
        let separates = |char: &char| matches!(char, '{' | '[' | ',' | ':');
        let opens = |char: char| matches!(char, '{' | '[');
        let before = || line.chars().take(column).enumerate();
        let start = before().filter(|(_, char)| *char == ',' || opens(*char)).last().map(|(at, _)| at + 1);
        let start = start.filter(|_| before().any(|(_, char)| char == ',')).unwrap_or(0);
        let blanks = line.chars().skip(start).take_while(|char| *char == ' ').count();
        let is_whole = start == 0 || self.shown == Shown::Start;
        let first = if is_whole { 0 } else { (start + blanks).min(column) };
        let after = column.saturating_add(width);
        let mut rest = line.chars().skip(after);
        let end = match self.shown {
            Shown::Nothing => return None,
            Shown::Start => line.chars().position(|char| char == ':')? + 1,
            Shown::Key => after,
            Shown::Line if !rest.clone().any(|char| separates(&char)) => usize::MAX,
            Shown::Line if line.chars().nth(column).is_some_and(opens) => after,
            Shown::Line => after + rest.position(|char| separates(&char)).unwrap_or(0),
        };
        Some((first, end))
    }
}

/// `collector.yaml:12:9: receivers::otlp: unknown key "x"; did you mean "y"?`, and the source line. What could
/// mislead a terminal is written out.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{}: ", visible(&origin.to_string()))?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", visible(&self.path))?;
        }
        f.write_str(&visible(&self.message))?;
        if let Some(help) = &self.help {
            write!(f, "; {}", visible(help))?;
        }
        let via = self.origin.as_ref().and_then(Origin::via);
        if let Some(via) = via.filter(|_| self.shown != Shown::Nothing) {
            write!(f, " (the value comes from {})", visible(via))?;
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
    /// The problems of `list`, of which the first [`MAX_PROBLEMS`] are kept; nothing when it is empty.
    pub fn of(mut list: Vec<Problem>) -> Option<Self> {
        list.truncate(MAX_PROBLEMS);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_line_only_the_part_that_matters_is_shown() {
        let line = format!("a: [{}wrong{}]", "x, ".repeat(300), ", y".repeat(300));
        let node = Node::parse("long.yaml", &line).unwrap();
        let origin = node.get("a").and_then(|list| list.items()[300].origin());
        let text = Problem::new("a::300", "is wrong").with_origin(origin.cloned()).to_string();
        let lines: Vec<&str> = text.lines().collect();
        let caret = lines[3].find('^').unwrap();
        assert_eq!(&lines[2][caret..caret + 5], "wrong");
        assert!(lines.iter().all(|line| line.len() < MAX_EXCERPT_CHARS + 10));
    }

    #[test]
    fn what_else_is_on_the_line_is_not_shown() {
        let lines = |text: &str, column, width, shown| {
            let origin = Origin::new(crate::Source::new("x", text), 1, column, width);
            let problem = Problem::new("", "is wrong").with_origin(Some(origin)).showing(shown);
            problem.to_string().lines().skip(2).map(str::to_owned).collect::<Vec<_>>()
        };
        let flow = "a: {token: sesame, header: [1], password: sesame}";
        assert_eq!(lines(flow, 20, 6, Shown::Key), [" 1 | header", "   | ^^^^^^"]);
        assert_eq!(lines(flow, 28, 1, Shown::Line), [" 1 | header: [", "   |         ^"]);
        let first = "  header: 1, token: sesame}";
        assert_eq!(lines(first, 11, 1, Shown::Line), [" 1 |   header: 1", "   |           ^"]);
        let list = "headers: [{name: a, value: sesame}]";
        assert_eq!(lines(list, 10, 1, Shown::Line), [" 1 | headers: [", "   |          ^"]);
        assert_eq!(lines("- value: sesame", 3, 1, Shown::Line), [" 1 | - value", "   |   ^"]);
        assert_eq!(lines("queue: {siez: 1}", 9, 4, Shown::Key), [" 1 | queue: {siez", "   |         ^^^^"]);
        let broken = "authorization: Bearer sesame: open";
        assert_eq!(lines(broken, 29, 1, Shown::Start), [" 1 | authorization:", "   |               ^"]);
        assert_eq!(lines("- sesame", 5, 1, Shown::Start), Vec::<String>::new());
        assert_eq!(
            lines("header: [1] # why", 9, 1, Shown::Line),
            [" 1 | header: [1] # why", "   |         ^"]
        );
    }

    #[test]
    fn a_place_is_that_of_the_nearest_part_that_exists() {
        let node = Node::parse("x", "a:\n  b:\n    - c: 1\n    - d: 2\n").unwrap();
        let place = |path| place_of(&node, path).map(ToString::to_string);
        assert_eq!(place("a::b::1::d").as_deref(), Some("x:4:7"));
        assert_eq!(place("a::b::1::missing").as_deref(), Some("x:4:7"));
        assert_eq!(place("a::b::7").as_deref(), Some("x:2:3"));
        assert_eq!(place("a::missing::more").as_deref(), Some("x:1:1"));
        assert_eq!(place("").as_deref(), Some("x:1:1"));
    }

    #[test]
    fn problems_of_a_part_become_problems_of_the_whole() {
        let problems = Problems::from(Problem::new("b", "is wrong")).under("a");
        assert_eq!(problems.iter().next().map(Problem::path), Some("a::b"));
        assert_eq!(problems.under("").to_string(), "a::b: is wrong");
        assert_eq!(Problems::from(Problem::new("", "is wrong")).under("a").to_string(), "a: is wrong");
        assert_eq!(Problems::of(Vec::new()), None);
    }
}
