//! The inputs that fuzzing found interesting, run again as an ordinary test.

use std::path::Path;

use super::reference::{check, split_input};

#[test]
fn parts_of_the_fuzz_corpus_hold_its_items() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/split");
    let mut found = 0;
    for entry in std::fs::read_dir(&folder).expect("the corpus is committed") {
        let path = entry.expect("an entry").path();
        let input = std::fs::read(&path).expect("a file");
        let Some((signal, limit, request)) = split_input(&input) else { continue };
        for limit in [1, 2, limit] {
            check(signal, request, limit);
        }
        found += 1;
    }
    assert!(found >= 20, "the corpus holds some: {found}");
}
