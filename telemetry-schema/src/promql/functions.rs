//! Functions and aggregations, and what they take.

use super::types::Type;
use super::types::Type::{Matrix, Scalar, Text, Vector};

/// What a function takes and gives.
pub(super) struct Signature {
    /// Types of its arguments.
    pub(super) arguments: &'static [Type],
    /// How many of the last arguments may be left out.
    pub(super) optional: usize,
    /// Whether the last argument may be repeated.
    pub(super) repeats: bool,
    /// What it gives.
    pub(super) returns: Type,
}

const fn function(arguments: &'static [Type]) -> Signature {
    Signature { arguments, optional: 0, repeats: false, returns: Vector }
}

const fn optional(arguments: &'static [Type], optional: usize) -> Signature {
    Signature { arguments, optional, repeats: false, returns: Vector }
}

const fn repeating(arguments: &'static [Type], optional: usize) -> Signature {
    Signature { arguments, optional, repeats: true, returns: Vector }
}

const fn scalar(arguments: &'static [Type]) -> Signature {
    Signature { arguments, optional: 0, repeats: false, returns: Scalar }
}

/// Every function name, for near matches.
pub(super) const NAMES: [&str; 88] = [
    "abs",
    "absent",
    "absent_over_time",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "avg_over_time",
    "ceil",
    "changes",
    "clamp",
    "clamp_max",
    "clamp_min",
    "cos",
    "cosh",
    "count_over_time",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "deg",
    "delta",
    "deriv",
    "double_exponential_smoothing",
    "end",
    "exp",
    "first_over_time",
    "floor",
    "histogram_avg",
    "histogram_count",
    "histogram_fraction",
    "histogram_quantile",
    "histogram_quantiles",
    "histogram_stddev",
    "histogram_stdvar",
    "histogram_sum",
    "holt_winters",
    "hour",
    "idelta",
    "increase",
    "info",
    "irate",
    "label_join",
    "label_replace",
    "last_over_time",
    "ln",
    "log10",
    "log2",
    "mad_over_time",
    "max_over_time",
    "min_over_time",
    "minute",
    "month",
    "pi",
    "predict_linear",
    "present_over_time",
    "quantile_over_time",
    "rad",
    "range",
    "rate",
    "resets",
    "round",
    "scalar",
    "sgn",
    "sin",
    "sinh",
    "sort",
    "sort_by_label",
    "sort_by_label_desc",
    "sort_desc",
    "sqrt",
    "start",
    "stddev_over_time",
    "stdvar_over_time",
    "step",
    "sum_over_time",
    "tan",
    "tanh",
    "time",
    "timestamp",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
    "vector",
    "year",
];

/// What a function takes and gives; nothing when there is none of that name.
pub(super) fn signature(name: &str) -> Option<Signature> {
    Some(match name {
        "abs" | "absent" | "acos" | "acosh" | "asin" | "asinh" | "atan" | "atanh" | "ceil" | "cos"
        | "cosh" | "deg" | "exp" | "floor" | "histogram_avg" | "histogram_count" | "histogram_stddev"
        | "histogram_stdvar" | "histogram_sum" | "ln" | "log10" | "log2" | "rad" | "sgn" | "sin" | "sinh"
        | "sort" | "sort_desc" | "sqrt" | "tan" | "tanh" | "timestamp" => function(&[Vector]),
        "absent_over_time"
        | "avg_over_time"
        | "changes"
        | "count_over_time"
        | "delta"
        | "deriv"
        | "first_over_time"
        | "idelta"
        | "increase"
        | "irate"
        | "last_over_time"
        | "mad_over_time"
        | "max_over_time"
        | "min_over_time"
        | "present_over_time"
        | "rate"
        | "resets"
        | "stddev_over_time"
        | "stdvar_over_time"
        | "sum_over_time"
        | "ts_of_first_over_time"
        | "ts_of_last_over_time"
        | "ts_of_max_over_time"
        | "ts_of_min_over_time" => function(&[Matrix]),
        "clamp" => function(&[Vector, Scalar, Scalar]),
        "clamp_max" | "clamp_min" => function(&[Vector, Scalar]),
        "day_of_month" | "day_of_week" | "day_of_year" | "days_in_month" | "hour" | "minute" | "month"
        | "year" => optional(&[Vector], 1),
        "double_exponential_smoothing" | "holt_winters" => function(&[Matrix, Scalar, Scalar]),
        "histogram_fraction" => function(&[Scalar, Scalar, Vector]),
        "histogram_quantile" => function(&[Scalar, Vector]),
        "histogram_quantiles" => repeating(&[Vector, Text, Scalar], 0),
        "info" => optional(&[Vector, Vector], 1),
        "label_join" => repeating(&[Vector, Text, Text, Text], 1),
        "label_replace" => function(&[Vector, Text, Text, Text, Text]),
        "pi" | "time" | "start" | "end" | "step" | "range" => scalar(&[]),
        "predict_linear" => function(&[Matrix, Scalar]),
        "quantile_over_time" => function(&[Scalar, Matrix]),
        "round" => optional(&[Vector, Scalar], 1),
        "scalar" => scalar(&[Vector]),
        "sort_by_label" | "sort_by_label_desc" => repeating(&[Vector, Text], 1),
        "vector" => function(&[Scalar]),
        _ => return None,
    })
}

/// What an aggregation takes; nothing when there is none of that name.
pub(super) fn aggregation(name: &str) -> Option<&'static [Type]> {
    match name {
        "sum" | "avg" | "count" | "min" | "max" | "group" | "stddev" | "stdvar" => Some(&[Vector]),
        "topk" | "bottomk" | "quantile" | "limitk" | "limit_ratio" => Some(&[Scalar, Vector]),
        "count_values" => Some(&[Text, Vector]),
        _ => None,
    }
}
