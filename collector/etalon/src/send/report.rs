//! What came back, for the person who asked.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::time::Duration;

use etalon_component::{Failure, Outcome};
use etalon_pdata::Signal;

use super::SendError;

/// Different answers that are told apart for one signal; the rest is counted as one.
const ANSWERS_MAX: usize = 8;

/// The answers of a run.
#[derive(Debug)]
pub(super) struct Report {
    endpoint: String,
    protocol: &'static str,
    failed: u64,
    total: u64,
}

/// The answers to the requests of one signal.
#[derive(Debug)]
pub(super) struct Answers {
    signal: Signal,
    /// How often each answer came.
    counts: BTreeMap<String, u64>,
    failed: u64,
    total: u64,
    slowest: Duration,
}

impl Report {
    pub(super) fn new(endpoint: String, protocol: &'static str) -> Self {
        Self { endpoint, protocol, failed: 0, total: 0 }
    }

    pub(super) fn begin(&self) -> io::Result<()> {
        writeln!(io::stdout(), "Sending to {} ({})", self.endpoint, self.protocol)
    }

    /// Prints the answers to one signal.
    pub(super) fn finish(&mut self, answers: &Answers) -> io::Result<()> {
        self.failed += answers.failed;
        self.total += answers.total;
        io::stdout().write_all(answers.lines().as_bytes())
    }

    /// Whether everything was accepted.
    pub(super) fn verdict(&self) -> Result<(), SendError> {
        match self.failed {
            0 => Ok(()),
            failed => Err(SendError::NotAccepted { failed, total: self.total }),
        }
    }
}

impl Answers {
    pub(super) fn of(signal: Signal) -> Self {
        Self { signal, counts: BTreeMap::new(), failed: 0, total: 0, slowest: Duration::ZERO }
    }

    pub(super) fn add(&mut self, outcome: &Outcome, took: Duration) {
        let accepted = matches!(outcome, Outcome::Delivered(delivered) if delivered.rejected == 0);
        self.total += 1;
        self.failed += u64::from(!accepted);
        self.slowest = self.slowest.max(took);
        let mut answer = told(outcome);
        if self.counts.len() >= ANSWERS_MAX && !self.counts.contains_key(&answer) {
            "other answers".clone_into(&mut answer);
        }
        *self.counts.entry(answer).or_default() += 1;
    }

    fn lines(&self) -> String {
        let mut lines = String::new();
        for (answer, count) in &self.counts {
            let times = if self.total == 1 { String::new() } else { format!("{count} x ") };
            lines.push_str(&format!("  {:<8} {times}{answer}\n", self.signal.name));
        }
        let slowest = self.slowest.as_secs_f64() * 1000.0;
        let which = if self.total == 1 { "answered after" } else { "slowest answer after" };
        lines.push_str(&format!("  {:<8} {which} {slowest:.1} ms\n", ""));
        lines
    }
}

/// An outcome in words.
fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered(delivered) => {
            let message = delivered.message.as_deref().map(|m| format!(": {m}")).unwrap_or_default();
            match delivered.rejected {
                0 => format!("accepted{message}"),
                n => format!("accepted in part, {n} rejected{message}"),
            }
        }
        Outcome::Refused(failure) => format!("refused, may be retried: {}", reason(failure)),
        Outcome::Permanent(failure) => format!("rejected for good: {}", reason(failure)),
        Outcome::Unknown(failure) => format!("no answer, may have arrived: {}", reason(failure)),
    }
}

fn reason(failure: &Failure) -> String {
    let code = failure.code();
    let delay = failure.delay().map(|delay| format!("; try again after {delay:?}")).unwrap_or_default();
    format!("{} ({}): {}{delay}", code.name(), code.number(), failure.message())
}

#[cfg(test)]
mod tests {
    use etalon_component::{Code, Delivered};
    use etalon_pdata::TRACES;

    use super::*;

    #[test]
    fn equal_answers_are_counted_and_different_ones_told_apart() {
        let mut report = Report::new("http://x".into(), "gRPC");
        let mut answers = Answers::of(TRACES);
        answers.add(&Outcome::DELIVERED, Duration::from_millis(1));
        answers.add(&Outcome::DELIVERED, Duration::from_millis(2));
        answers.add(&Outcome::permanent(Code::Unauthenticated, "who?"), Duration::ZERO);
        assert_eq!(
            answers.lines(),
            "  traces   2 x accepted\n  traces   1 x rejected for good: UNAUTHENTICATED (16): who?\n           slowest answer after 2.0 ms\n"
        );
        report.finish(&answers).unwrap();
        assert!(matches!(report.verdict(), Err(SendError::NotAccepted { failed: 1, total: 3 })));
    }

    #[test]
    fn a_partial_success_says_how_many_were_rejected_and_why() {
        let outcome = Outcome::Delivered(Delivered { rejected: 3, message: Some("too old".into()) });
        assert_eq!(told(&outcome), "accepted in part, 3 rejected: too old");
    }
}
