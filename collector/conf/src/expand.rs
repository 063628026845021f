//! `${…}` references: what they yield takes their place.
//!
//! The rules are those of the Go collector, surprises included: an escaped reference ends the expansion of its
//! string, and what a reference yields is expanded again.

use std::sync::Arc;

use crate::resolve::{Retrieved, Retriever};
use crate::{Content, Entry, MAX_DEPTH, MAX_NODES, MAX_PROBLEMS, Node, Origin, Problem};

/// Most times that what references yield is expanded again, for one value.
pub const MAX_EXPANSION_ROUNDS: usize = 1_000;
/// Most bytes that all replacements in a configuration write.
pub const MAX_EXPANDED_BYTES: usize = 64 * 1024 * 1024;

/// Replaces every reference in `root`, and then `$$` by `$`. Problems go to the retriever's list.
pub(crate) fn expand(root: Node, retriever: &mut Retriever<'_>) -> Node {
    let mut expansion = Expansion { retriever, nodes: 0, bytes: 0, is_over: false };
    unescape(expansion.value(root, &mut Vec::new(), 0))
}

struct Expansion<'a, 'b> {
    retriever: &'a mut Retriever<'b>,
    nodes: usize,
    /// Of all strings after all replacements.
    bytes: usize,
    /// A limit was passed: the rest stays as it is.
    is_over: bool,
}

/// A string after expansion.
enum Expanded {
    Text(String),
    Value(Node),
}

impl Expansion<'_, '_> {
    fn value(&mut self, node: Node, path: &mut Vec<String>, rounds: usize) -> Node {
        self.nodes += 1;
        if self.is_over {
            return node;
        }
        if self.nodes > MAX_NODES || path.len() > MAX_DEPTH {
            self.is_over = true;
            let message =
                format!("too many recursive expansions: more than {MAX_NODES} values or {MAX_DEPTH} levels");
            self.fail(path, node.origin(), message);
            return node;
        }
        let Node { content, origin, text } = node;
        let content = match content {
            Content::String(text) => return self.string(text, origin, path, rounds),
            Content::List(items) => Content::List(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(index, item)| self.child(item, index.to_string(), path, rounds))
                    .collect(),
            ),
            Content::Map(entries) => Content::Map(
                entries
                    .into_iter()
                    .map(|Entry { key, origin, value }| {
                        let value = self.child(value, key.clone(), path, rounds);
                        Entry { key, origin, value }
                    })
                    .collect(),
            ),
            scalar => scalar,
        };
        Node { content, origin, text }
    }

    fn child(&mut self, node: Node, part: String, path: &mut Vec<String>, rounds: usize) -> Node {
        path.push(part);
        let node = self.value(node, path, rounds);
        path.pop();
        node
    }

    fn string(
        &mut self,
        written: String,
        origin: Option<Origin>,
        path: &mut Vec<String>,
        rounds: usize,
    ) -> Node {
        let mut rounds = rounds;
        let (text, origin) = match self.expanded(&written, written.clone(), origin.as_ref(), &mut rounds) {
            Ok(Expanded::Value(node)) => return self.yielded(node, path, rounds),
            Ok(Expanded::Text(text)) if text != written => {
                (text, origin.map(|origin| origin.through(&written)))
            }
            Ok(Expanded::Text(text)) => (text, origin),
            Err(message) => {
                self.fail(path, origin.as_ref(), message);
                (written, origin)
            }
        };
        Node { content: Content::String(text), origin, text: None }
    }

    /// A value that is no string: it may hold references, and so may the text that it was read from.
    fn yielded(&mut self, node: Node, path: &mut Vec<String>, rounds: usize) -> Node {
        let Node { content, origin, text } = node;
        let written = origin.as_ref().and_then(Origin::via).unwrap_or_default().to_owned();
        let value = self.value(Node { content, origin: origin.clone(), text: None }, path, rounds);
        let mut rounds = rounds;
        // A text that cannot be expanded is no text for a string: the value alone is left.
        let text = text.and_then(|text| {
            match self.expanded(&written, text.to_string(), origin.as_ref(), &mut rounds) {
                Ok(Expanded::Text(text)) => Some(Arc::from(text)),
                Ok(Expanded::Value(_)) | Err(_) => None,
            }
        });
        Node { text, ..value }
    }

    /// Expands `text`, which `written` led to, until nothing changes.
    fn expanded(
        &mut self,
        written: &str,
        text: String,
        origin: Option<&Origin>,
        rounds: &mut usize,
    ) -> Result<Expanded, String> {
        let mut text = text;
        while let Some(reference) = find_reference(&text) {
            *rounds += 1;
            if *rounds > MAX_EXPANSION_ROUNDS {
                return Err("too many recursive expansions".to_owned());
            }
            let whole = reference == text;
            let retrieved = self.retriever.reference(reference, written, origin);
            let retrieved = retrieved.map_err(|error| error.told(reference, written))?;
            if !whole {
                let reference = reference.to_owned();
                text = self.replaced(&text, &reference, &retrieved.text)?;
                continue;
            }
            match retrieved {
                Retrieved { node: Node { content: Content::String(string), .. }, .. } => text = string,
                Retrieved { node, text } => {
                    return Ok(Expanded::Value(Node { text: Some(text.into()), ..node }));
                }
            }
        }
        Ok(Expanded::Text(text))
    }

    /// All occurrences at once.
    fn replaced(&mut self, text: &str, reference: &str, with: &str) -> Result<String, String> {
        let times = text.matches(reference).count();
        self.bytes = self.bytes.saturating_add(text.len() + times.saturating_mul(with.len()));
        if self.bytes > MAX_EXPANDED_BYTES {
            self.is_over = true;
            return Err(format!("too many recursive expansions: more than {MAX_EXPANDED_BYTES} bytes"));
        }
        Ok(text.replace(reference, with))
    }

    fn fail(&mut self, path: &[String], origin: Option<&Origin>, message: String) {
        if self.retriever.problems.len() >= MAX_PROBLEMS {
            return;
        }
        self.retriever.problems.push(Problem::new(path.join("::"), message).with_origin(origin.cloned()));
    }
}

/// The innermost reference before the first `}` that closes one; nothing when there is none, or when it is escaped by
/// an odd number of `$` before it.
fn find_reference(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        let close = rest.find('}')?;
        let Some(open) = rest[..close].rfind("${") else {
            rest = &rest[close + 1..];
            continue;
        };
        let dollars = rest[..open].bytes().rev().take_while(|byte| *byte == b'$').count();
        return (dollars % 2 == 0).then(|| &rest[open..=close]);
    }
}

fn unescape(node: Node) -> Node {
    let Node { content, origin, text } = node;
    let content = match content {
        Content::String(text) if text.contains("$$") => Content::String(text.replace("$$", "$")),
        Content::List(items) => Content::List(items.into_iter().map(unescape).collect()),
        Content::Map(entries) => Content::Map(
            entries.into_iter().map(|entry| Entry { value: unescape(entry.value), ..entry }).collect(),
        ),
        other => other,
    };
    Node { content, origin, text: text.map(|text| text.replace("$$", "$").into()) }
}

#[cfg(test)]
mod tests;
