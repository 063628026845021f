//! Whether an expression makes sense: what it gives, and what it is given.

use std::fmt;

use super::ast::{Aggregation, Binary, BinaryOperator, Call, Expr, ExprKind};
use super::{ParseError, functions};

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// A number.
    Scalar,
    /// A value for each series.
    Vector,
    /// Values over time for each series.
    Matrix,
    /// A text.
    Text,
}

/// What people call it.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "a number",
            Self::Vector => "an instant vector",
            Self::Matrix => "a range vector",
            Self::Text => "a string",
        })
    }
}

/// What `expr` gives.
///
/// # Errors
/// A part of it is given something that it does not take.
pub(super) fn check(expr: &Expr) -> Result<Type, ParseError> {
    Ok(match &expr.kind {
        ExprKind::Number(_) => Type::Scalar,
        ExprKind::String(_) => Type::Text,
        ExprKind::Paren(inner) | ExprKind::Modified(inner) => check(inner)?,
        ExprKind::Unary(operand) => {
            let of = check(operand)?;
            if !matches!(of, Type::Scalar | Type::Vector) {
                return Err(ParseError::new(operand.span, format!("{of} has no sign")));
            }
            of
        }
        ExprKind::Selector(_) => Type::Vector,
        ExprKind::Range { .. } => Type::Matrix,
        ExprKind::Subquery { operand, .. } => {
            let of = check(operand)?;
            if of != Type::Vector {
                let message = format!("a subquery is over an instant vector, not {of}");
                return Err(ParseError::new(operand.span, message));
            }
            Type::Matrix
        }
        ExprKind::Binary(binary) => binary_type(binary)?,
        ExprKind::Aggregation(aggregation) => aggregation_type(aggregation)?,
        ExprKind::Call(call) => call_type(call, expr)?,
    })
}

fn expect(expr: &Expr, expected: Type, whose: &str) -> Result<(), ParseError> {
    let found = check(expr)?;
    if found == expected {
        return Ok(());
    }
    let help = match (found, expected) {
        (Type::Vector, Type::Matrix) => ": add a range, such as [5m]",
        (Type::Matrix, Type::Vector) => ": wrap it, as in rate(…)",
        _ => "",
    };
    Err(ParseError::new(expr.span, format!("{whose} takes {expected}, and this is {found}{help}")))
}

fn aggregation_type(aggregation: &Aggregation) -> Result<Type, ParseError> {
    let Aggregation { operator, parameter, operand, .. } = aggregation;
    expect(operand, Type::Vector, &operator.text)?;
    let expected = functions::aggregation(&operator.text).and_then(<[Type]>::first);
    if let (Some(parameter), Some(expected)) = (parameter, expected) {
        expect(parameter, *expected, &operator.text)?;
    }
    Ok(Type::Vector)
}

fn call_type(call: &Call, expr: &Expr) -> Result<Type, ParseError> {
    let name = &call.function;
    let Some(signature) = functions::signature(&name.text) else {
        let near = etalon_conf::nearest(&name.text, functions::NAMES);
        let help = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        return Err(ParseError::new(name.span, format!("there is no function {:?}{help}", name.text)));
    };
    let (given, most) = (call.arguments.len(), signature.arguments.len());
    let least = most - signature.optional;
    if given < least || given > most && !signature.repeats {
        let number = match (least, most) {
            _ if signature.repeats => format!("at least {least}"),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        let message = format!("{} is given {given} arguments, and takes {number}", name.text);
        return Err(ParseError::new(expr.span, message));
    }
    for (index, argument) in call.arguments.iter().enumerate() {
        if let Some(expected) = signature.arguments.get(index).or(signature.arguments.last()) {
            expect(argument, *expected, &name.text)?;
        }
    }
    Ok(signature.returns)
}

fn binary_type(binary: &Binary) -> Result<Type, ParseError> {
    let Binary { operator, left, right, returns_bool, matching } = binary;
    let types = [check(left)?, check(right)?];
    for (operand, found) in [left, right].into_iter().zip(types) {
        if !matches!(found, Type::Scalar | Type::Vector) {
            return Err(ParseError::new(operand.span, format!("an operator does not take {found}")));
        }
    }
    let both_scalars = types == [Type::Scalar; 2];
    let both_vectors = types == [Type::Vector; 2];
    let is_set = matches!(operator, BinaryOperator::And | BinaryOperator::Or | BinaryOperator::Unless);
    let whole = left.span.to(right.span);
    if is_set && !both_vectors {
        return Err(ParseError::new(whole, "and, or and unless are between instant vectors, not numbers"));
    }
    if *operator == BinaryOperator::Comparison && both_scalars && !returns_bool {
        return Err(ParseError::new(whole, "numbers are compared with bool, as in 1 == bool 2"));
    }
    if *returns_bool && *operator != BinaryOperator::Comparison {
        return Err(ParseError::new(whole, "bool goes with a comparison only"));
    }
    if let Some(matching) = matching {
        if !both_vectors {
            return Err(ParseError::new(
                matching.grouping.span,
                "on and ignoring are between instant vectors",
            ));
        }
        if let Some(joining) = &matching.joining {
            if is_set {
                let message = "group_left and group_right do not go with and, or and unless";
                return Err(ParseError::new(matching.grouping.span, message));
            }
            let on: Vec<&str> = matching.grouping.labels.iter().map(|label| label.text.as_str()).collect();
            let twice = |label: &&super::Name| matching.grouping.keeps && on.contains(&label.text.as_str());
            if let Some(label) = joining.labels.iter().find(twice) {
                let message = format!("{:?} is in on and in the group", label.text);
                return Err(ParseError::new(label.span, message));
            }
        }
    }
    Ok(if both_scalars { Type::Scalar } else { Type::Vector })
}
