//! Rewrites files.

use serde::Serialize;

use super::{File, Report};

/// A change of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Edit {
    /// The first byte that is replaced.
    pub start: usize,
    /// The one after the last.
    pub end: usize,
    /// What takes their place.
    pub text: String,
}

/// What a file says after the fixes of a report, and how many they are; nothing when there are none.
///
/// Of fixes that overlap, the first counts.
pub fn fixed(file: &File, report: &Report) -> Option<(String, usize)> {
    let of_file = report.findings.iter().filter(|finding| finding.file == file.name);
    let mut edits: Vec<&Edit> = of_file.filter_map(|finding| finding.fix.as_ref()).collect();
    edits.sort();
    edits.dedup();
    let mut text = String::with_capacity(file.text.len());
    let (mut at, mut number) = (0, 0);
    for edit in edits {
        // Both are bounds of characters, as they come from a text that was read.
        let Some(before) = file.text.get(at..edit.start) else { continue };
        text.push_str(before);
        text.push_str(&edit.text);
        at = edit.end;
        number += 1;
    }
    text.push_str(file.text.get(at..)?);
    (number > 0).then_some((text, number))
}
