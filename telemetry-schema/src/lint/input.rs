//! Finds the expressions in dashboards, rule files and texts.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::tree::{InputError, MAX_FILE_BYTES, Tree, Written, parse_yaml};
use super::variables::{Expanded, Variables};
use super::{File, json};
use crate::promql::{self, Expr, ParseError, Span};

/// Names of Grafana's data sources that are asked in PromQL.
const PROMQL_SOURCES: [&str; 4] = ["prometheus", "grafana-amazonprometheus-datasource", "mimir", "thanos"];

/// An expression, and where it is.
#[derive(Debug)]
pub(super) struct Query {
    /// Index of the file.
    pub(super) file: usize,
    /// Where in the tree: `panels[0].targets[1].expr`; nothing in a file that is an expression.
    pub(super) path: String,
    /// What people call it: the title of a panel, the name of an alert.
    pub(super) title: String,
    pub(super) role: Role,
    pub(super) expanded: Expanded,
    /// What the variables are read from, for what has no value.
    pub(super) written: Written,
    pub(super) parsed: Result<Expr, ParseError>,
    /// Of `label_values(metric, label)`, the label.
    pub(super) asked_label: Option<promql::Name>,
}

/// What an expression is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// An alert fires on it.
    Alert,
    /// A recording rule.
    Recording,
    /// The values of a variable of a dashboard.
    Variable,
    /// A panel, an annotation, or nobody knows.
    Shown,
}

/// What a set of files holds.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    pub(super) queries: Vec<Query>,
    /// Names that recording rules define.
    pub(super) recorded: BTreeSet<String>,
    /// Files that could not be read, by index.
    pub(super) unreadable: Vec<(usize, InputError)>,
    /// Expressions in other languages than PromQL.
    pub(super) other_languages: usize,
    /// Values of variables that the user gave.
    variables: BTreeMap<String, String>,
}

impl Inputs {
    /// Reads files, with values for variables that are not in them.
    pub(super) fn of(files: &[File], variables: &BTreeMap<String, String>) -> Self {
        let mut inputs = Self { variables: variables.clone(), ..Self::default() };
        for (index, file) in files.iter().enumerate() {
            if let Err(error) = inputs.read(index, file) {
                inputs.unreadable.push((index, error));
            }
        }
        inputs
    }

    fn read(&mut self, index: usize, file: &File) -> Result<(), InputError> {
        if file.text.len() > MAX_FILE_BYTES {
            let message = format!("larger than {MAX_FILE_BYTES} bytes");
            return Err(InputError { line: 1, column: 1, message });
        }
        let is = |extensions: &[&str]| {
            let extension = file.name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
            extension.is_some_and(|extension| extensions.contains(&extension.as_str()))
        };
        let trees = if is(&["yaml", "yml"]) {
            parse_yaml(&file.text)?
        } else if is(&["json"]) || file.text.trim_start().starts_with('{') && json::parse(&file.text).is_ok()
        {
            vec![json::parse(&file.text)?]
        } else {
            self.paragraphs(index, file);
            return Ok(());
        };
        let before = self.queries.len() + self.other_languages;
        for tree in &trees {
            let variables = Rc::new(Variables::of(tree).with(&self.variables));
            let mut walk = Walk { inputs: self, index, file, variables };
            walk.visit(tree, &Place::default());
        }
        let is_dashboard = |tree: &Tree| {
            ["panels", "rows", "templating", "dashboard", "spec", "groups"]
                .iter()
                .any(|key| tree.get(key).is_some())
        };
        if self.queries.len() + self.other_languages == before && !trees.iter().any(is_dashboard) {
            let message = "this is no dashboard and no rule file: it has no expression".to_owned();
            return Err(InputError { line: 1, column: 1, message });
        }
        Ok(())
    }

    /// A text: expressions with empty lines between them.
    fn paragraphs(&mut self, index: usize, file: &File) {
        let mut start = 0;
        let mut at = 0;
        let mut paragraphs = Vec::new();
        for line in file.text.split_inclusive('\n') {
            if line.trim().is_empty() {
                paragraphs.push((start, at));
                start = at + line.len();
            }
            at += line.len();
        }
        paragraphs.push((start, at));
        let is_comment = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        for (start, end) in paragraphs {
            let text = file.text[start..end].trim_end();
            if !text.lines().all(is_comment) {
                let written = Written::plain(text, start);
                let variables = Variables::default().with(&self.variables);
                self.queries.push(query(index, &Place::default(), Role::Shown, written, &variables));
            }
        }
    }
}

fn query(file: usize, place: &Place, role: Role, written: Written, variables: &Variables) -> Query {
    let expanded = variables.expand(&written);
    let parsed = promql::parse(&expanded.written.text);
    let (path, title) = (place.path.clone(), place.title.clone());
    Query { file, path, title, role, expanded, written, parsed, asked_label: None }
}

/// Where a walk is.
#[derive(Clone, Default)]
struct Place {
    path: String,
    title: String,
    /// The type of the data source that is asked here, as far as it is known.
    source: Option<String>,
}

impl Place {
    fn key(&self, key: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self { path: format!("{}{dot}{key}", self.path), ..self.clone() }
    }

    fn index(&self, index: usize) -> Self {
        Self { path: format!("{}[{index}]", self.path), ..self.clone() }
    }

    fn speaks_promql(&self) -> bool {
        self.source.as_ref().is_none_or(|source| PROMQL_SOURCES.contains(&source.as_str()))
    }
}

struct Walk<'a> {
    inputs: &'a mut Inputs,
    index: usize,
    file: &'a File,
    variables: Rc<Variables>,
}

impl Walk<'_> {
    fn visit(&mut self, tree: &Tree, place: &Place) {
        match tree {
            Tree::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.visit(item, &place.index(index));
                }
            }
            Tree::Map(entries) => {
                let place = entered(tree, place);
                let role = self.role(tree);
                for (key, value) in entries {
                    match (key.as_str(), value) {
                        ("expr", Tree::Text(text)) => {
                            let written = Written::of(text, &self.file.text);
                            self.expression(&place.key(key), role, written);
                        }
                        ("query" | "definition", _) if is_variable(tree) => {
                            self.variable(tree, key, value, &place.key(key));
                        }
                        _ => self.visit(value, &place.key(key)),
                    }
                }
            }
            _ => {}
        }
    }

    fn role(&mut self, rule: &Tree) -> Role {
        if let Some(name) = rule.str_of("record") {
            self.inputs.recorded.insert(name.to_owned());
            Role::Recording
        } else if rule.str_of("alert").is_some() {
            Role::Alert
        } else {
            Role::Shown
        }
    }

    fn expression(&mut self, place: &Place, role: Role, written: Written) {
        if written.text.trim().is_empty() {
            return;
        }
        if !place.speaks_promql() {
            self.inputs.other_languages += 1;
            return;
        }
        self.inputs.queries.push(query(self.index, place, role, written, &self.variables));
    }

    /// What a variable of a dashboard is read from.
    fn variable(&mut self, variable: &Tree, key: &str, value: &Tree, place: &Place) {
        // The definition is the query once more, in words.
        if key == "definition" && variable.get("query").is_some() {
            return;
        }
        let (text, place) = match value {
            Tree::Text(text) => (text, place.clone()),
            _ => match value.get("query").or_else(|| value.find("spec.query")) {
                Some(Tree::Text(text)) => (text, place.key("query")),
                _ => return,
            },
        };
        let place = Place { title: variable.str_of("name").unwrap_or_default().to_owned(), ..place };
        let written = Written::of(text, &self.file.text);
        let Some(asked) = Asked::of(&written.text) else { return };
        let before = self.inputs.queries.len();
        self.expression(&place, Role::Variable, written.part(asked.expression));
        if self.inputs.queries.len() > before
            && let (Some(query), Some(label)) = (self.inputs.queries.last_mut(), asked.label)
        {
            // The caret of the label needs the text around it.
            let name = written.text[label.range()].to_owned();
            let start = query.expanded.written.text.len() + 1;
            query.expanded.written.push(" ", written.place(label));
            query.expanded.written.push_part(&written, label);
            let span = Span::new(start, start + name.len());
            query.asked_label = Some(promql::Name { text: name, span, quoted: false });
        }
    }
}

/// The place inside of a mapping.
fn entered(tree: &Tree, place: &Place) -> Place {
    let mut place = place.clone();
    let name = tree.get("expr").and_then(|_| tree.str_of("name"));
    let titles = ["title", "alert", "record"].iter().filter_map(|key| tree.str_of(key)).chain(name);
    if let Some(title) = titles.last() {
        title.clone_into(&mut place.title);
    }
    if let Some(source) = tree.find("datasource.type").and_then(Tree::as_str) {
        place.source = Some(source.to_owned()).filter(|source| source != "datasource" && source != "mixed");
    } else if tree.str_of("kind") == Some("DataQuery") {
        place.source = tree.str_of("group").map(str::to_owned);
    }
    // Grafana's own alerts name what computes with the results of others.
    if tree.str_of("datasourceUid").is_some_and(|uid| uid == "__expr__" || uid == "-100") {
        place.source = Some("__expr__".to_owned());
    }
    place
}

/// Whether this is a variable of a dashboard whose values a query gives.
fn is_variable(tree: &Tree) -> bool {
    let is_classic = tree.str_of("type") == Some("query") && tree.get("name").is_some();
    let is_v2 =
        tree.get("name").is_some() && tree.get("query").is_some_and(|query| query.get("spec").is_some());
    is_classic || is_v2
}

/// What a variable asks.
struct Asked {
    expression: Span,
    label: Option<Span>,
}

impl Asked {
    /// Nothing when it asks for no series: for names of labels or metrics, or for all values of a label.
    fn of(text: &str) -> Option<Self> {
        let trimmed = text.trim();
        let offset = text.len() - text.trim_start().len();
        let inside = |function: &str| {
            let rest = trimmed.strip_prefix(function)?.trim_start().strip_prefix('(')?;
            let inside = rest.strip_suffix(')')?;
            let start = offset + trimmed.len() - rest.len();
            Some(Span::new(start, start + inside.len()))
        };
        if let Some(span) = inside("label_values") {
            let (selector, _) = text[span.range()].rsplit_once(',')?;
            let label = &text[span.start + selector.len() + 1..span.end];
            let start = span.end - label.trim_start().len();
            let label = Span::new(start, start + label.trim().len());
            let is_label = |char: char| char.is_alphanumeric() || "_.:${}[]\"".contains(char);
            if label.start == label.end || !text[label.range()].chars().all(is_label) {
                return None;
            }
            return Some(Self {
                expression: Span::new(span.start, span.start + selector.len()),
                label: Some(label),
            });
        }
        if let Some(span) = inside("query_result") {
            return Some(Self { expression: span, label: None });
        }
        let names = ["label_names", "metrics"];
        let is_other = trimmed.is_empty() || names.iter().any(|name| inside(name).is_some());
        (!is_other).then_some(Self { expression: Span::new(offset, offset + trimmed.len()), label: None })
    }
}
