//! What a matcher matches.

use super::ast::{MatchOperator, Matcher, Selector};

impl Matcher {
    /// The regular expression of its value, which the whole of a label must match; nothing when it is not one.
    pub fn regex(&self) -> Option<Result<regex::Regex, regex::Error>> {
        self.is_regex().then(|| regex::Regex::new(&format!("^(?s:{})$", self.value.text)))
    }

    /// Whether a series with this label has the value; nothing of a regular expression that is none matches.
    pub fn matches(&self, value: &str) -> bool {
        let pattern = self.value.text.as_str();
        match self.operator {
            MatchOperator::Equal => pattern == value,
            MatchOperator::NotEqual => pattern != value,
            MatchOperator::Matches => self.fits(value),
            MatchOperator::MatchesNot => !self.fits(value),
        }
    }

    fn is_regex(&self) -> bool {
        matches!(self.operator, MatchOperator::Matches | MatchOperator::MatchesNot)
    }

    /// Whether its regular expression matches. The most frequent ones need not be compiled.
    fn fits(&self, value: &str) -> bool {
        match self.value.text.as_str() {
            ".*" => true,
            ".+" => !value.is_empty(),
            words if is_list_of_words(words) => words.split('|').any(|word| word == value),
            _ => matches!(self.regex(), Some(Ok(regex)) if regex.is_match(value)),
        }
    }

    /// Why its value is no regular expression.
    pub(super) fn regex_error(&self) -> Option<regex::Error> {
        let pattern = self.value.text.as_str();
        let is_simple = matches!(pattern, ".*" | ".+") || is_list_of_words(pattern);
        if is_simple { None } else { self.regex()?.err() }
    }

    /// Whether a series without the label is left out.
    pub(super) fn excludes_empty(&self) -> bool {
        !self.matches("")
    }
}

impl Selector {
    /// The matcher that gives its name by a regular expression.
    pub fn name_pattern(&self) -> Option<&Matcher> {
        let is_pattern = |matcher: &&Matcher| {
            matcher.label.text == "__name__" && matcher.operator == MatchOperator::Matches
        };
        self.matchers.iter().find(is_pattern)
    }
}

/// Whether a regular expression is words with `|` between them, or one.
pub(crate) fn is_list_of_words(pattern: &str) -> bool {
    pattern.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | '-' | '/' | '|' | ':'))
}
