use proptest::prelude::*;

use super::*;

#[test]
fn texts_are_read_and_printed_as_go_does() {
    let cases: &[(&str, i64, &str)] = &[
        ("0", 0, "0s"),
        ("0s", 0, "0s"),
        ("-0", 0, "0s"),
        ("5s", 5_000_000_000, "5s"),
        ("+5s", 5_000_000_000, "5s"),
        ("-5s", -5_000_000_000, "-5s"),
        ("1h", 3_600_000_000_000, "1h0m0s"),
        ("1m30s", 90_000_000_000, "1m30s"),
        ("1.5h", 5_400_000_000_000, "1h30m0s"),
        ("90m", 5_400_000_000_000, "1h30m0s"),
        (".5s", 500_000_000, "500ms"),
        ("1.s", 1_000_000_000, "1s"),
        ("1500ms", 1_500_000_000, "1.5s"),
        ("250us", 250_000, "250µs"),
        ("1.5\u{b5}s", 1_500, "1.5µs"),
        ("1.5\u{3bc}s", 1_500, "1.5µs"),
        ("1ns", 1, "1ns"),
        ("1h2m3.004005006s", 3_723_004_005_006, "1h2m3.004005006s"),
        ("0.3333333333333333333h", 1_200_000_000_000 - 1, "19m59.999999999s"),
        ("9223372036854775807ns", i64::MAX, "2562047h47m16.854775807s"),
        ("-9223372036854775808ns", i64::MIN, "-2562047h47m16.854775808s"),
    ];
    for (text, nanos, printed) in cases {
        let duration: Duration = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((duration.as_nanos(), duration.to_string().as_str()), (*nanos, *printed), "{text}");
    }
}

#[test]
fn what_is_no_duration_says_why() {
    let cases = [
        ("", r#"invalid duration "": write numbers with units, such as 30s or 1m30s"#),
        ("-", r#"invalid duration "-": write numbers with units, such as 30s or 1m30s"#),
        ("s", r#"invalid duration "s": write numbers with units, such as 30s or 1m30s"#),
        (".s", r#"invalid duration ".s": write numbers with units, such as 30s or 1m30s"#),
        (" 5s", r#"invalid duration " 5s": write numbers with units, such as 30s or 1m30s"#),
        ("30", r#"invalid duration "30": a unit is missing; write 30s for seconds, 30ms for milliseconds"#),
        ("5 s", r#"invalid duration "5 s": unknown unit " s"; use ns, us, ms, s, m or h"#),
        ("1d", r#"invalid duration "1d": unknown unit "d"; use ns, us, ms, s, m or h"#),
        ("3000000h", r#"invalid duration "3000000h": longer than about 292 years"#),
        ("9223372036854775808ns", r#"invalid duration "9223372036854775808ns": longer than about 292 years"#),
    ];
    for (text, message) in cases {
        assert_eq!(text.parse::<Duration>().unwrap_err().to_string(), message);
    }
}

#[test]
fn the_standard_library_has_no_negative_durations() {
    assert_eq!(Duration::from_secs(-3).to_std(), std::time::Duration::ZERO);
    assert_eq!(Duration::from_secs(3).to_std(), std::time::Duration::from_secs(3));
    assert_eq!(Duration::from(std::time::Duration::MAX).as_nanos(), i64::MAX);
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_the_same(nanos in any::<i64>()) {
        let duration = Duration::from_nanos(nanos);
        prop_assert_eq!(duration.to_string().parse(), Ok(duration));
    }

    #[test]
    fn no_text_panics(text in "[-+]?([0-9]{0,25}[.]?[0-9]{0,25}(ns|us|ms|s|m|h|x)?){0,4}") {
        drop(text.parse::<Duration>());
    }
}
