//! An explanation for people.

use std::fmt::Write as _;

use etalon_service::explain::{Advice, Budget, DestinationExplained, Explanation, PipelineExplained, bytes};

/// Widest line, in characters.
const WIDTH: usize = 100;
/// The left column of a table.
const LEFT: usize = 40;

pub(super) fn of(explanation: &Explanation) -> String {
    let mut text = String::new();
    for of_pipeline in &explanation.pipelines {
        pipeline(of_pipeline, &mut text);
    }
    for group in groups(&explanation.destinations) {
        destination(&group, &mut text);
    }
    budget("Memory for data, at worst", &explanation.memory, &mut text);
    if !explanation.disk.shares.is_empty() {
        budget("Disk, at worst", &explanation.disk, &mut text);
    }
    if explanation.advice.is_empty() {
        text.push_str("Advice: none\n");
    } else {
        text.push_str("Advice\n");
        for one in &explanation.advice {
            advice(one, &mut text);
        }
    }
    text
}

fn pipeline(explained: &PipelineExplained, text: &mut String) {
    let PipelineExplained { id, receivers, processors, exporters, acknowledged, survives_kill, .. } =
        explained;
    let stages = [receivers, processors, exporters].into_iter().filter(|ids| !ids.is_empty());
    let way: Vec<String> = stages.map(|ids| ids.join(", ")).collect();
    line(text, &format!("Pipeline {id}: {}", way.join(" → ")));
    field("senders get OK", acknowledged, text);
    let killed = if *survives_kill { "nothing that was acknowledged" } else { "data that was acknowledged" };
    field("a kill loses", killed, text);
    text.push('\n');
}

/// Destinations of one exporter that differ in the signal alone.
fn groups(destinations: &[DestinationExplained]) -> Vec<Vec<&DestinationExplained>> {
    let is_same = |a: &DestinationExplained, b: &DestinationExplained| {
        a.exporter == b.exporter && a.mode == b.mode && a.queue == b.queue && a.attempts == b.attempts
    };
    let mut groups: Vec<Vec<&DestinationExplained>> = Vec::new();
    for one in destinations {
        match groups.iter_mut().find(|group| is_same(group[0], one)) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
}

fn destination(group: &[&DestinationExplained], text: &mut String) {
    let [first, ..] = group else { return };
    let signals: Vec<&str> = group.iter().map(|one| one.signal).collect();
    line(text, &format!("Exporter {} ({})", first.exporter, signals.join(", ")));
    let mut endpoints: Vec<&str> = group.iter().filter_map(|one| one.endpoint.as_deref()).collect();
    endpoints.dedup();
    if !endpoints.is_empty() {
        let how = if first.is_encrypted == Some(true) { "over TLS" } else { "plaintext" };
        field("sends to", &format!("{}, {how}", endpoints.join(", ")), text);
    }
    field("says OK", &first.acknowledged, text);
    for (name, value) in [("attempts", &first.attempts), ("queue", &first.queue)] {
        if let Some(value) = value {
            field(name, value, text);
        }
    }
    let applying = first.failures.iter().filter(|row| row.applies);
    let rows: Vec<_> = applying.map(|row| (row.failure.as_str(), row.text.as_str())).collect();
    if !rows.is_empty() {
        text.push('\n');
        table(("When this happens", "this is lost"), &rows, text);
    }
    text.push('\n');
}

fn budget(title: &str, budget: &Budget, text: &mut String) {
    line(text, &format!("{title}: {}", budget.bytes.map_or("no limit".to_owned(), bytes)));
    let rows: Vec<(String, String)> = budget
        .shares
        .iter()
        .map(|share| {
            let size = share.bytes.map_or("no limit".to_owned(), bytes);
            let key = share.key.as_ref().map_or(String::new(), |key| format!("; limit it with {key}"));
            (share.what.clone(), format!("{size}: {}{key}", share.how))
        })
        .collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|(what, how)| (what.as_str(), how.as_str())).collect();
    table(("What takes it", "how much"), &rows, text);
    text.push('\n');
}

fn advice(advice: &Advice, text: &mut String) {
    let Advice { severity, id, key, text: why, change } = advice;
    line(text, &format!("  {severity}: {id}: {key}"));
    for part in wrapped(why, WIDTH - 6).into_iter().chain(wrapped(&format!("→ {change}"), WIDTH - 6)) {
        line(text, &format!("      {part}"));
    }
}

fn field(name: &str, value: &str, text: &mut String) {
    for (at, part) in wrapped(value, WIDTH - 18).iter().enumerate() {
        line(text, &format!("  {:<16}{part}", if at == 0 { name } else { "" }));
    }
}

/// Two columns, whose texts go on in the lines below.
fn table(head: (&str, &str), rows: &[(&str, &str)], text: &mut String) {
    line(text, &format!("  {:<LEFT$}{}", head.0, head.1));
    line(text, &format!("  {:<LEFT$}{}", "-".repeat(LEFT - 2), "-".repeat(WIDTH - LEFT - 2)));
    for (left, right) in rows {
        let (left, right) = (wrapped(left, LEFT - 2), wrapped(right, WIDTH - LEFT - 2));
        for at in 0..left.len().max(right.len()) {
            let of = |column: &[String]| column.get(at).cloned().unwrap_or_default();
            line(text, &format!("  {:<LEFT$}{}", of(&left), of(&right)));
        }
    }
}

/// Lines of at most `width` characters, cut at blanks. A longer word has a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Writes a line without blanks at its end.
fn line(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    writeln!(text, "{}", line.trim_end()).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_whole() {
        assert_eq!(wrapped("a bb ccc dddddd", 4), ["a bb", "ccc", "dddddd"]);
        assert!(wrapped(" ", 4).is_empty());
    }
}
