//! What each failure costs, by how an exporter is configured: the types of the table in [`cases`](super::cases), and
//! what it says of one exporter.

use etalon_component::{Delivers, Retries};
use etalon_conf::Duration;
use serde::Serialize;

use super::cases::FAILURES;

/// When the sender of data is told OK, as far as failures go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// No queue: when the destination has taken it.
    NoQueue,
    /// A queue in memory, with `wait_for_result`: when the destination has taken it.
    WaitForResult,
    /// A queue in memory: when it is in there.
    Memory,
    /// A queue on disk: when it is on stable storage.
    Storage,
}

/// A failure, and what it costs in each mode.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// Stable, for programs.
    pub id: &'static str,
    /// What happens. `{patience}` stands for `max_elapsed_time`.
    pub title: &'static str,
    /// In the order of [`Mode::ALL`].
    pub cells: [Cell; Mode::ALL.len()],
}

/// What a failure costs in one mode.
#[derive(Clone, Copy, Debug)]
pub enum Cell {
    /// It cannot happen; why.
    Never(&'static str),
    /// It costs this.
    Costs(Effect),
}

/// What a failure costs.
#[derive(Clone, Copy, Debug)]
pub struct Effect {
    /// What is lost.
    pub lost: Lost,
    /// What senders are answered meanwhile.
    pub answer: Answer,
    /// Whether something may arrive twice.
    pub twice: bool,
    /// The same for people. `{patience}`, `{size}` and `{consumers}` stand for `max_elapsed_time`, `queue_size`, and what
    /// `num_consumers` have on its way: requests, or batches.
    pub text: &'static str,
    /// Metrics and events that tell of it.
    pub shown_by: &'static [&'static str],
    /// How it is known.
    pub proof: Proof,
}

/// What becomes of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lost {
    /// Nothing is lost, as long as senders try again what they are told to.
    Nothing,
    /// It is lost, and its sender is told so.
    Told,
    /// It is lost after its sender was told OK, and counted.
    Counted,
    /// It is lost after its sender was told OK, and nobody counts it.
    Uncounted,
}

/// What senders are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// OK, if need be after a time.
    Ok,
    /// OK, and how many items were rejected.
    Partial,
    /// To try again.
    Retry,
    /// Never to try again.
    Permanent,
    /// Nothing: the connection breaks.
    Broken,
}

/// How it is known what a failure costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// `tests/tests/failures` brings it about, and counts items at both ends.
    Run,
    /// It is not brought about there; why, and what stands for it.
    Elsewhere(&'static str),
}

/// What one failure costs one exporter.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The failure.
    pub id: &'static str,
    /// What happens.
    pub failure: String,
    /// Whether it can.
    pub applies: bool,
    /// What is lost; nothing when it does not apply.
    pub lost: Option<Lost>,
    /// What senders are answered; nothing when it does not apply.
    pub answer: Option<Answer>,
    /// Whether something may arrive twice.
    pub twice: bool,
    /// The same for people.
    pub text: String,
    /// Metrics and events that tell of it.
    pub shown_by: &'static [&'static str],
    /// Whether the tests bring it about.
    pub is_run: bool,
}

impl Mode {
    /// All, in the order of their columns.
    pub const ALL: [Self; 4] = [Self::NoQueue, Self::WaitForResult, Self::Memory, Self::Storage];

    /// That of an exporter.
    pub fn of(delivers: &Delivers) -> Self {
        match &delivers.queue {
            None => Self::NoQueue,
            Some(queue) if queue.storage.is_some() => Self::Storage,
            Some(queue) if queue.waits_for_result => Self::WaitForResult,
            Some(_) => Self::Memory,
        }
    }
}

impl Failure {
    /// What it costs in a mode.
    pub fn cell(&self, mode: Mode) -> &Cell {
        &self.cells[mode as usize]
    }
}

/// What each failure costs an exporter that delivers in this way.
///
/// `is_limited` is whether a limit on memory stands in front.
pub(super) fn rows(delivers: &Delivers, is_limited: bool) -> Vec<Row> {
    FAILURES.iter().map(|failure| row(failure, delivers, is_limited)).collect()
}

fn row(failure: &Failure, delivers: &Delivers, is_limited: bool) -> Row {
    let patience = patience(delivers.retries);
    let queue = delivers.queue.as_ref();
    let filled = |text: &str| {
        let size = queue.map(|queue| super::sized(queue.size, queue.unit)).unwrap_or_default();
        let consumers = queue.map(super::consumed).unwrap_or_default();
        text.replace("{patience}", &patience).replace("{size}", &size).replace("{consumers}", &consumers)
    };
    let cell = match (failure.id, delivers.retries) {
        // Without retries, a destination is down for too long at once.
        ("destination_down", None) => find("destination_down_longer").cell(Mode::of(delivers)),
        ("destination_down_longer", None) => &Cell::Never("retry_on_failure is off: the row above says it."),
        ("destination_down_longer", Some(Retries { patience: None })) => {
            &Cell::Never("max_elapsed_time is 0: attempts are repeated without end.")
        }
        ("queue_full", _) if queue.is_some_and(|queue| queue.blocks) => {
            &Cell::Costs(super::cases::QUEUE_FULL_AND_BLOCKS)
        }
        ("overload", _) if !is_limited => {
            &Cell::Never("No memory_limiter stands in front: the process may be killed for want of memory.")
        }
        ("poison", _) if queue.is_some_and(|queue| queue.bisects) => match Mode::of(delivers) {
            Mode::NoQueue | Mode::WaitForResult => &Cell::Costs(super::cases::BISECTED_WHILE_SENDERS_WAIT),
            Mode::Memory | Mode::Storage => &Cell::Costs(super::cases::BISECTED),
        },
        _ => failure.cell(Mode::of(delivers)),
    };
    let row = Row {
        id: failure.id,
        failure: filled(failure.title),
        applies: false,
        lost: None,
        answer: None,
        twice: false,
        text: String::new(),
        shown_by: &[],
        is_run: false,
    };
    match cell {
        Cell::Never(why) => Row { text: (*why).to_owned(), ..row },
        Cell::Costs(effect) => Row {
            applies: true,
            lost: Some(effect.lost),
            answer: Some(effect.answer),
            twice: effect.twice,
            text: filled(effect.text),
            shown_by: effect.shown_by,
            is_run: effect.proof == Proof::Run,
            ..row
        },
    }
}

fn find(id: &str) -> &'static Failure {
    FAILURES.iter().find(|failure| failure.id == id).expect("the table has it")
}

fn patience(retries: Option<Retries>) -> String {
    match retries {
        Some(Retries { patience: Some(patience) }) => Duration::from(patience).to_string(),
        Some(Retries { patience: None }) => "ever".to_owned(),
        None => "one attempt".to_owned(),
    }
}
