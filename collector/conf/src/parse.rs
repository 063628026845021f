//! From YAML text to a [`Node`]. The only file that knows the YAML parser.

use std::collections::{HashMap, HashSet, hash_map};
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use crate::problem::Shown;
use crate::scalar;
use crate::suggest::listed;
use crate::{Content, Entry, MAX_PROBLEMS, Node, Origin, Problem, Problems, Source};

/// Most bytes of one source.
pub const MAX_SOURCE_BYTES: usize = 16 * 1024 * 1024;
/// Most lists and mappings inside one another.
pub const MAX_DEPTH: usize = 128;
/// Most values in one tree, those of repeated anchors counted each time.
pub const MAX_NODES: usize = 200_000;

/// A source, read.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) root: Node,
    /// Where the second document of the source begins, which is not read.
    pub(crate) ignored_from: Option<Origin>,
}

/// Why a source could not be read.
#[derive(Debug)]
pub(crate) enum ParseError {
    /// It is not YAML, or no YAML that a configuration may use.
    Invalid(Problems),
    /// It is larger than one of the limits.
    TooLarge(Problems),
}

impl ParseError {
    pub(crate) fn into_problems(self) -> Problems {
        match self {
            Self::Invalid(problems) | Self::TooLarge(problems) => problems,
        }
    }
}

impl Node {
    /// Reads the first document of `text`, which people know as `name`.
    ///
    /// At most [`MAX_SOURCE_BYTES`], [`MAX_DEPTH`] and [`MAX_NODES`]. Anchors, aliases and merge keys (`<<`) are
    /// resolved. Keys must be strings (whole numbers and booleans become some); a key that is there twice is an error; `a::b: 1` is `a: {b: 1}`.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problems> {
        document(&Source::new(name, text)).map(|document| document.root).map_err(ParseError::into_problems)
    }
}

pub(crate) fn document(source: &Arc<Source>) -> Result<Document, ParseError> {
    if source.text().len() > MAX_SOURCE_BYTES {
        let message = format!("{}: larger than {MAX_SOURCE_BYTES} bytes", source.name());
        return Err(ParseError::TooLarge(Problem::new("", message).into()));
    }
    Builder::new(source).read(Parser::new_from_str(source.text()))
}

/// A list or mapping that is not complete yet.
struct Open {
    anchor: usize,
    origin: Origin,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(String, Origin)>, merged: Vec<Entry> },
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    problems: Vec<Problem>,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        Self { source, open: Vec::new(), root: None, anchors: HashMap::new(), nodes: 0, problems: Vec::new() }
    }

    fn read(mut self, mut parser: Parser<'_, StrInput<'_>>) -> Result<Document, ParseError> {
        let mut documents = 0;
        let mut ignored_from = None;
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| self.broken(&error))?;
            match event {
                Event::DocumentStart(_) => documents += 1,
                Event::DocumentEnd | Event::StreamStart | Event::Nothing => {}
                Event::StreamEnd => break,
                _ if documents > 1 => {
                    ignored_from = Some(self.origin(span));
                    break;
                }
                event => self.take(event, span)?,
            }
        }
        match Problems::of(self.problems) {
            Some(problems) => Err(ParseError::Invalid(problems)),
            None => Ok(Document { root: self.root.unwrap_or_default(), ignored_from }),
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), ParseError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(&text, style, tag.as_deref(), span)?;
                self.complete(node, anchor, style == ScalarStyle::Plain)
            }
            Event::Alias(anchor) => {
                let origin = self.origin(span);
                match self.anchors.get(&anchor).map(|node| (size(node), node)) {
                    Some((nodes, _)) if self.nodes + nodes > MAX_NODES => self.count(nodes, &origin),
                    Some((nodes, node)) => {
                        let node = node.clone();
                        self.count(nodes, &origin)?;
                        self.complete(node, 0, false)
                    }
                    None => Err(invalid(
                        Problem::new("", "the alias is inside of what it names").with_origin(Some(origin)),
                    )),
                }
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(anchor, tag.as_deref(), "seq", span, OpenKind::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                let kind = OpenKind::Map { entries: Vec::new(), key: None, merged: Vec::new() };
                self.open(anchor, tag.as_deref(), "map", span, kind)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            _ => Ok(()),
        }
    }

    fn open(
        &mut self,
        anchor: usize,
        tag: Option<&Tag>,
        own_tag: &str,
        span: Span,
        kind: OpenKind,
    ) -> Result<(), ParseError> {
        let origin = self.origin(span);
        if let Some(tag) = tag.filter(|tag| !(tag.is_yaml_core_schema() && tag.suffix == own_tag)) {
            return Err(unknown_tag(tag, origin));
        }
        if self.open.len() >= MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} lists and mappings inside one another");
            return Err(ParseError::TooLarge(Problem::new("", message).with_origin(Some(origin)).into()));
        }
        self.open.push(Open { anchor, origin, kind });
        Ok(())
    }

    fn close(&mut self) -> Result<(), ParseError> {
        let Some(Open { anchor, origin, kind }) = self.open.pop() else { return Ok(()) };
        let content = match kind {
            OpenKind::List(items) => Content::List(items),
            OpenKind::Map { entries, merged, .. } => {
                self.refuse_twins(&entries);
                let own: HashSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
                let mut all = entries;
                all.extend(merged.into_iter().filter(|entry| !own.contains(&entry.key)));
                Content::Map(split_keys(all, &mut self.problems))
            }
        };
        self.complete(Node::at(content, origin), anchor, false)
    }

    fn refuse_twins(&mut self, entries: &[Entry]) {
        let mut places: HashMap<&str, Option<&Origin>> = HashMap::new();
        for entry in entries {
            match places.entry(&entry.key) {
                hash_map::Entry::Vacant(place) => _ = place.insert(entry.origin.as_ref()),
                hash_map::Entry::Occupied(first) => {
                    remember(&mut self.problems, || twin(entry, *first.get()));
                }
            }
        }
    }

    /// Puts a value where it belongs. `plain` says that it is a scalar without quotes.
    fn complete(&mut self, node: Node, anchor: usize, plain: bool) -> Result<(), ParseError> {
        if let Some(origin) = node.origin() {
            let origin = origin.clone();
            self.count(1, &origin)?;
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.root = Some(node),
            Some(OpenKind::List(items)) => items.push(node),
            Some(OpenKind::Map { entries, key, merged }) => match key.take() {
                None => *key = Some(key_of(node, plain)?),
                Some((name, _)) if name == MERGE => merge_into(merged, node)?,
                Some((key, origin)) => entries.push(Entry { key, origin: Some(origin), value: node }),
            },
        }
        Ok(())
    }

    fn scalar(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<Node, ParseError> {
        let origin = self.origin(span);
        let content = match tag {
            None if style == ScalarStyle::Plain => scalar::plain(text),
            None => Content::String(text.to_owned()),
            // The lone `!`: a string, whatever it looks like.
            Some(tag) if format!("{}{}", tag.handle, tag.suffix) == "!" => Content::String(text.to_owned()),
            Some(tag) if tag.is_yaml_core_schema() => {
                let typed = match tag.suffix.as_str() {
                    "str" => Some(Content::String(text.to_owned())),
                    "int" => scalar::integer(&text.replace('_', "")).map(Content::Int),
                    "float" => match scalar::plain(text) {
                        #[expect(clippy::cast_precision_loss, reason = "the tag asks for a float")]
                        Content::Int(int) => Some(Content::Float(int as f64)),
                        content => Some(content).filter(|content| matches!(content, Content::Float(_))),
                    },
                    "bool" => Some(scalar::plain(text)).filter(|content| matches!(content, Content::Bool(_))),
                    "null" => Some(scalar::plain(text)).filter(|content| matches!(content, Content::Null)),
                    _ => return Err(unknown_tag(tag, origin)),
                };
                typed.ok_or_else(|| {
                    let message = format!("the value is not what its tag !!{} says", tag.suffix);
                    invalid(Problem::new("", message).with_origin(Some(origin.clone())))
                })?
            }
            Some(tag) => return Err(unknown_tag(tag, origin)),
        };
        Ok(Node::at(content, origin))
    }

    fn count(&mut self, nodes: usize, origin: &Origin) -> Result<(), ParseError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        let message = format!("more than {MAX_NODES} values, those of repeated anchors counted each time");
        Err(ParseError::TooLarge(Problem::new("", message).with_origin(Some(origin.clone())).into()))
    }

    fn origin(&self, span: Span) -> Origin {
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let width = if span.start.line() == span.end.line() {
            span.end.col().saturating_sub(span.start.col())
        } else {
            1
        };
        let (line, column) = (span.start.line(), span.start.col() + 1);
        Origin::new(Arc::clone(self.source), narrow(line), narrow(column), narrow(width))
    }

    fn broken(&self, error: &saphyr_parser::ScanError) -> ParseError {
        let marker = *error.marker();
        let origin = self.origin(Span::empty(marker));
        let problem = Problem::new("", format!("not valid YAML: {}", error.info()));
        invalid(problem.with_origin(Some(origin)).showing(Shown::Start))
    }
}

/// The key that takes in the entries of other mappings.
const MERGE: &str = "\u{0}<<";

fn invalid(problem: Problem) -> ParseError {
    ParseError::Invalid(problem.into())
}

fn unknown_tag(tag: &Tag, origin: Origin) -> ParseError {
    let message = format!("the tag {tag} is not supported");
    let help =
        format!("leave it out; known are {}", listed(["!!str", "!!int", "!!float", "!!bool", "!!null"]));
    invalid(Problem::new("", message).with_help(help).with_origin(Some(origin)))
}

fn key_of(node: Node, plain: bool) -> Result<(String, Origin), ParseError> {
    let Node { content, origin, .. } = node;
    let Some(origin) = origin else { return Err(invalid(Problem::new("", "a key without a place"))) };
    match content {
        Content::String(text) if plain && text == "<<" => Ok((MERGE.to_owned(), origin)),
        Content::String(text) => Ok((text, origin)),
        Content::Int(int) => Ok((int.to_string(), origin)),
        Content::Bool(bool) => Ok((bool.to_string(), origin)),
        other => {
            let problem = Problem::new("", format!("a key must be a string, and this is {}", other.kind()));
            Err(invalid(problem.with_help("put it in quotes").with_origin(Some(origin))))
        }
    }
}

/// Takes in the mapping, or the mappings of the list, that a merge key names. Earlier ones win.
fn merge_into(merged: &mut Vec<Entry>, node: Node) -> Result<(), ParseError> {
    let origin = node.origin;
    let maps = match node.content {
        Content::Map(entries) => vec![entries],
        Content::List(items) if items.iter().all(|item| matches!(item.content, Content::Map(_))) => items
            .into_iter()
            .map(|item| if let Content::Map(entries) = item.content { entries } else { Vec::new() })
            .collect(),
        _ => {
            let problem = Problem::new("", "the merge key << takes a mapping or a list of mappings");
            return Err(invalid(
                problem.with_help("put it in quotes if a plain key is meant").with_origin(origin),
            ));
        }
    };
    for entry in maps.into_iter().flatten() {
        if merged.iter().all(|known| known.key != entry.key) {
            merged.push(entry);
        }
    }
    Ok(())
}

/// Makes of the entry `a::b: 1` the entry `a: {b: 1}`, joined with what else is under `a`. Takes time in
/// proportion to what is there.
pub(crate) fn split_keys(entries: Vec<Entry>, problems: &mut Vec<Problem>) -> Vec<Entry> {
    if entries.iter().all(|entry| !entry.key.contains("::")) {
        return entries;
    }
    split_at_depth(entries, problems, 0)
}

/// The entries of one key before its first `::`.
struct Split {
    first: Entry,
    /// What is below it, once there is more than one value or a longer key.
    inner: Option<Vec<Entry>>,
}

fn split_at_depth(entries: Vec<Entry>, problems: &mut Vec<Problem>, depth: usize) -> Vec<Entry> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<Split> = Vec::new();
    for entry in entries {
        let Entry { key, origin, value } = entry;
        let split = key.split_once("::").map(|(first, rest)| (first.to_owned(), rest.to_owned()));
        if split.is_some() && depth >= MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} parts in a key");
            remember(problems, || Problem::new("", message).with_origin(origin).showing(Shown::Nothing));
            continue;
        }
        let (key, inner) = match split {
            Some((first, rest)) => (first, Some(vec![Entry { key: rest, origin: origin.clone(), value }])),
            None => {
                let entry = Entry { key, origin, value };
                match places.get(&entry.key).map(|place| &mut groups[*place]) {
                    Some(known) => add(known, entry, problems),
                    None => {
                        places.insert(entry.key.clone(), groups.len());
                        groups.push(Split { first: entry, inner: None });
                    }
                }
                continue;
            }
        };
        let value = Node { content: Content::Map(Vec::new()), origin: origin.clone(), text: None };
        match places.get(&key).map(|place| &mut groups[*place]) {
            Some(known) => {
                let content = Content::Map(inner.unwrap_or_default());
                add(known, Entry { key, origin, value: Node { content, ..value } }, problems);
            }
            None => {
                places.insert(key.clone(), groups.len());
                groups.push(Split { first: Entry { key, origin, value }, inner });
            }
        }
    }
    let whole = |Split { first, inner }: Split| match inner {
        None => first,
        Some(inner) => {
            let content = Content::Map(split_at_depth(inner, problems, depth + 1));
            Entry { value: Node { content, ..first.value }, ..first }
        }
    };
    groups.into_iter().map(whole).collect()
}

/// Adds what another entry of the same key holds; only mappings can be joined.
fn add(known: &mut Split, entry: Entry, problems: &mut Vec<Problem>) {
    let Content::Map(more) = entry.value.content else {
        let entry = Entry { value: Node::new(entry.value.content), ..entry };
        return remember(problems, || twin(&entry, known.first.origin.as_ref()));
    };
    match (&mut known.inner, &mut known.first.value.content) {
        (Some(inner), _) => inner.extend(more),
        (inner, Content::Map(there)) => {
            let mut all = std::mem::take(there);
            all.extend(more);
            *inner = Some(all);
        }
        _ => {
            let entry = Entry { key: entry.key, origin: entry.origin, value: Node::default() };
            remember(problems, || twin(&entry, known.first.origin.as_ref()));
        }
    }
}

/// Adds a problem, up to the number that is reported.
fn remember(problems: &mut Vec<Problem>, problem: impl FnOnce() -> Problem) {
    if problems.len() < MAX_PROBLEMS {
        problems.push(problem());
    }
}

fn twin(entry: &Entry, first: Option<&Origin>) -> Problem {
    let first = first.map_or_else(String::new, |origin| format!("; the first is at {origin}"));
    let message = format!("the key {:?} is there twice{first}", entry.key);
    Problem::new("", message).with_origin(entry.origin.clone()).showing(Shown::Key)
}

/// How many values are in `node`, itself included.
pub(crate) fn size(node: &Node) -> usize {
    match &node.content {
        Content::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Content::Map(entries) => 1 + entries.iter().map(|entry| size(&entry.value)).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
