//! From tokens to a tree.

use self::durations::of_durations;
use super::ast::{Aggregation, Binary, BinaryOperator, Call, Expr, ExprKind, Grouping, Name, Span};
use super::lexer::{Token, TokenKind, tokens};
use super::{ParseError, functions, types};

mod durations;
mod labels;

/// Most bytes of an expression.
pub const MAX_BYTES: usize = 128 * 1024;
/// Most expressions inside one another; each operator of a chain counts.
pub const MAX_DEPTH: usize = 100;

/// Words that are no names of metrics where a name may stand.
const RESERVED: [&str; 5] = ["bool", "on", "ignoring", "group_left", "group_right"];

/// Reads an expression.
///
/// # Errors
/// It is no PromQL, or does not make sense; or it is larger than [`MAX_BYTES`] or deeper than [`MAX_DEPTH`].
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    if text.len() > MAX_BYTES {
        return Err(ParseError::new(
            Span::new(0, 1),
            format!("the expression is larger than {MAX_BYTES} bytes"),
        ));
    }
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, depth: 0, in_duration: false };
    if parser.peek().kind == TokenKind::End {
        return Err(ParseError::new(Span::new(0, text.len()), "there is no expression"));
    }
    let expr = parser.expression(0)?;
    if parser.peek().kind != TokenKind::End {
        return Err(parser.unexpected("the end of the expression"));
    }
    types::check(&expr)?;
    Ok(expr)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    /// How many expressions are open.
    depth: usize,
    /// Whether `min` and `max` are those of durations.
    in_duration: bool,
}

/// An operator as it is read.
#[derive(Clone, Copy)]
struct Infix {
    operator: BinaryOperator,
    power: u8,
    is_right_associative: bool,
}

/// The power of a sign, which is that of `*`.
const SIGN_POWER: u8 = 5;

impl<'a> Parser<'a> {
    fn peek(&self) -> &Token {
        // The last token is the end, which is never passed.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn text_of(&self, span: Span) -> &'a str {
        &self.text[span.range()]
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek().kind, TokenKind::Symbol(found) if found == symbol)
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        if found {
            self.advance();
        }
        found
    }

    fn expect_symbol(&mut self, symbol: &str) -> Result<Span, ParseError> {
        if !self.is_symbol(symbol) {
            return Err(self.unexpected(&format!("{symbol:?}")));
        }
        Ok(self.advance().span)
    }

    /// The next token, if it is a word, in lower case.
    fn keyword(&self) -> Option<String> {
        let token = self.peek();
        (token.kind == TokenKind::Word).then(|| self.text_of(token.span).to_ascii_lowercase())
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.keyword().is_some_and(|found| found == keyword);
        if found {
            self.advance();
        }
        found
    }

    fn next_is_symbol(&self, symbol: &str) -> bool {
        self.tokens
            .get(self.at + 1)
            .is_some_and(|token| matches!(token.kind, TokenKind::Symbol(found) if found == symbol))
    }

    fn unexpected(&self, expected: &str) -> ParseError {
        let token = self.peek();
        let found = match &token.kind {
            TokenKind::End => "the end of the expression".to_owned(),
            _ => format!("{:?}", self.text_of(token.span)),
        };
        // A caret needs something to stand below.
        let span = if token.kind == TokenKind::End {
            let end = self.text.trim_end().len();
            let last = self.text[..end].chars().next_back().map_or(0, char::len_utf8);
            Span::new(end - last, end)
        } else {
            token.span
        };
        ParseError::new(span, format!("expected {expected}, found {found}"))
    }

    fn too_deep(&self) -> ParseError {
        let message = format!("the expression is more than {MAX_DEPTH} deep");
        ParseError::new(self.peek().span, message)
    }

    /// An expression whose operators have at least this power.
    fn expression(&mut self, least_power: u8) -> Result<Expr, ParseError> {
        self.depth += 1;
        let outside = self.depth;
        if self.depth > MAX_DEPTH {
            return Err(self.too_deep());
        }
        let mut left = self.operand()?;
        while let Some(infix) = self.infix().filter(|infix| infix.power >= least_power) {
            self.advance();
            // What is on the left gets deeper by each operator of the chain.
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(self.too_deep());
            }
            left = self.binary(left, infix)?;
        }
        self.depth = outside - 1;
        Ok(left)
    }

    fn infix(&self) -> Option<Infix> {
        let (operator, power) = match &self.peek().kind {
            TokenKind::Symbol("==" | "!=" | "<" | "<=" | ">" | ">=") => (BinaryOperator::Comparison, 3),
            TokenKind::Symbol("+" | "-") => (BinaryOperator::Arithmetic, 4),
            TokenKind::Symbol("*" | "/" | "%") => (BinaryOperator::Arithmetic, SIGN_POWER),
            TokenKind::Symbol("^") => (BinaryOperator::Arithmetic, 6),
            TokenKind::Word => match self.keyword()?.as_str() {
                "or" => (BinaryOperator::Or, 1),
                "and" => (BinaryOperator::And, 2),
                "unless" => (BinaryOperator::Unless, 2),
                "atan2" => (BinaryOperator::Arithmetic, SIGN_POWER),
                _ => return None,
            },
            _ => return None,
        };
        Some(Infix { operator, power, is_right_associative: power == 6 })
    }

    fn binary(&mut self, left: Expr, infix: Infix) -> Result<Expr, ParseError> {
        let returns_bool = self.take_keyword("bool");
        let matching = self.matching()?;
        self.fill()?;
        let right =
            self.expression(if infix.is_right_associative { infix.power } else { infix.power + 1 })?;
        let span = left.span.to(right.span);
        let binary = Binary { operator: infix.operator, left, right, returns_bool, matching };
        Ok(Expr { kind: ExprKind::Binary(Box::new(binary)), span })
    }

    /// An expression without operators, but with a sign and with what follows it in `[…]`, `offset` and `@`.
    fn operand(&mut self) -> Result<Expr, ParseError> {
        if self.is_symbol("-") || self.is_symbol("+") {
            let sign = self.advance().span;
            // A sign binds less than `^`, and as much as `*`.
            let operand = self.expression(SIGN_POWER + 1)?;
            let span = sign.to(operand.span);
            return Ok(Expr { kind: ExprKind::Unary(Box::new(operand)), span });
        }
        let mut expr = self.primary()?;
        loop {
            let before = self.depth;
            expr = match self.postfix(expr)? {
                Ok(longer) => longer,
                Err(complete) => return Ok(complete),
            };
            self.depth = before + 1;
            if self.depth > MAX_DEPTH {
                return Err(self.too_deep());
            }
        }
    }

    /// The expression with one thing more that follows it, or as it is when nothing does.
    fn postfix(&mut self, expr: Expr) -> Result<Result<Expr, Expr>, ParseError> {
        if self.is_symbol("[") {
            return self.range(expr).map(Ok);
        }
        let is_at = self.is_symbol("@");
        let word = self.keyword();
        let is_offset = word.as_deref() == Some("offset");
        let is_other = matches!(word.as_deref(), Some("anchored" | "smoothed"));
        if !(is_at || is_offset || is_other) {
            return Ok(Err(expr));
        }
        let token = self.advance();
        if !matches!(
            expr.kind,
            ExprKind::Selector(_)
                | ExprKind::Range { .. }
                | ExprKind::Subquery { .. }
                | ExprKind::Modified(_)
        ) {
            let what = self.text_of(token.span);
            let message = format!("{what} follows a selector or a subquery, and nothing else");
            return Err(ParseError::new(token.span, message));
        }
        if is_at {
            self.at_time()?;
        } else if is_offset {
            self.duration()?;
        }
        let end = self.tokens[self.at - 1].span;
        let span = expr.span.to(end);
        Ok(Ok(Expr { kind: ExprKind::Modified(Box::new(expr)), span }))
    }

    fn primary(&mut self) -> Result<Expr, ParseError> {
        let token = self.peek().clone();
        match token.kind {
            TokenKind::Number(number) => {
                self.advance();
                Ok(Expr { kind: ExprKind::Number(number), span: token.span })
            }
            TokenKind::String(text) => {
                self.advance();
                Ok(Expr { kind: ExprKind::String(text), span: token.span })
            }
            TokenKind::Symbol("(") => {
                self.advance();
                let inner = self.expression(0)?;
                let end = self.expect_symbol(")")?;
                Ok(Expr { kind: ExprKind::Paren(Box::new(inner)), span: token.span.to(end) })
            }
            TokenKind::Symbol("{") => self.selector(None),
            TokenKind::Word => self.word(),
            _ => Err(self.unexpected("an expression")),
        }
    }

    /// An expression that begins with a word: an aggregation, a call, a number, or a selector.
    fn word(&mut self) -> Result<Expr, ParseError> {
        let token = self.peek().clone();
        let word = self.text_of(token.span);
        let lower = word.to_ascii_lowercase();
        let after = self.tokens.get(self.at + 1);
        let is_followed_by = |words: [&str; 2]| {
            after.is_some_and(|next| {
                let text = &self.text[next.span.range()];
                next.kind == TokenKind::Word && words.iter().any(|word| text.eq_ignore_ascii_case(word))
            })
        };
        let is_call = self.next_is_symbol("(");
        if self.in_duration && is_call && of_durations(&lower) {
            return self.duration_call();
        }
        if functions::aggregation(&lower).is_some() && (is_call || is_followed_by(["by", "without"])) {
            return self.aggregation(lower);
        }
        if RESERVED.contains(&lower.as_str()) {
            return Err(self.unexpected("an expression"));
        }
        if is_call {
            self.advance();
            let (arguments, end) = self.arguments()?;
            let function = Name { text: word.to_owned(), span: token.span, quoted: false };
            return Ok(Expr { kind: ExprKind::Call(Call { function, arguments }), span: token.span.to(end) });
        }
        if let Some(number) = match lower.as_str() {
            "inf" => Some(f64::INFINITY),
            "nan" => Some(f64::NAN),
            _ => None,
        } {
            self.advance();
            return Ok(Expr { kind: ExprKind::Number(number), span: token.span });
        }
        self.advance();
        self.selector(Some(Name { text: word.to_owned(), span: token.span, quoted: false }))
    }

    /// Expressions in parentheses, and where the closing one is.
    fn arguments(&mut self) -> Result<(Vec<Expr>, Span), ParseError> {
        self.expect_symbol("(")?;
        let mut arguments = Vec::new();
        while !self.is_symbol(")") {
            arguments.push(self.expression(0)?);
            if !self.is_symbol(")") {
                self.expect_symbol(",").map_err(|_| self.unexpected("\",\" or \")\""))?;
                if self.is_symbol(")") {
                    return Err(self.unexpected("an expression"));
                }
            }
        }
        Ok((arguments, self.expect_symbol(")")?))
    }

    fn aggregation(&mut self, operator: String) -> Result<Expr, ParseError> {
        let word = self.advance().span;
        let mut grouping = self.aggregation_grouping()?;
        let (arguments, mut end) = self.arguments()?;
        if grouping.is_none() {
            grouping = self.aggregation_grouping()?;
            end = grouping.as_ref().map_or(end, |grouping| grouping.span);
        }
        let span = word.to(end);
        let takes = functions::aggregation(&operator).map_or(1, <[_]>::len);
        let given = arguments.len();
        let mut arguments = arguments.into_iter();
        let parameter = if takes == 2 { arguments.next() } else { None };
        let operand = arguments.next().filter(|_| given == takes).ok_or_else(|| {
            ParseError::new(span, format!("{operator} is given {given} arguments, and takes {takes}"))
        })?;
        let operator = Name { text: operator, span: word, quoted: false };
        let aggregation = Aggregation { operator, grouping, parameter, operand };
        Ok(Expr { kind: ExprKind::Aggregation(Box::new(aggregation)), span })
    }

    fn aggregation_grouping(&mut self) -> Result<Option<Grouping>, ParseError> {
        match self.keyword().as_deref() {
            Some("by") => self.grouping(true).map(Some),
            Some("without") => self.grouping(false).map(Some),
            _ => Ok(None),
        }
    }
}
