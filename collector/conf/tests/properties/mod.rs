//! What holds for any text that is taken for a configuration; the fuzz target `configuration` checks it too.

use std::collections::BTreeMap;

use etalon_conf::{Node, Problems, Resolver, Secrets, is_misleading};

/// Reads `input` as a configuration. What is before the first zero byte, if there is one, is the value of the
/// environment variable `A`.
///
/// # Panics
/// When something does not hold.
pub(crate) fn check(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let (variable, text) = text.split_once('\0').unwrap_or(("", text));
    let environment = BTreeMap::from([("A".to_owned(), variable.to_owned())]);
    let resolver = Resolver::new(environment);
    let location = format!("yaml:{text}");
    let once = match resolver.resolve(&[&location]) {
        Ok(resolved) => resolved.root.to_value(),
        Err(problems) => {
            printable(&problems);
            return false;
        }
    };
    let twice = resolver.resolve(&[&location, &location]).expect("what can be read once can be read twice");
    // Not a number is not equal to itself, but prints the same.
    let printed = once.to_yaml(Secrets::Exposed);
    assert_eq!(
        twice.root.to_value().to_yaml(Secrets::Exposed),
        printed,
        "merging with itself changes nothing"
    );
    let again = Node::parse("printed", &printed).expect("what is printed can be read");
    assert_eq!(again.to_value().to_yaml(Secrets::Exposed), printed, "what is printed reads back the same");
    true
}

fn printable(problems: &Problems) {
    let said = problems.to_string();
    let hostile = said.chars().find(|char| *char != '\n' && *char != '\t' && is_misleading(*char));
    assert_eq!(hostile, None, "{said:?}");
    assert!(problems.len() <= etalon_conf::MAX_PROBLEMS);
}
