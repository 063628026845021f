//! Checks of names that the contract does not have, also where they are given by a pattern.

use std::collections::BTreeSet;

use regex::Regex;

use super::{Around, Checker};
use crate::exposition::Family;
use crate::lint::input::Role;
use crate::lint::known::Part;
use crate::lint::{Rule, Severity};
use crate::promql::{Name, Span, is_list_of_words};

/// Most names of which a message tells.
const MAX_TOLD: usize = 4;

impl<'a, 'l> Checker<'a, 'l> {
    /// A name that the contract does not have.
    pub(super) fn unknown(&mut self, name: &Name, severity: Severity) {
        let linter = self.linter;
        let message = format!("there is no metric {:?}", name.text);
        if let Some(family) = linter.known.families.iter().find(|family| family.name == name.text) {
            let name_of = |part: Part| format!("{}{}", family.name, part.suffix());
            let [bucket, sum, count] = [Part::Bucket, Part::Sum, Part::Count].map(name_of);
            let help = format!("it is a histogram: its series are {bucket}, {sum} and {count}");
            return self.find(Rule::UnknownMetric, severity, name.span, message, Some(help));
        }
        if let Some(seen) = linter.others.seen(&name.text) {
            let (help, fix) = match linter.known.successor(&seen.metric, linter.others) {
                Some(family) => {
                    let new = format!("{}{}", family.name, seen.part.suffix());
                    (format!("here it is {new}"), self.rewrite(name, &new))
                }
                None => ("nothing takes its place".to_owned(), None),
            };
            let message = format!("{message}; it is in {}", seen.contracts);
            return self.find_with(Rule::UnknownMetric, severity, name.span, message, Some(help), fix);
        }
        let names = || linter.known.series.keys().map(String::as_str);
        let same = names().find(|known| without_suffixes(known) == without_suffixes(&name.text));
        let near = same.or_else(|| etalon_conf::nearest(&name.text, names()));
        if let Some(near) = near {
            let help = format!("did you mean {near}?");
            return self.find(Rule::UnknownMetric, severity, name.span, message, Some(help));
        }
        // The Go collector's components outside of its own repository have metrics that no contract lists.
        let is_of_target = linter.target.contract.name != "otelcol";
        let severity = if is_of_target { severity } else { Severity::Warning };
        let help =
            (!is_of_target).then(|| "a component from outside of the collector may have it".to_owned());
        self.find(Rule::UnknownMetric, severity, name.span, message, help);
    }

    /// A pattern for names that matches some.
    pub(super) fn names_of(&mut self, pattern: &Name, families: &[(&'a Family<'l>, Part)], around: Around) {
        let Some(words) = words(pattern) else {
            if let [(family, part)] = families {
                self.family(family, *part, None, pattern.span, around);
            }
            return;
        };
        // Where one of several has no series, the others stand in for it.
        let around = Around { is_guarded: around.is_guarded || words.len() > 1, ..around };
        let linter = self.linter;
        for word in &words {
            if let Some((index, part)) = linter.known.series.get(&word.text) {
                self.family(&linter.known.families[*index], *part, Some(word), word.span, around);
            } else if self.is_ours(&word.text) && !self.prepared.inputs.recorded.contains(&word.text) {
                let here = self.here(&word.text);
                // Patterns ask for what a metric was called and for what it is called now, side by side.
                let is_asked_for = |(family, part): &(&Family<'_>, Part)| {
                    here.as_ref().is_some_and(|here| *here == format!("{}{}", family.name, part.suffix()))
                };
                if !families.iter().any(is_asked_for) {
                    self.unknown(word, Severity::Warning);
                }
            }
        }
    }

    /// A pattern for names that matches none.
    pub(super) fn unmatched(&mut self, pattern: &Name) {
        // Dashboards ask in this way which of several names is there.
        let is_question = self.query.role == Role::Variable;
        let severity = if is_question { Severity::Warning } else { Severity::Error };
        if let Some(words) = words(pattern).filter(|words| words.len() > 1) {
            for word in words {
                if self.is_ours(&word.text) {
                    self.unknown(&word, severity);
                }
            }
            return;
        }
        let message = format!("no metric matches {:?}", pattern.text);
        let Ok(regex) = Regex::new(&format!("^(?s:{})$", pattern.text)) else { return };
        let elsewhere = self.linter.others.matching(|name| regex.is_match(name));
        let here: BTreeSet<String> = elsewhere.iter().filter_map(|name| self.here(name)).collect();
        let (first, last) = (here.first(), here.last());
        let new = match (first, last) {
            (Some(only), Some(last)) if only == last => Some(only.clone()),
            (Some(_), _) => self.without_total(&pattern.text, &here),
            _ => None,
        };
        let help = match &new {
            Some(new) => Some(format!("here it is {new}")),
            None if here.is_empty() => None,
            None => {
                Some(format!("here there are {}: which of them are meant is yours to say", listed(&here)))
            }
        };
        let fix = new.and_then(|new| self.rewrite(pattern, &new));
        self.find_with(Rule::UnknownMetric, severity, pattern.span, message, help, fix);
    }

    /// What a series of another contract is called in this one.
    fn here(&self, name: &str) -> Option<String> {
        let seen = self.linter.others.seen(name)?;
        let family = self.linter.known.successor(&seen.metric, self.linter.others)?;
        Some(format!("{}{}", family.name, seen.part.suffix()))
    }

    /// A pattern without the suffix of counters, if it matches exactly these names then.
    fn without_total(&self, pattern: &str, names: &BTreeSet<String>) -> Option<String> {
        let shorter = pattern.strip_suffix("_total")?;
        let regex = Regex::new(&format!("^(?s:{shorter})$")).ok()?;
        let matched = self.linter.known.series.keys().filter(|name| regex.is_match(name));
        matched.eq(names).then(|| shorter.to_owned())
    }
}

/// The words of a pattern that is nothing but a list of them, each with its place.
fn words(pattern: &Name) -> Option<Vec<Name>> {
    // With an escape in it, places would be others.
    let is_plain = pattern.span.end - pattern.span.start == pattern.text.len();
    if !is_plain || !is_list_of_words(&pattern.text) {
        return None;
    }
    let mut start = pattern.span.start;
    let words = pattern.text.split('|').map(|word| {
        let span = Span::new(start, start + word.len());
        start = span.end + 1;
        Name { text: word.to_owned(), span, quoted: true }
    });
    Some(words.collect())
}

fn listed(names: &BTreeSet<String>) -> String {
    let told: Vec<&str> = names.iter().take(MAX_TOLD).map(String::as_str).collect();
    let more = match names.len().saturating_sub(MAX_TOLD) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", told.join(", "))
}

/// A name without what expositions append.
fn without_suffixes(name: &str) -> &str {
    let name = name.strip_suffix("_total").unwrap_or(name);
    name.strip_suffix("_seconds").or_else(|| name.strip_suffix("_bytes")).unwrap_or(name)
}
