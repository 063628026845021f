//! How something that was found is written down.

use super::Checker;
use crate::lint::{Edit, Finding, Rule, Severity};
use crate::promql::{Name, Span};

/// Most characters of an excerpt.
const MAX_EXCERPT_CHARS: usize = 160;

impl Checker<'_, '_> {
    /// A change of a name, if it stands in the file letter by letter.
    pub(super) fn rewrite(&self, name: &Name, new: &str) -> Option<Edit> {
        let file = &self.prepared.files[self.query.file];
        let overlaps = |variable: &Span| variable.start < name.span.end && name.span.start < variable.end;
        if self.query.expanded.from_variables.iter().any(overlaps) {
            return None;
        }
        let is_classic = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | ':');
        if !name.quoted && !new.chars().all(is_classic) {
            return None;
        }
        let place = self.query.expanded.written.literal(name.span, &file.text)?;
        Some(Edit { start: place.start, end: place.end, text: new.to_owned() })
    }

    pub(super) fn find(
        &mut self,
        rule: Rule,
        severity: Severity,
        span: Span,
        message: String,
        help: Option<String>,
    ) {
        self.find_with(rule, severity, span, message, help, None);
    }

    /// Adds a finding at a place of the expression with its variables filled in.
    pub(super) fn find_with(
        &mut self,
        rule: Rule,
        severity: Severity,
        span: Span,
        message: String,
        help: Option<String>,
        fix: Option<Edit>,
    ) {
        let written = &self.query.expanded.written;
        let excerpt = excerpt(&written.text, span);
        self.push(rule, severity, written.place(span), excerpt, message, help, fix);
    }

    #[expect(clippy::too_many_arguments, reason = "they are the fields of a finding")]
    pub(super) fn push(
        &mut self,
        rule: Rule,
        severity: Severity,
        place: Span,
        (excerpt, caret): (String, (usize, usize)),
        message: String,
        help: Option<String>,
        fix: Option<Edit>,
    ) {
        let file = &self.prepared.files[self.query.file];
        let (line, column) = self.prepared.position(self.query.file, place.start);
        let (end_line, end_column) = self.prepared.position(self.query.file, place.end);
        let finding = Finding {
            file: file.name.clone(),
            line,
            column,
            end_line,
            end_column,
            path: self.query.path.clone(),
            title: self.query.title.clone(),
            severity,
            rule,
            contract: self.linter.target.name.clone(),
            message,
            help,
            excerpt,
            caret,
            fix,
        };
        let is_known = |known: &Finding| {
            (known.line, known.column, known.rule, &known.message) == (line, column, rule, &finding.message)
        };
        if !self.findings.iter().any(is_known) {
            self.findings.push(finding);
        }
    }
}

/// The line of an expression that has a part of it, and from which character on it is that, and how many are.
pub(super) fn excerpt(text: &str, span: Span) -> (String, (usize, usize)) {
    let start = text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[span.start..].find(['\r', '\n']).map_or(text.len(), |newline| span.start + newline);
    let before = text[start..span.start].chars().count();
    let width = text[span.start..span.end.min(end).max(span.start)].chars().count().max(1);
    let cut = if before + width.min(MAX_EXCERPT_CHARS / 2) > MAX_EXCERPT_CHARS {
        before.saturating_sub(MAX_EXCERPT_CHARS / 2)
    } else {
        0
    };
    let line: String = text[start..end].chars().skip(cut).take(MAX_EXCERPT_CHARS).collect();
    let shown = line.chars().count().saturating_sub(before - cut).max(1);
    (line, (before - cut, width.min(shown)))
}
