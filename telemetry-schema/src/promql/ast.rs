//! The tree.

use std::ops::Range;

/// A part of the text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first.
    pub start: usize,
    /// The one after the last.
    pub end: usize,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it is.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A number, or a duration in seconds.
    Number(f64),
    /// A string.
    String(String),
    /// An expression in parentheses.
    Paren(Box<Expr>),
    /// A sign, and what follows it.
    Unary(Box<Expr>),
    /// Two operands.
    Binary(Box<Binary>),
    /// `sum by (a) (b)`.
    Aggregation(Box<Aggregation>),
    /// `rate(a[5m])`.
    Call(Call),
    /// `a{b="c"}`.
    Selector(Selector),
    /// `a[5m]`: a selector with a range.
    Range {
        /// The selector.
        selector: Box<Expr>,
        /// The range.
        range: Box<Expr>,
    },
    /// `a[5m:1m]`.
    Subquery {
        /// What is evaluated again and again.
        operand: Box<Expr>,
        /// The range.
        range: Box<Expr>,
        /// The step, if one is given.
        step: Option<Box<Expr>>,
    },
    /// With `offset`, `@`, `anchored` or `smoothed`.
    Modified(Box<Expr>),
}

/// An operator between two operands.
#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    /// The operator.
    pub operator: BinaryOperator,
    /// The left operand.
    pub left: Expr,
    /// The right operand.
    pub right: Expr,
    /// Whether `bool` follows the operator.
    pub returns_bool: bool,
    /// `on` or `ignoring`.
    pub matching: Option<Matching>,
}

/// An operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `+`, `-`, `*`, `/`, `%`, `^` or `atan2`.
    Arithmetic,
    /// `==`, `!=`, `<`, `<=`, `>` or `>=`.
    Comparison,
    /// `and`.
    And,
    /// `or`.
    Or,
    /// `unless`.
    Unless,
}

/// Which series of two operands belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Matching {
    /// The labels, and whether they are those that count (`on`) or those that do not (`ignoring`).
    pub grouping: Grouping,
    /// `group_left` or `group_right`.
    pub joining: Option<Joining>,
}

/// That many series of one side belong to one of the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Joining {
    /// Whether the many are on the left.
    pub left: bool,
    /// Labels of the one that the result has.
    pub labels: Vec<Name>,
}

/// A list of labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouping {
    /// Whether it lists what is kept or matched (`by`, `on`), or what is not (`without`, `ignoring`).
    pub keeps: bool,
    /// The labels.
    pub labels: Vec<Name>,
    /// From the keyword to the closing parenthesis.
    pub span: Span,
}

/// An aggregation.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregation {
    /// `sum`, in lower case.
    pub operator: Name,
    /// `by` or `without`.
    pub grouping: Option<Grouping>,
    /// Of `topk(5, a)`, the 5.
    pub parameter: Option<Expr>,
    /// What is aggregated.
    pub operand: Expr,
}

/// A call of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its name.
    pub function: Name,
    /// Its arguments.
    pub arguments: Vec<Expr>,
}

/// A choice of series.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    /// The name before the braces, or in quotes in them.
    pub name: Option<Name>,
    /// What else must hold. A matcher of `__name__` is one of them.
    pub matchers: Vec<Matcher>,
}

/// A condition on a label.
#[derive(Clone, Debug, PartialEq)]
pub struct Matcher {
    /// The label.
    pub label: Name,
    /// How it is compared.
    pub operator: MatchOperator,
    /// With what.
    pub value: Name,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchOperator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Matches,
    /// `!~`
    MatchesNot,
}

/// A word, and where it is. If it is in quotes, the place is that of what is between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The word, without quotes and escapes.
    pub text: String,
    /// Where it is.
    pub span: Span,
    /// Whether it is in quotes.
    pub quoted: bool,
}

impl Span {
    /// A part of a text.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// From the start of this to the end of another.
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end.max(self.end) }
    }

    /// As a range, to index with.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

impl Expr {
    /// The expressions that it directly consists of, in the order of the text.
    pub fn parts(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Selector(_) => Vec::new(),
            ExprKind::Paren(inner) | ExprKind::Unary(inner) | ExprKind::Modified(inner) => vec![inner],
            ExprKind::Range { selector, .. } => vec![selector],
            ExprKind::Subquery { operand, .. } => vec![operand],
            ExprKind::Binary(binary) => vec![&binary.left, &binary.right],
            ExprKind::Aggregation(aggregation) => {
                aggregation.parameter.iter().chain([&aggregation.operand]).collect()
            }
            ExprKind::Call(call) => call.arguments.iter().collect(),
        }
    }

    /// Its selectors, in the order of the text.
    pub fn selectors(&self) -> Vec<&Selector> {
        match &self.kind {
            ExprKind::Selector(selector) => vec![selector],
            _ => self.parts().into_iter().flat_map(Expr::selectors).collect(),
        }
    }

    /// Without the parentheses and modifiers around it.
    pub fn inner(&self) -> &Expr {
        match &self.kind {
            ExprKind::Paren(inner) | ExprKind::Modified(inner) => inner.inner(),
            _ => self,
        }
    }
}

impl Selector {
    /// The only name that it can mean; nothing when it leaves the name open.
    pub fn exact_name(&self) -> Option<&Name> {
        let equal =
            |matcher: &&Matcher| matcher.label.text == "__name__" && matcher.operator == MatchOperator::Equal;
        self.name.as_ref().or_else(|| self.matchers.iter().find(equal).map(|matcher| &matcher.value))
    }
}
