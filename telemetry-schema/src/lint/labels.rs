//! The labels that the result of an expression has.

use std::collections::BTreeSet;

use super::rules::{Checker, Named};
use crate::lint::known::Part;
use crate::promql::{Aggregation, Binary, BinaryOperator, Call, Expr, ExprKind, Grouping, Selector};

/// Labels that Prometheus itself, or what usually finds its targets, puts on every series.
pub(super) const TARGET_LABELS: [&str; 16] = [
    "__name__",
    "job",
    "instance",
    "cluster",
    "namespace",
    "pod",
    "container",
    "node",
    "service",
    "endpoint",
    "app",
    "env",
    "environment",
    "region",
    "prometheus",
    "tenant",
];

/// What labels the result has, beside those of targets; nothing when nobody knows.
pub(super) fn of(checker: &Checker<'_, '_>, expr: &Expr) -> Option<BTreeSet<String>> {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) => Some(BTreeSet::new()),
        ExprKind::Paren(inner) | ExprKind::Unary(inner) | ExprKind::Modified(inner) => of(checker, inner),
        ExprKind::Range { selector, .. } => of(checker, selector),
        ExprKind::Subquery { operand, .. } => of(checker, operand),
        ExprKind::Selector(selector) => of_selector(checker, selector),
        ExprKind::Aggregation(aggregation) => of_aggregation(checker, aggregation),
        ExprKind::Call(call) => of_call(checker, call),
        ExprKind::Binary(binary) => of_binary(checker, binary),
    }
}

fn of_selector(checker: &Checker<'_, '_>, selector: &Selector) -> Option<BTreeSet<String>> {
    let Named::Families(families) = checker.named(selector) else { return None };
    let mut labels = BTreeSet::new();
    for (family, part) in families {
        labels.extend(family.labels.iter().map(|label| label.name.clone()));
        if part == Part::Bucket {
            labels.insert("le".to_owned());
        }
    }
    Some(labels)
}

fn of_aggregation(checker: &Checker<'_, '_>, aggregation: &Aggregation) -> Option<BTreeSet<String>> {
    let Aggregation { operator, grouping, parameter, operand } = aggregation;
    if matches!(operator.text.as_str(), "topk" | "bottomk" | "limitk" | "limit_ratio") {
        return of(checker, operand);
    }
    let mut labels = match grouping {
        Some(grouping) if !grouping.keeps => {
            let mut labels = of(checker, operand)?;
            labels.retain(|label| !grouping.labels.iter().any(|without| without.text == *label));
            labels
        }
        grouping => names(grouping.as_ref()),
    };
    if let Some(ExprKind::String(label)) = parameter.as_ref().map(|parameter| &parameter.kind) {
        labels.insert(label.clone());
    }
    Some(labels)
}

fn of_call(checker: &Checker<'_, '_>, call: &Call) -> Option<BTreeSet<String>> {
    let operand = call.arguments.iter().find(|argument| !argument.selectors().is_empty());
    let mut labels = operand.map_or(Some(BTreeSet::new()), |operand| of(checker, operand))?;
    match (call.function.text.as_str(), call.arguments.get(1).map(|argument| &argument.kind)) {
        ("label_replace" | "label_join", Some(ExprKind::String(label))) => {
            labels.insert(label.clone());
        }
        ("histogram_quantile", _) => {
            labels.remove("le");
        }
        ("info", _) => return None,
        _ => {}
    }
    Some(labels)
}

fn of_binary(checker: &Checker<'_, '_>, binary: &Binary) -> Option<BTreeSet<String>> {
    let Binary { operator, left, right, matching, .. } = binary;
    if matches!(operator, BinaryOperator::And | BinaryOperator::Unless) {
        return of(checker, left);
    }
    let is_scalar = |expr: &Expr| expr.selectors().is_empty();
    if is_scalar(left) || is_scalar(right) {
        return of(checker, if is_scalar(left) { right } else { left });
    }
    match matching {
        Some(matching) if *operator != BinaryOperator::Or => match &matching.joining {
            Some(joining) => {
                let mut labels = of(checker, if joining.left { left } else { right })?;
                labels.extend(joining.labels.iter().map(|label| label.text.clone()));
                Some(labels)
            }
            None if matching.grouping.keeps => Some(names(Some(&matching.grouping))),
            None => both(checker, left, right),
        },
        _ => both(checker, left, right),
    }
}

fn both(checker: &Checker<'_, '_>, left: &Expr, right: &Expr) -> Option<BTreeSet<String>> {
    let mut labels = of(checker, left)?;
    labels.extend(of(checker, right)?);
    Some(labels)
}

fn names(grouping: Option<&Grouping>) -> BTreeSet<String> {
    grouping.into_iter().flat_map(|grouping| &grouping.labels).map(|label| label.text.clone()).collect()
}
