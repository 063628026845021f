//! The inputs that fuzzing found interesting, run again as an ordinary test.

use std::path::Path;

use super::differential::{check, split_input};

#[test]
fn scanner_and_prost_agree_on_the_fuzz_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/scan");
    let (mut accepted, mut refused) = (0, 0);
    for entry in std::fs::read_dir(&folder).expect("the corpus is committed") {
        let path = entry.expect("an entry").path();
        let input = std::fs::read(&path).expect("a file");
        let Some((signal, request)) = split_input(&input) else { continue };
        match check(signal, request) {
            Ok(_) => accepted += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(accepted > 50 && refused > 50, "the corpus holds both kinds: {accepted} and {refused}");
}
