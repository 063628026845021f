//! PromQL: from text to a tree in which every name knows its place.
//!
//! What Prometheus 3 takes is taken, its experimental parts included. Names in double quotes, `{"a.b"}`, are names.

mod ast;
mod functions;
mod lexer;
mod matcher;
mod number;
mod parser;
mod types;

pub use ast::{
    Aggregation, Binary, BinaryOperator, Call, Expr, ExprKind, Grouping, Joining, MatchOperator, Matcher,
    Matching, Name, Selector, Span,
};
pub(crate) use matcher::is_list_of_words;
pub use parser::{MAX_BYTES, MAX_DEPTH, parse};

/// Why a text is no PromQL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// Where, in bytes of the text.
    pub span: Span,
    /// What is wrong.
    pub message: String,
}

impl ParseError {
    fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }
}

#[cfg(test)]
mod tests;
