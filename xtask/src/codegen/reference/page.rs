//! The page of one component.

use super::Subject;
use super::keys::{Block, Key, Presence};
use crate::codegen::markdown::{STAMP, escaped};

/// The page. `guide` is the page that explains how to use it.
pub(super) fn render(subject: &Subject, blocks: &[Block], guide: Option<&str>) -> String {
    let mut page = format!("# {}\n\n{STAMP}\n\n", capitalized(&subject.title()));
    for (index, block) in blocks.iter().enumerate() {
        if index == 0 {
            introduce(subject, block, guide, &mut page);
        } else {
            page.push_str(&format!("\n## {}\n\n", block.path));
            about(block, &mut page);
        }
        table(block, &mut page);
    }
    page
}

fn introduce(subject: &Subject, block: &Block, guide: Option<&str>, page: &mut String) {
    page.push_str(&block.about);
    if let Some(guide) = guide {
        page.push_str(&format!(" [How to use it](../../{guide})."));
    }
    page.push_str("\n\n");
    if !subject.aliases.is_empty() {
        page.push_str(&format!("Older names, with a warning: {}.\n\n", quoted(subject.aliases)));
    }
    if !subject.signals.is_empty() {
        let signals = subject
            .signals
            .iter()
            .map(|(signal, stability)| format!("{signal} ({})", format!("{stability:?}").to_lowercase()));
        page.push_str(&format!("Signals: {}.\n\n", signals.collect::<Vec<_>>().join(", ")));
    }
    if block.keys.is_empty() {
        page.push_str("It has no keys.\n");
    } else if subject.kind.is_empty() {
        page.push_str(&format!("Keys of `{}`:\n\n", subject.section));
    } else {
        page.push_str(&format!("Keys of `{}` below `{}`:\n\n", subject.kind, subject.section));
    }
}

fn about(block: &Block, page: &mut String) {
    page.push_str(&block.about);
    match block.presence {
        Presence::Always => {}
        Presence::On => page.push_str(" On, unless it says `enabled: false`."),
        Presence::Off => {
            page.push_str(" Off, unless the key is written; `enabled: false` turns it off again.");
        }
    }
    page.push_str("\n\n");
    if block.keys.is_empty() {
        page.push_str("It has no keys.\n");
    }
}

fn table(block: &Block, page: &mut String) {
    if block.keys.is_empty() {
        return;
    }
    page.push_str("| key | type | default | meaning |\n|---|---|---|---|\n");
    for key in &block.keys {
        let default = if key.is_unsupported { "" } else { &key.default };
        let cells = [&format!("`{}`", key.name), &kind(key), default, &meaning(key)].map(escaped);
        page.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
}

fn kind(key: &Key) -> String {
    let names: Vec<&str> = key.choices.iter().map(|(name, _)| name.as_str()).collect();
    match &key.block {
        _ if key.is_unsupported => key.kind.clone(),
        Some(path) => format!("[{}](#{})", key.kind, anchor(path)),
        None if names.is_empty() => key.kind.clone(),
        None => quoted(&names),
    }
}

fn meaning(key: &Key) -> String {
    let mut meaning = key.about.clone();
    for (name, about) in key.choices.iter().filter(|(_, about)| !about.is_empty()) {
        meaning.push_str(&format!(" `{name}`: {about}"));
    }
    meaning
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// As mdBook makes it of a heading.
fn anchor(path: &str) -> String {
    let kept = path.chars().filter(|char| char.is_alphanumeric() || *char == '_');
    kept.map(|char| char.to_ascii_lowercase()).collect()
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
