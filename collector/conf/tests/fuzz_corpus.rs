//! Replays what fuzzing found interesting.

mod properties;

use std::path::Path;

#[test]
fn what_holds_for_any_text_holds_for_the_fuzz_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/configuration");
    let (mut read, mut refused) = (0, 0);
    for entry in std::fs::read_dir(&folder).expect("the corpus is committed") {
        let input = std::fs::read(entry.expect("an entry").path()).expect("an input can be read");
        if properties::check(&input) { read += 1 } else { refused += 1 }
    }
    assert!(read > 20 && refused > 20, "the corpus holds both kinds: {read} and {refused}");
}
