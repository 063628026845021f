//! Compares what was printed with what a page shows.

/// Stands for any part of a line; alone on a line, for any number of lines.
const ANYTHING: [&str; 2] = ["…", "..."];

/// Whether `printed` is what is `expected`. Space at the ends of lines and of the text is of no matter.
pub(crate) fn is_whole(expected: &str, printed: &str) -> bool {
    lines_match(&lines(expected), &lines(printed))
}

/// Whether some lines of `printed`, one after another, are what is `expected`.
pub(crate) fn is_part(expected: &str, printed: &str) -> bool {
    is_whole(&format!("…\n{}\n…", expected.trim_matches('\n')), printed)
}

fn lines(text: &str) -> Vec<&str> {
    text.trim_end().trim_start_matches('\n').lines().map(str::trim_end).collect()
}

fn lines_match(expected: &[&str], printed: &[&str]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if ANYTHING.contains(&line.trim()) => {
            (0..=printed.len()).any(|skipped| lines_match(rest, &printed[skipped..]))
        }
        Some((line, rest)) => printed
            .split_first()
            .is_some_and(|(first, printed)| line_matches(line, first) && lines_match(rest, printed)),
    }
}

fn line_matches(expected: &str, printed: &str) -> bool {
    let expected = expected.replace(ANYTHING[1], ANYTHING[0]);
    let mut parts = expected.split(ANYTHING[0]);
    let Some(mut rest) = parts.next().and_then(|first| printed.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn what_is_left_open_may_be_anything_and_the_rest_may_not() {
    for (expected, printed) in [
        ("a", "a\n"),
        ("a … c", "a b c"),
        ("… ms", "0.3 ms"),
        ("a…", "a"),
        ("a\n…\nd", "a\nb\nc\nd"),
        ("a\n...", "a"),
        ("a ... b … c", "a 1 b 2 b 3 c"),
    ] {
        assert!(is_whole(expected, printed), "{expected:?} {printed:?}");
    }
    for (expected, printed) in [
        ("a", "b"),
        ("a", "a\nb"),
        ("a\nb", "a"),
        ("a … c", "a c"),
        ("a…a", "a"),
        ("a\n…\nd", "a\nb\nc"),
        ("a", ""),
    ] {
        assert!(!is_whole(expected, printed), "{expected:?} {printed:?}");
    }
}

#[test]
fn a_part_is_found_between_other_lines_and_in_its_order() {
    assert!(is_part("b …\nc", "a\nb 1\nc\nd"));
    assert!(!is_part("c\nb …", "a\nb 1\nc\nd"));
    assert!(!is_part("b\nd", "a\nb\nc\nd"));
}
