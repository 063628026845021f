//! What the runs of one decoding share: the problems so far, and what is therefore not looked at again.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use super::error::DecodeError;
use crate::problem::Shown;
use crate::{Content, Node, Problem, Problems, Value};

/// Fewest bytes of a text that is taken out of a message wherever it is in it. Shorter ones are parts of words.
const SHORTEST_SECRET: usize = 4;

/// A key or an index, below its parents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    part: &'a str,
}

impl<'a> Path<'a> {
    pub(super) const ROOT: Path<'static> = Path { parent: None, part: "" };

    pub(super) fn then(&'a self, part: &'a str) -> Path<'a> {
        Path { parent: Some(self), part }
    }
}

/// The parts, joined by `::`.
impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(parent) = self.parent {
            if parent.parent.is_some() {
                write!(f, "{parent}::")?;
            }
            f.write_str(self.part)?;
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(super) struct Context {
    problems: RefCell<Vec<Problem>>,
    /// Paths of values that are wrong: they are treated as if they were not there.
    masked: RefCell<HashSet<String>>,
    reported: RefCell<HashSet<String>>,
    progressed: Cell<bool>,
}

impl Context {
    /// A new run begins.
    pub(super) fn begin(&self) {
        self.progressed.set(false);
    }

    /// Whether the last run failed without finding anything that the next could leave out.
    pub(super) fn is_stuck(&self) -> bool {
        !self.progressed.get()
    }

    pub(super) fn is_masked(&self, path: &Path<'_>) -> bool {
        let masked = self.masked.borrow();
        !masked.is_empty() && masked.contains(&path.to_string())
    }

    pub(super) fn record(&self, error: DecodeError, path: &Path<'_>, node: Option<&Node>) -> DecodeError {
        self.record_showing(error, path, node, Shown::Line)
    }

    /// Makes a problem of `error`, and leaves the value out of further runs.
    pub(super) fn record_showing(
        &self,
        error: DecodeError,
        path: &Path<'_>,
        node: Option<&Node>,
        shown: Shown,
    ) -> DecodeError {
        let path_text = path.to_string();
        let (message, help) = match error {
            DecodeError::Recorded => return DecodeError::Recorded,
            DecodeError::Message(message) => (message, None),
            DecodeError::Advice(message, help) => (message, Some(help)),
            DecodeError::Missing(field) => {
                let left_out = self.masked.borrow().contains(&path.then(field).to_string());
                // The value that is missing was wrong: that is already said.
                let message = if left_out { String::new() } else { format!("the key {field:?} is missing") };
                (message, None)
            }
        };
        if self.masked.borrow_mut().insert(path_text.clone()) {
            self.progressed.set(true);
            if !message.is_empty() {
                let hidden =
                    if shown == Shown::Nothing { hide_all(node, message) } else { hide(node, message) };
                let problem =
                    Problem::new(path_text, hidden).with_origin(node.and_then(Node::origin).cloned());
                self.problems.borrow_mut().push(match help {
                    Some(help) => problem.showing(shown).with_help(help),
                    None => problem.showing(shown),
                });
            }
        }
        DecodeError::Recorded
    }

    /// Adds a problem that does not stop the run; once, however many runs find it.
    pub(super) fn report(&self, problem: Problem) {
        if self.problems.borrow().len() < super::MAX_PROBLEMS
            && self.reported.borrow_mut().insert(format!("{}: {}", problem.path(), problem.message()))
        {
            self.problems.borrow_mut().push(problem);
        }
    }

    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Problems> {
        match (Problems::of(self.problems.into_inner()), value) {
            (Some(problems), _) => Err(problems.sorted().first(super::MAX_PROBLEMS)),
            (None, Some(value)) => Ok(value),
            (None, None) => {
                Err(Problem::new("", "the configuration cannot be read, for an unknown reason").into())
            }
        }
    }
}

/// `message` without what a reference yielded: it may be a secret.
fn hide(node: Option<&Node>, message: String) -> String {
    let Some((node, via)) = node.and_then(|node| Some((node, node.origin()?.via()?))) else { return message };
    let mut message = match &node.content {
        Content::Int(int) => message.replace(&format!("the number {int}"), via),
        Content::Float(float) => message.replace(&format!("the number {float}"), via),
        _ => message,
    };
    let texts =
        || [node.as_str(), node.original_text()].into_iter().flatten().filter(|text| !text.trim().is_empty());
    for text in texts() {
        message = message.replace(&format!("{text:?}"), via);
        if text.trim().len() >= SHORTEST_SECRET {
            message = message.replace(text.trim(), via);
        }
    }
    // A type's own message may quote a part of the value.
    let parts = message.split('"').enumerate().map(|(index, part)| {
        let is_quoted = index % 2 == 1;
        if is_quoted && !part.is_empty() && texts().any(|text| text.contains(part)) { "…" } else { part }
    });
    parts.collect::<Vec<_>>().join("\"")
}

/// `message` without the value of a secret.
fn hide_all(node: Option<&Node>, message: String) -> String {
    match node {
        Some(node) => format!("expected a string, got {}", node.content.kind()),
        None => message,
    }
}

thread_local! {
    static PENDING_LAYER: RefCell<Option<Value>> = const { RefCell::new(None) };
    static HANDED_OVER: RefCell<Option<Node>> = const { RefCell::new(None) };
}

/// Offers `layer` to the deserializer that is asked next.
pub(super) fn set_pending_layer(layer: Value) {
    PENDING_LAYER.set(Some(layer));
}

/// Takes the layer that was offered.
pub(super) fn pending_layer() -> Option<Value> {
    PENDING_LAYER.take()
}

/// Offers `node` to the visitor that is called next.
pub(super) fn hand_over(node: Option<Node>) {
    HANDED_OVER.set(node);
}

/// Takes the node that was offered.
pub(super) fn handed_over() -> Option<Node> {
    HANDED_OVER.take()
}
