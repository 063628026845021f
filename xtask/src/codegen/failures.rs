//! The page that says what each failure costs, of the table that `etalon explain` uses and that the tests run.

use etalon_service::explain::{Answer, Cell, Effect, FAILURES, Failure, Lost, Mode, Proof};

use super::Generated;
use super::markdown::{STAMP, escaped};

const HEAD: &str = "\
Each exporter takes data over in one of four ways, and each failure costs something else in each of them. This is the table
of `etalon explain`, for all configurations; [`etalon explain`](../use/explain.md) says it of yours.

| way | how to get it | senders get OK |
|---|---|---|
| no queue | `sending_queue.enabled: false` | when the destination has the data |
| wait | `sending_queue.wait_for_result: true` | when the destination has the data |
| memory | the default | when the data is in the queue in memory |
| storage | `sending_queue.storage` | when the data is on stable storage: [a queue on disk](../use/queue-on-disk.md) |

";

const LEGEND: &str = "
\"Nothing\" is as long as senders try again what they are told to try again, as OTLP asks of them. \"Told\" is that the sender
is told never to send it again; \"counted\" is that the sender was told OK, and a metric says what is lost. Where there is a
†, the failure is not brought about by a black-box test; why is said below. All others are: a test starts the program
with such a configuration, asks `etalon explain` what the failure costs, brings it about, and counts items at both ends.
Run them with `cargo test --package etalon-tests --test failures`.
";

pub(super) fn generate() -> Vec<Generated> {
    vec![Generated { path: "book/src/how/failures.md".to_owned(), content: page() }]
}

fn page() -> String {
    let mut page = format!("# What each failure costs\n\n{STAMP}\n\n{HEAD}");
    let names = Mode::ALL.map(name);
    page.push_str(&format!(
        "| what happens | {} |\n|---|{}\n",
        names.join(" | "),
        "---|".repeat(names.len())
    ));
    for failure in FAILURES {
        let cells = Mode::ALL.map(|mode| short(failure.cell(mode)));
        page.push_str(&format!("| {} | {} |\n", filled(failure.title), cells.join(" | ")));
    }
    page.push_str(LEGEND);
    for failure in FAILURES {
        section(failure, &mut page);
    }
    page
}

fn section(failure: &Failure, page: &mut String) {
    page.push_str(&format!("\n## {}\n\n", filled(failure.title)));
    let mut told: Vec<(Vec<&str>, String)> = Vec::new();
    for mode in Mode::ALL {
        let Cell::Costs(effect) = failure.cell(mode) else { continue };
        let text = long(effect);
        match told.iter_mut().find(|(_, known)| *known == text) {
            Some((modes, _)) => modes.push(name(mode)),
            None => told.push((vec![name(mode)], text)),
        }
    }
    for (modes, text) in told {
        let of = if modes.len() == Mode::ALL.len() {
            String::new()
        } else {
            format!("**{}**: ", modes.join(", "))
        };
        page.push_str(&format!("- {of}{text}\n"));
    }
}

fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::NoQueue => "no queue",
        Mode::WaitForResult => "wait",
        Mode::Memory => "memory",
        Mode::Storage => "storage",
    }
}

fn short(cell: &Cell) -> String {
    let Cell::Costs(effect) = cell else { return "–".to_owned() };
    let lost = match (effect.lost, effect.answer) {
        (Lost::Nothing, Answer::Retry) => "nothing: try again",
        (Lost::Nothing, _) => "nothing",
        (Lost::Told, _) => "**lost**, told",
        (Lost::Counted, _) => "**lost**, counted",
        (Lost::Uncounted, _) => "**lost**, not counted",
    };
    let twice = if effect.twice { "; may come twice" } else { "" };
    let mark = if effect.proof == Proof::Run { "" } else { " †" };
    format!("{lost}{twice}{mark}")
}

fn long(effect: &Effect) -> String {
    let mut text = filled(effect.text);
    if !effect.shown_by.is_empty() {
        let names: Vec<String> = effect.shown_by.iter().map(|name| format!("`{name}`")).collect();
        text.push_str(&format!(" It shows in {}.", names.join(", ")));
    }
    if let Proof::Elsewhere(why) = effect.proof {
        text.push_str(&format!(" † {why}"));
    }
    text
}

fn filled(text: &str) -> String {
    let keys = [
        ("{patience}", "`max_elapsed_time`"),
        ("{size}", "`queue_size`"),
        ("{consumers}", "`num_consumers` requests or batches"),
    ];
    keys.iter().fold(escaped(text), |text, (key, name)| text.replace(key, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_row_and_a_section_for_each_failure_and_leaves_nothing_open() {
        let page = page();
        let rows = page.lines().filter(|line| line.starts_with("| ") && line.matches(" | ").count() == 4);
        assert_eq!(rows.count(), FAILURES.len() + 1);
        assert_eq!(page.matches("\n## ").count(), FAILURES.len());
        assert!(!page.contains("{patience}") && !page.contains("{size}") && !page.contains("{consumers}"));
    }
}
