//! Several configurations as one: a later one wins, leaf by leaf.

use std::collections::{HashMap, HashSet};

use crate::{Content, Entry, Node};

/// What happens when both configurations have a list at the same place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lists {
    /// The later one replaces the earlier one.
    #[default]
    Replace,
    /// At `service::extensions`, and at `receivers` and `exporters` anywhere below `service`, the elements of the later
    /// list that the earlier does not have are added to it. Elsewhere as [`Lists::Replace`].
    /// This is what the feature gate `confmap.enableMergeAppendOption` turns on.
    Append,
}

/// Lays `later` over `earlier`.
pub(crate) fn merge(earlier: Node, later: Node, lists: Lists) -> Node {
    merge_at(earlier, later, lists, &mut Vec::new())
}

fn merge_at(earlier: Node, later: Node, lists: Lists, path: &mut Vec<String>) -> Node {
    match (earlier.content, later.content) {
        (Content::Map(mut entries), Content::Map(more)) => {
            let places: HashMap<String, usize> =
                entries.iter().enumerate().map(|(place, entry)| (entry.key.clone(), place)).collect();
            for entry in more {
                match places.get(&entry.key).map(|place| &mut entries[*place]) {
                    Some(known) => {
                        path.push(entry.key);
                        let value = merge_at(std::mem::take(&mut known.value), entry.value, lists, path);
                        path.pop();
                        *known = Entry { key: std::mem::take(&mut known.key), origin: entry.origin, value };
                    }
                    None => entries.push(entry),
                }
            }
            Node { content: Content::Map(entries), ..later }
        }
        (Content::List(mut items), Content::List(more)) if lists == Lists::Append && is_appended(path) => {
            let mut names: HashSet<String> =
                items.iter().filter_map(Node::as_str).map(ToOwned::to_owned).collect();
            for item in more {
                let is_new = match item.as_str() {
                    Some(name) => names.insert(name.to_owned()),
                    None => items.iter().all(|known| !same(known, &item)),
                };
                if is_new {
                    items.push(item);
                }
            }
            Node { content: Content::List(items), ..later }
        }
        (_, content) => Node { content, ..later },
    }
}

/// `service::extensions`, `service::**::receivers`, `service::**::exporters`.
fn is_appended(path: &[String]) -> bool {
    match path {
        [service, extensions] => service == "service" && extensions == "extensions",
        [service, _, .., last] => service == "service" && (last == "receivers" || last == "exporters"),
        _ => false,
    }
}

/// Whether both are the same value, wherever they were written.
fn same(a: &Node, b: &Node) -> bool {
    a.to_value() == b.to_value()
}

#[cfg(test)]
mod tests;
