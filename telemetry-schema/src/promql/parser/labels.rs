//! Whatever names labels: selectors, groupings, and which series of two operands belong together.

use super::{Parser, TokenKind};
use crate::promql::ParseError;
use crate::promql::ast::{
    Expr, ExprKind, Grouping, Joining, MatchOperator, Matcher, Matching, Name, Selector, Span,
};

impl Parser<'_> {
    pub(super) fn matching(&mut self) -> Result<Option<Matching>, ParseError> {
        let keeps = match self.keyword().as_deref() {
            Some("on") => true,
            Some("ignoring") => false,
            _ => return Ok(None),
        };
        let grouping = self.grouping(keeps)?;
        let left = match self.keyword().as_deref() {
            Some("group_left") => true,
            Some("group_right") => false,
            _ => return Ok(Some(Matching { grouping, joining: None })),
        };
        self.advance();
        let labels = if self.is_symbol("(") { self.labels()?.0 } else { Vec::new() };
        Ok(Some(Matching { grouping, joining: Some(Joining { left, labels }) }))
    }

    /// `fill(0)`, `fill_left(0)`, `fill_right(0)`: what a series is taken for that has no partner.
    pub(super) fn fill(&mut self) -> Result<(), ParseError> {
        while matches!(self.keyword().as_deref(), Some("fill" | "fill_left" | "fill_right"))
            && self.next_is_symbol("(")
        {
            self.advance();
            self.advance();
            self.signed_number()?;
            self.expect_symbol(")")?;
        }
        Ok(())
    }

    /// From `by`, `without`, `on` or `ignoring` on.
    pub(super) fn grouping(&mut self, keeps: bool) -> Result<Grouping, ParseError> {
        let start = self.advance().span;
        let (labels, end) = self.labels()?;
        Ok(Grouping { keeps, labels, span: start.to(end) })
    }

    /// Labels in parentheses, and where the closing one is.
    fn labels(&mut self) -> Result<(Vec<Name>, Span), ParseError> {
        self.expect_symbol("(")?;
        let mut labels = Vec::new();
        while !self.is_symbol(")") {
            labels.push(self.label("a label or \")\"")?);
            if !self.take_symbol(",") {
                break;
            }
        }
        Ok((labels, self.expect_symbol(")")?))
    }

    fn label(&mut self, expected: &str) -> Result<Name, ParseError> {
        let token = self.peek().clone();
        let text = self.text_of(token.span);
        match token.kind {
            TokenKind::String(ref label) if !label.is_empty() => {
                self.advance();
                Ok(quoted(label, token.span))
            }
            TokenKind::Word if !text.contains(':') => {
                self.advance();
                Ok(Name { text: text.to_owned(), span: token.span, quoted: false })
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    /// The rest of a selector, after its name.
    pub(super) fn selector(&mut self, name: Option<Name>) -> Result<Expr, ParseError> {
        let start = name.as_ref().map_or(self.peek().span, |name| name.span);
        let mut selector = Selector { name, matchers: Vec::new() };
        let mut span = start;
        if self.take_symbol("{") {
            while !self.is_symbol("}") {
                self.condition(&mut selector)?;
                if !self.take_symbol(",") {
                    break;
                }
            }
            let end = self.expect_symbol("}").map_err(|_| self.unexpected("\",\" or \"}\""))?;
            span = start.to(end);
        }
        if selector.name.is_none() && !selector.matchers.iter().any(Matcher::excludes_empty) {
            let message = "a selector needs a name, or a matcher that does not match the empty string";
            return Err(ParseError::new(span, message));
        }
        Ok(Expr { kind: ExprKind::Selector(selector), span })
    }

    /// A matcher, or a name in quotes.
    fn condition(&mut self, selector: &mut Selector) -> Result<(), ParseError> {
        let label = self.label("a label or \"}\"")?;
        let operator = match self.peek().kind {
            TokenKind::Symbol("=") => MatchOperator::Equal,
            TokenKind::Symbol("!=") => MatchOperator::NotEqual,
            TokenKind::Symbol("=~") => MatchOperator::Matches,
            TokenKind::Symbol("!~") => MatchOperator::MatchesNot,
            _ if !label.quoted => return Err(self.unexpected("=, !=, =~ or !~")),
            _ if selector.name.is_some() => {
                return Err(ParseError::new(label.span, "the name of the metric is there twice"));
            }
            _ => {
                selector.name = Some(label);
                return Ok(());
            }
        };
        self.advance();
        let token = self.peek().clone();
        let TokenKind::String(text) = &token.kind else { return Err(self.unexpected("a string in quotes")) };
        let value = quoted(text, token.span);
        self.advance();
        if label.text == "__name__" && operator == MatchOperator::Equal && selector.name.is_some() {
            return Err(ParseError::new(value.span, "the name of the metric is there twice"));
        }
        let matcher = Matcher { label, operator, value };
        if let Some(error) = matcher.regex_error() {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            return Err(ParseError::new(matcher.value.span, format!("not a regular expression: {reason}")));
        }
        selector.matchers.push(matcher);
        Ok(())
    }
}

/// What is between the quotes of a string.
fn quoted(text: &str, span: Span) -> Name {
    Name { text: text.to_owned(), span: Span::new(span.start + 1, span.end - 1), quoted: true }
}
