//! Durations: of ranges, offsets and steps.

use super::{Parser, TokenKind};
use crate::promql::ParseError;
use crate::promql::ast::{BinaryOperator, Call, Expr, ExprKind, Name};

impl Parser<'_> {
    /// After `@`: a time, `start()` or `end()`.
    pub(super) fn at_time(&mut self) -> Result<(), ParseError> {
        if matches!(self.keyword().as_deref(), Some("start" | "end")) {
            self.advance();
            self.expect_symbol("(")?;
            self.expect_symbol(")")?;
            return Ok(());
        }
        self.signed_number()
    }

    pub(super) fn signed_number(&mut self) -> Result<(), ParseError> {
        if self.is_symbol("-") || self.is_symbol("+") {
            self.advance();
        }
        let is_word = matches!(self.keyword().as_deref(), Some("inf" | "nan"));
        if !is_word && !matches!(self.peek().kind, TokenKind::Number(_)) {
            return Err(self.unexpected("a number"));
        }
        self.advance();
        Ok(())
    }

    /// A duration after `offset`, or an expression in parentheses that is one.
    pub(super) fn duration(&mut self) -> Result<Expr, ParseError> {
        // `offset 5m - 1` is a subtraction from what has the offset: only the sign belongs to the duration.
        if self.is_symbol("-") || self.is_symbol("+") {
            self.advance();
        }
        let is_call = self.next_is_symbol("(") && self.keyword().is_some_and(|word| of_durations(&word));
        if !is_call && !self.is_symbol("(") && !matches!(self.peek().kind, TokenKind::Number(_)) {
            return Err(self.unexpected("a duration"));
        }
        let outside = std::mem::replace(&mut self.in_duration, true);
        let expr = if is_call { self.duration_call()? } else { self.primary()? };
        self.in_duration = outside;
        check_duration(&expr)?;
        Ok(expr)
    }

    /// `min(5m, step())` in a duration.
    pub(super) fn duration_call(&mut self) -> Result<Expr, ParseError> {
        let word = self.advance();
        let function = Name { text: self.text_of(word.span).to_owned(), span: word.span, quoted: false };
        let (arguments, end) = self.arguments()?;
        Ok(Expr { kind: ExprKind::Call(Call { function, arguments }), span: word.span.to(end) })
    }

    pub(super) fn range(&mut self, expr: Expr) -> Result<Expr, ParseError> {
        let open = self.advance().span;
        if self.is_symbol(":") || self.is_symbol("]") {
            return Err(self.unexpected("a duration"));
        }
        let range = Box::new(self.duration_expression()?);
        if self.take_symbol(":") {
            let step = if self.is_symbol("]") { None } else { Some(Box::new(self.duration_expression()?)) };
            let span = expr.span.to(self.expect_symbol("]")?);
            return Ok(Expr { kind: ExprKind::Subquery { operand: Box::new(expr), range, step }, span });
        }
        let end = self.expect_symbol("]")?;
        if !matches!(expr.kind, ExprKind::Selector(_)) {
            let message = "a range follows a selector; for a subquery, write [5m:]";
            return Err(ParseError::new(open.to(end), message));
        }
        let span = expr.span.to(end);
        Ok(Expr { kind: ExprKind::Range { selector: Box::new(expr), range }, span })
    }

    /// A duration in brackets.
    fn duration_expression(&mut self) -> Result<Expr, ParseError> {
        let outside = std::mem::replace(&mut self.in_duration, true);
        let expr = self.expression(0)?;
        self.in_duration = outside;
        check_duration(&expr)?;
        Ok(expr)
    }
}

/// Whether a function is one that makes a duration.
pub(super) fn of_durations(function: &str) -> bool {
    matches!(function, "step" | "range" | "min" | "max")
}

/// Whether an expression is a duration: numbers, and what makes one of others.
fn check_duration(expr: &Expr) -> Result<(), ParseError> {
    match &expr.kind {
        ExprKind::Number(number) if number.is_finite() => Ok(()),
        ExprKind::Paren(inner) | ExprKind::Unary(inner) => check_duration(inner),
        ExprKind::Binary(binary) if binary.operator == BinaryOperator::Arithmetic => {
            check_duration(&binary.left)?;
            check_duration(&binary.right)
        }
        ExprKind::Call(call) if of_durations(&call.function.text) => {
            call.arguments.iter().try_for_each(check_duration)
        }
        _ => Err(ParseError::new(expr.span, "expected a duration, such as 5m")),
    }
}
