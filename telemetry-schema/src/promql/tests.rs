#![allow(clippy::needless_raw_string_hashes, reason = "the snapshots are written by expect-test")]

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

/// What Prometheus takes.
const VALID: &[&str] = &[
    // Numbers and durations.
    "1",
    "-1",
    "+1",
    ".5",
    "5.",
    "1e3",
    "1E-3",
    "2.5e+2",
    "0x1F",
    "0XfF",
    "Inf",
    "+Inf",
    "-inf",
    "NaN",
    "nan",
    "5m",
    "1h30m",
    "1y2w3d4h5m6s7ms",
    "1 + 2 * 3 ^ 4 % 5 - 6 / 7",
    "2 ^ -1",
    "-2 ^ 2",
    "1 == bool 2",
    "1 atan2 2",
    // Strings.
    r#""a""#,
    r"'a'",
    "`a\\n\nb`",
    r#""\"\\\n\t\x41\101\u00e9\U0001F600""#,
    r"'\''",
    // Selectors.
    "a",
    "a:b:c",
    ":a",
    "a{}",
    r#"a{b="c"}"#,
    r#"a{b="c",}"#,
    r#"a{b!="c",d=~"e|f",g!~"h.*"}"#,
    r#"{__name__="a"}"#,
    r#"{__name__=~"a.+"}"#,
    r#"{"a.b"}"#,
    r#"{"a.b", c="d"}"#,
    r#"{"a.b","c.d"="e"}"#,
    r#"{a="b"}"#,
    r#"{a!=""}"#,
    r#"{a=~".+"}"#,
    "a{b='c'}",
    "a{b=`c`}",
    r#"a{and="1",by="2",offset="3",bool="4",on="5"}"#,
    // Keywords as names.
    "sum",
    "by",
    "offset",
    "start",
    "end",
    "and",
    "max",
    "without",
    "group",
    "step",
    "count_values",
    "sum + avg",
    "or or or",
    "sum by (sum) (sum)",
    "anchored",
    // Ranges, modifiers, subqueries.
    "rate(a[5m])",
    "rate(a[300])",
    "rate(a{b=\"c\"}[1h30m] offset 5m)",
    "a offset 5m",
    "a offset -5m",
    "a @ 1700000000",
    "a @ 1.5",
    "a @ -1",
    "a @ start()",
    "a @ end() offset 5m",
    "a offset 5m @ end()",
    "rate(a[5m] @ end())",
    "max_over_time(rate(a[5m])[1h:1m])",
    "max_over_time(a[1h:])",
    "max_over_time((a + b)[1h:1m] offset 1d)",
    "rate(a[5m] offset 1w)",
    "a OFFSET 5m",
    "rate(a[5m + 1m])",
    "rate(a[max(5m, step())])",
    "a offset (1h - 5m)",
    "rate(a[5m] smoothed)",
    "a offset step()",
    "max_over_time(a[step() * 4:step()])",
    "a offset 5m - 1",
    // Operators.
    "a + b",
    "a and b",
    "a OR b",
    "a unless on (c) b",
    "a == b",
    "a == bool b",
    "a > 1 < 2",
    "a + on () b",
    "a * on (c, d) group_left (e) b",
    "a * ignoring (c) group_right b",
    "a / on (c,) group_left () b",
    "a + on (c) fill (0) b",
    "a - ignoring (c) group_left fill_left (-1) fill_right (0) b",
    "a % b ^ c atan2 d",
    "a == bool on (c) b",
    "-a",
    "-(a + b)",
    "- -a",
    "a\n  # a comment\n  + b # another",
    // Aggregations.
    "sum(a)",
    "SUM(a)",
    "sum by (b) (a)",
    "sum(a) by (b)",
    "sum without (b, c) (a)",
    "sum(a) without ()",
    "sum by (\"b.c\", d,) (a)",
    "topk(5, a)",
    "topk by (b) (5, a)",
    "quantile(0.9, a)",
    "count_values(\"v\", a)",
    "limitk(2, a)",
    "limit_ratio(0.5, a)",
    "group(a)",
    "stddev by (le) (a)",
    // Functions.
    "histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))",
    "histogram_quantile(0.9, rate(a[5m]))",
    "histogram_fraction(0, 0.2, rate(a[5m]))",
    "label_replace(a, \"b\", \"$1\", \"c\", \"(.*)\")",
    "label_join(a, \"b\", \",\", \"c\", \"d\")",
    "label_join(a, \"b\", \",\")",
    "time() - a",
    "vector(1)",
    "scalar(a)",
    "hour()",
    "hour(a)",
    "round(a, 5)",
    "clamp(a, 0, 1)",
    "predict_linear(a[1h], 3600)",
    "pi()",
    "absent(a)",
    "absent_over_time(a[5m])",
    "sort_by_label(a, \"b\")",
    "info(a)",
    "info(a, {b=\"c\"})",
    "timestamp(a)",
    "double_exponential_smoothing(a[5m], 0.5, 0.5)",
    "quantile_over_time(0.5, a[5m])",
    "days_in_month(vector(1))",
];

#[test]
fn what_prometheus_takes_is_taken() {
    for text in VALID {
        if let Err(error) = parse(text) {
            panic!("{text}\n{}", caret(text, &error));
        }
    }
}

/// The text, a caret, and what is wrong.
fn caret(text: &str, error: &ParseError) -> String {
    let start = text[..error.span.start].chars().count();
    let width = text[error.span.range()].chars().count().max(1);
    let line = text.replace('\n', " ");
    format!("{line}\n{}{} {error}\n", " ".repeat(start), "^".repeat(width))
}

fn check_invalid(texts: &[&str], expected: &Expect) {
    let told: String = texts
        .iter()
        .map(|text| match parse(text) {
            Ok(expr) => panic!("{text} was taken: {expr:?}"),
            Err(error) => caret(text, &error),
        })
        .collect();
    expected.assert_eq(&told);
}

#[test]
fn what_is_no_promql_is_told_with_its_place() {
    check_invalid(
        &[
            "",
            "# only a comment",
            "a b",
            "a +",
            "(a",
            "a)",
            "sum(",
            "sum(a",
            "sum(a,)",
            "rate(a[5m)",
            "a[",
            "a[]",
            "a[:1m]",
            "a{b}",
            "a{b=c}",
            "a{b=\"c\"",
            "a{b=\"c\" d=\"e\"}",
            "a{=\"c\"}",
            "a{b~\"c\"}",
            "{}",
            "{a=\"\"}",
            "{a=~\".*\"}",
            "a{b=~\"(\"}",
            "a{__name__=\"b\"}",
            "{\"a\", \"b\"}",
            "a{1b=\"c\"}",
            "\"abc",
            "'a\nb'",
            "\"\\q\"",
            "1x",
            "5m1h",
            "0xg",
            "1.5h",
            "a ! b",
            "a $ b",
            "a offset",
            "a @ b",
            "(a + b) offset 5m",
            "a by (c)",
            "sum by b (a)",
            "by (a)",
            "on",
            "bool",
            "rate(a:b[5m:",
            "a[5m][5m]",
            "sum(a) by (c) by (d)",
            "a + on b",
            "a + on (b:c) d",
            "é",
            "0é",
        ],
        &expect![[r#"

            ^ there is no expression
            # only a comment
            ^^^^^^^^^^^^^^^^ there is no expression
            a b
              ^ expected the end of the expression, found "b"
            a +
              ^ expected an expression, found the end of the expression
            (a
             ^ expected ")", found the end of the expression
            a)
             ^ expected the end of the expression, found ")"
            sum(
               ^ expected an expression, found the end of the expression
            sum(a
                ^ expected "," or ")", found the end of the expression
            sum(a,)
                  ^ expected an expression, found ")"
            rate(a[5m)
                     ^ expected "]", found ")"
            a[
             ^ expected an expression, found the end of the expression
            a[]
              ^ expected a duration, found "]"
            a[:1m]
              ^ expected a duration, found ":"
            a{b}
               ^ expected =, !=, =~ or !~, found "}"
            a{b=c}
                ^ expected a string in quotes, found "c"
            a{b="c"
                  ^ expected "," or "}", found the end of the expression
            a{b="c" d="e"}
                    ^ expected "," or "}", found "d"
            a{="c"}
              ^ expected a label or "}", found "="
            a{b~"c"}
               ^ unexpected character '~'
            {}
            ^^ a selector needs a name, or a matcher that does not match the empty string
            {a=""}
            ^^^^^^ a selector needs a name, or a matcher that does not match the empty string
            {a=~".*"}
            ^^^^^^^^^ a selector needs a name, or a matcher that does not match the empty string
            a{b=~"("}
                  ^ not a regular expression: unclosed group
            a{__name__="b"}
                        ^ the name of the metric is there twice
            {"a", "b"}
                   ^ the name of the metric is there twice
            a{1b="c"}
              ^^ "1b" is no number and no duration, such as 1h30m
            "abc
            ^^^^ the string has no closing "
            'a b'
            ^^ the string has no closing '
            "\q"
             ^^ unknown escape sequence in a string
            1x
            ^^ "1x" is no number and no duration, such as 1h30m
            5m1h
            ^^^^ "5m1h" is no number and no duration, such as 1h30m
            0xg
            ^^^ "0xg" is no number and no duration, such as 1h30m
            1.5h
            ^^^^ "1.5h" is no number and no duration, such as 1h30m
            a ! b
              ^ unexpected character '!'
            a $ b
              ^ unexpected character '$'
            a offset
                   ^ expected a duration, found the end of the expression
            a @ b
                ^ expected a number, found "b"
            (a + b) offset 5m
                    ^^^^^^ offset follows a selector or a subquery, and nothing else
            a by (c)
              ^^ expected the end of the expression, found "by"
            sum by b (a)
                   ^ expected "(", found "b"
            by (a)
            ^^ there is no function "by"
            on
            ^^ expected an expression, found "on"
            bool
            ^^^^ expected an expression, found "bool"
            rate(a:b[5m:
                       ^ expected an expression, found the end of the expression
            a[5m][5m]
                 ^^^^ a range follows a selector; for a subquery, write [5m:]
            sum(a) by (c) by (d)
                          ^^ expected the end of the expression, found "by"
            a + on b
                   ^ expected "(", found "b"
            a + on (b:c) d
                    ^^^ expected a label or ")", found "b:c"
            é
            ^ unexpected character 'é'
            0é
             ^ unexpected character 'é'
        "#]],
    );
}

#[test]
fn what_makes_no_sense_is_told_with_its_place() {
    check_invalid(
        &[
            "rate(a)",
            "rate(a[5m], 1)",
            "sum(a[5m])",
            "abs(a[5m])",
            "rtae(a[5m])",
            "foo(a)",
            "topk(a)",
            "topk(a, b)",
            "count_values(1, a)",
            "1 == 2",
            "1 and a",
            "a + bool b",
            "a + \"b\"",
            "a[5m] + 1",
            "1 + on (c) 2",
            "-\"a\"",
            "a and on (c) group_left b",
            "a / on (c) group_left (c) b",
            "(1)[5m:]",
            "vector(a)",
            "clamp(a)",
            "hour(a, b)",
            "label_replace(a, b, c, d, e)",
            "label_join(a)",
            "max_over_time(a[b])",
        ],
        &expect![[r#"
            rate(a)
                 ^ rate takes a range vector, and this is an instant vector: add a range, such as [5m]
            rate(a[5m], 1)
            ^^^^^^^^^^^^^^ rate is given 2 arguments, and takes 1
            sum(a[5m])
                ^^^^^ sum takes an instant vector, and this is a range vector: wrap it, as in rate(…)
            abs(a[5m])
                ^^^^^ abs takes an instant vector, and this is a range vector: wrap it, as in rate(…)
            rtae(a[5m])
            ^^^^ there is no function "rtae"; did you mean rate?
            foo(a)
            ^^^ there is no function "foo"
            topk(a)
            ^^^^^^^ topk is given 1 arguments, and takes 2
            topk(a, b)
                 ^ topk takes a number, and this is an instant vector
            count_values(1, a)
                         ^ count_values takes a string, and this is a number
            1 == 2
            ^^^^^^ numbers are compared with bool, as in 1 == bool 2
            1 and a
            ^^^^^^^ and, or and unless are between instant vectors, not numbers
            a + bool b
            ^^^^^^^^^^ bool goes with a comparison only
            a + "b"
                ^^^ an operator does not take a string
            a[5m] + 1
            ^^^^^ an operator does not take a range vector
            1 + on (c) 2
                ^^^^^^ on and ignoring are between instant vectors
            -"a"
             ^^^ a string has no sign
            a and on (c) group_left b
                  ^^^^^^ group_left and group_right do not go with and, or and unless
            a / on (c) group_left (c) b
                                   ^ "c" is in on and in the group
            (1)[5m:]
            ^^^ a subquery is over an instant vector, not a number
            vector(a)
                   ^ vector takes a number, and this is an instant vector
            clamp(a)
            ^^^^^^^^ clamp is given 1 arguments, and takes 3
            hour(a, b)
            ^^^^^^^^^^ hour is given 2 arguments, and takes 0 to 1
            label_replace(a, b, c, d, e)
                             ^ label_replace takes a string, and this is an instant vector
            label_join(a)
            ^^^^^^^^^^^^^ label_join is given 1 arguments, and takes at least 3
            max_over_time(a[b])
                            ^ expected a duration, such as 5m
        "#]],
    );
}

#[test]
fn what_is_too_deep_or_too_large_is_refused() {
    let deep = |count: usize| format!("{}a{}", "(".repeat(count), ")".repeat(count));
    assert!(parse(&deep(MAX_DEPTH - 1)).is_ok());
    let chain = |count: usize| vec!["a"; count].join(" + ");
    assert!(parse(&chain(MAX_DEPTH - 1)).is_ok());
    let signs = "-".repeat(10_000) + "a";
    let offsets = "a".to_owned() + &" offset 5m".repeat(10_000);
    for text in [deep(10_000), chain(10_000), signs, offsets, "sum(".repeat(10_000)] {
        assert_eq!(parse(&text).unwrap_err().message, "the expression is more than 100 deep");
    }
    let large = format!("a{{b=\"{}\"}}", "c".repeat(MAX_BYTES));
    assert_eq!(parse(&large).unwrap_err().message, "the expression is larger than 131072 bytes");
}

/// The tree as an expression with all its parentheses.
fn explicit(expr: &Expr, text: &str) -> String {
    let part = |expr: &Expr| explicit(expr, text);
    match &expr.kind {
        ExprKind::Binary(binary) => {
            format!("({} {:?} {})", part(&binary.left), binary.operator, part(&binary.right))
        }
        ExprKind::Unary(operand) => format!("(sign {})", part(operand)),
        ExprKind::Paren(inner) => part(inner),
        _ => text[expr.span.range()].to_owned(),
    }
}

#[test]
fn operators_bind_as_in_prometheus() {
    for (text, expected) in [
        ("a + b * c", "(a Arithmetic (b Arithmetic c))"),
        ("a * b + c", "((a Arithmetic b) Arithmetic c)"),
        ("a - b - c", "((a Arithmetic b) Arithmetic c)"),
        ("a ^ b ^ c", "(a Arithmetic (b Arithmetic c))"),
        ("-a ^ b", "(sign (a Arithmetic b))"),
        ("-a * b", "((sign a) Arithmetic b)"),
        ("a or b and c", "(a Or (b And c))"),
        ("a unless b or c", "((a Unless b) Or c)"),
        ("a > b + c", "(a Comparison (b Arithmetic c))"),
        ("a and b == c", "(a And (b Comparison c))"),
        ("a == b > c", "((a Comparison b) Comparison c)"),
        ("a atan2 b + c", "((a Arithmetic b) Arithmetic c)"),
        ("a - b offset 5m", "(a Arithmetic b offset 5m)"),
        ("a offset 5m - 1", "(a offset 5m Arithmetic 1)"),
    ] {
        assert_eq!(explicit(&parse(text).unwrap(), text), expected, "{text}");
    }
}

/// Every name of an expression.
fn names(expr: &Expr) -> Vec<Name> {
    let mut found: Vec<Name> = expr.parts().into_iter().flat_map(names).collect();
    match &expr.kind {
        ExprKind::Selector(selector) => {
            found.extend(selector.name.clone());
            for matcher in &selector.matchers {
                found.extend([matcher.label.clone(), matcher.value.clone()]);
            }
        }
        ExprKind::Call(call) => found.push(call.function.clone()),
        ExprKind::Aggregation(of) => {
            found.extend(of.grouping.iter().flat_map(|grouping| grouping.labels.clone()));
        }
        ExprKind::Binary(binary) => {
            if let Some(matching) = &binary.matching {
                found.extend(matching.grouping.labels.clone());
                found.extend(matching.joining.iter().flat_map(|joining| joining.labels.clone()));
            }
        }
        _ => {}
    }
    found
}

#[test]
fn every_name_knows_its_place() {
    for text in VALID {
        for name in names(&parse(text).unwrap()) {
            assert_eq!(name.text, text[name.span.range()], "{text}");
        }
    }
    let text = r#"sum by ("a.b") (rate({"c.d", e="f"}[5m])) / on (g) group_left ("h.i") j"#;
    let found: Vec<String> = names(&parse(text).unwrap()).into_iter().map(|name| name.text).collect();
    assert_eq!(found, ["c.d", "e", "f", "rate", "a.b", "j", "g", "h.i"]);
}

#[test]
fn durations_are_numbers_of_seconds() {
    for (text, expected) in
        [("5m", 300.0), ("1h30m", 5400.0), ("1d", 86_400.0), ("1500ms", 1.5), ("0x10", 16.0)]
    {
        assert_eq!(parse(text).unwrap().kind, ExprKind::Number(expected), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic_and_every_error_has_a_place(text in "[ -~é\n]{0,60}") {
        if let Err(error) = parse(&text) {
            prop_assert!(text.get(error.span.range()).is_some(), "{:?} {:?}", text, error);
        }
    }

    #[test]
    fn no_mutation_of_what_is_valid_makes_it_panic(
        index in 0..VALID.len(), at in 0_usize..80, drop in 0_usize..4, insert in "[-a(){}\\[\\]\"'`,:=~!@#0-9é ]{0,3}",
    ) {
        let chars: Vec<char> = VALID[index].chars().collect();
        let at = at.min(chars.len());
        let rest = (at + drop).min(chars.len());
        let text: String = chars[..at].iter().copied().chain(insert.chars()).chain(chars[rest..].iter().copied()).collect();
        match parse(&text) {
            Ok(expr) => for name in names(&expr) {
                prop_assert!(text.get(name.span.range()).is_some());
            },
            Err(error) => prop_assert!(text.get(error.span.range()).is_some(), "{:?} {:?}", text, error),
        }
    }

    #[test]
    fn what_is_in_parentheses_or_beside_an_operator_is_still_valid(a in 0..VALID.len(), b in 0..VALID.len()) {
        let (a, b) = (VALID[a], VALID[b]);
        let nested = format!("(\n{a}\n)");
        prop_assert!(parse(&nested).is_ok(), "{}", nested);
        let is_vector = |text: &str| matches!(types::check(&parse(text).unwrap()), Ok(types::Type::Vector));
        if is_vector(a) && is_vector(b) {
            let joined = format!("({a}\n) or ({b}\n)");
            prop_assert!(parse(&joined).is_ok(), "{}", joined);
        }
    }
}
