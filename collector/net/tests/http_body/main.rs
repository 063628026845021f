//! Bodies of HTTP requests that fuzzing found interesting, run again as an ordinary test.

mod body;

use std::path::Path;

use body::{Fate, check, split_input};

#[test]
fn bodies_of_the_fuzz_corpus_are_taken_or_refused_as_they_must() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/http_body");
    let (mut accepted, mut too_large, mut corrupt, mut invalid) = (0, 0, 0, 0);
    for entry in std::fs::read_dir(&folder).expect("the corpus is committed") {
        let input = std::fs::read(entry.expect("an entry").path()).expect("a file");
        let Some(request) = split_input(&input) else { continue };
        match check(&request) {
            Fate::Accepted(items) => accepted += usize::from(items > 0),
            Fate::TooLarge => too_large += 1,
            Fate::Corrupt => corrupt += 1,
            Fate::Invalid => invalid += 1,
        }
    }
    let fates = (accepted, too_large, corrupt, invalid);
    assert!(
        accepted >= 48 && too_large >= 5 && corrupt >= 8 && invalid >= 1,
        "the corpus holds every kind: {fates:?}"
    );
}
