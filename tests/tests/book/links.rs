//! Relative links of Markdown.

use std::path::Path;

/// The targets of the links in `text` that are outside of fences and name no scheme.
pub(crate) fn targets(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut is_fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        }
        if is_fenced {
            continue;
        }
        let ends = line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
        found.extend(ends.filter(|target| !target.contains("://") && !target.starts_with("mailto:")));
    }
    found
}

/// The links and includes of the page at `path` that lead nowhere.
pub(crate) fn broken(path: &Path, text: &str) -> Vec<String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let links = targets(text).into_iter().filter_map(|target| {
        let (file, anchor) =
            target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
        let to = if file.is_empty() { path.to_owned() } else { folder.join(file) };
        // A picture is no text, but it is there.
        let read = |file: &Path| Ok(String::from_utf8_lossy(&std::fs::read(file)?).into_owned());
        let content: std::io::Result<String> = if to.is_dir() { Ok(String::new()) } else { read(&to) };
        let Ok(content) = content else {
            return Some(format!("{target}: no such file"));
        };
        let is_there =
            anchor.is_none_or(|anchor| content.lines().filter_map(heading).any(|known| known == anchor));
        (!is_there).then(|| format!("{target}: no such heading"))
    });
    let included =
        text.split("{{#include ").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(file, _)| file);
    let lost =
        included.filter(|file| !folder.join(file).is_file()).map(|file| format!("{file}: no such file"));
    links.chain(lost).collect()
}

/// The anchor of a heading, as mdBook and GitHub make it.
fn heading(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?;
    let kept = title.trim().chars().filter_map(|c| match c {
        ' ' | '-' => Some('-'),
        c if c.is_alphanumeric() || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    });
    Some(kept.collect())
}

#[test]
fn links_are_found_outside_of_fences() {
    let text = "[a](x.md) and [b](y.md#z) [c](https://example.com)\n```text\n[d](no.md)\n```\n";
    assert_eq!(targets(text), ["x.md", "y.md#z"]);
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("a.md");
    std::fs::write(&page, "## Two `words`\n").unwrap();
    let text =
        "[ok](a.md#two-words) [ok](#two-words) [no](b.md) [no](a.md#three)\n```rust\n{{#include no.rs}}\n```";
    let problems = broken(&page, text);
    assert_eq!(problems, ["b.md: no such file", "a.md#three: no such heading", "no.rs: no such file"]);
}
