//! Where changes are found.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{Bump, Change, Rule};
use crate::contract::{Contract, Deprecated, Stability};

/// A place in the contracts, with what was promised there.
pub(super) struct Site<'c> {
    changes: &'c mut Vec<Change>,
    path: String,
    stability: Stability,
}

/// What stands in a map of a contract under a name.
pub(super) trait Part: Serialize {
    /// How much may be relied on it.
    fn stability(&self) -> Stability;

    /// In a few words.
    fn brief(&self) -> String;

    /// The rule by which it is missing in `new`.
    fn removal(&self, old: &Contract, new: &Contract) -> Rule;
}

impl<'c> Site<'c> {
    pub(super) fn new(changes: &'c mut Vec<Change>, stability: Stability) -> Self {
        Self { changes, path: String::new(), stability }
    }

    /// A part of it.
    pub(super) fn at(&mut self, part: &str) -> Site<'_> {
        let path = if self.path.is_empty() { part.to_owned() } else { format!("{}::{part}", self.path) };
        Site { changes: self.changes, path, stability: self.stability }
    }

    /// The same place, of which so much was promised.
    pub(super) fn promised(&mut self, stability: Stability) -> Site<'_> {
        Site { changes: self.changes, path: self.path.clone(), stability }
    }

    /// A field, by `rule` when it has changed.
    pub(super) fn field<T: PartialEq + Serialize>(&mut self, name: &str, old: &T, new: &T, rule: Rule) {
        if old != new {
            self.at(name).tell(rule, shown(old), shown(new));
        }
    }

    /// A field that is ordered or so: by the first rule when `is_worse`, else by the second one.
    pub(super) fn moved<T: PartialEq + Serialize>(
        &mut self,
        name: &str,
        (old, new): (&T, &T),
        is_worse: bool,
        (worse, better): (Rule, Rule),
    ) {
        self.field(name, old, new, if is_worse { worse } else { better });
    }

    /// A list of names whose order says nothing.
    pub(super) fn names(
        &mut self,
        name: &str,
        old: &[String],
        new: &[String],
        (added, removed): (Rule, Rule),
    ) {
        for gone in old.iter().filter(|item| !new.contains(item)) {
            self.at(name).tell(removed, Some(gone.clone()), None);
        }
        for arrived in new.iter().filter(|item| !old.contains(item)) {
            self.at(name).tell(added, None, Some(arrived.clone()));
        }
    }

    /// How much is promised.
    pub(super) fn level_of_promise(&mut self, old: Stability, new: Stability) {
        self.moved("stability", (&old, &new), new < old, (Rule::StabilityLowered, Rule::StabilityRaised));
    }

    /// The announcement that it goes, in both contracts. Each is asked whether a new name is there, for the same.
    pub(super) fn deprecation(
        &mut self,
        (old, had_successor): (Option<&Deprecated>, impl Fn(&str) -> bool),
        (new, has_successor): (Option<&Deprecated>, impl Fn(&str) -> bool),
    ) {
        let lacks = |deprecated: Option<&Deprecated>, is_there: &dyn Fn(&str) -> bool| match deprecated {
            Some(Deprecated::Renamed { renamed_to }) => !is_there(renamed_to),
            None | Some(Deprecated::Obsoleted { .. } | Deprecated::Uncategorized { .. }) => false,
        };
        let (lacked, lacks) = (lacks(old, &had_successor), lacks(new, &has_successor));
        let rule = match (old, new) {
            _ if old == new && lacked == lacks => return,
            (_, Some(_)) if lacks => Rule::DeprecatedWithoutSuccessor,
            (None, Some(_)) => Rule::Deprecated,
            (Some(_), None) => Rule::Undeprecated,
            (None, None) | (Some(_), Some(_)) => Rule::TextChanged,
        };
        self.at("deprecated").tell(rule, old.map(instead), new.map(instead));
    }

    pub(super) fn tell(&mut self, rule: Rule, old: Option<String>, new: Option<String>) {
        let verdict = rule.verdict(self.stability);
        self.changes.push(Change {
            path: self.path.clone(),
            rule,
            old,
            new,
            stability: self.stability,
            verdict,
            bump: Bump::of(verdict, self.stability),
        });
    }
}

/// Compares two maps by name: what is in both with `both`, and the rest as added or removed.
pub(super) fn each<P: Part>(
    site: &mut Site<'_>,
    (old, old_contract): (&BTreeMap<String, P>, &Contract),
    (new, new_contract): (&BTreeMap<String, P>, &Contract),
    both: impl Fn(&mut Site<'_>, (&P, &Contract), (&P, &Contract)),
) {
    for (name, old_part) in old {
        let mut site = site.at(name);
        let mut site = site.promised(old_part.stability());
        match new.get(name) {
            Some(new_part) => both(&mut site, (old_part, old_contract), (new_part, new_contract)),
            None => site.tell(old_part.removal(old_contract, new_contract), Some(old_part.brief()), None),
        }
    }
    for (name, new_part) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
        let mut site = site.at(name);
        site.promised(new_part.stability()).tell(Rule::Added, None, Some(new_part.brief()));
    }
}

/// What to look at instead of something deprecated.
fn instead(deprecated: &Deprecated) -> String {
    match deprecated {
        Deprecated::Renamed { renamed_to } => format!("renamed to {renamed_to}"),
        Deprecated::Obsoleted { note } => format!("obsoleted: {note}"),
        Deprecated::Uncategorized { note } => note.clone(),
    }
}

/// A value in a line: text as it is, anything else as JSON, and nothing as nothing.
fn shown(value: &impl Serialize) -> Option<String> {
    match serde_json::to_value(value) {
        Ok(Value::Null) | Err(_) => None,
        Ok(Value::String(text)) => Some(text),
        Ok(other) => Some(other.to_string()),
    }
}
