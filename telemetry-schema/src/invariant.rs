//! What always holds between metrics, once nothing is under way any more: equations of sums.

#[cfg(feature = "check")]
mod evaluate;

#[cfg(feature = "check")]
pub use evaluate::Broken;

use crate::contract::{Contract, Metric};

/// The label of the signal, which a metric of one signal has not.
const SIGNAL: &str = "data_type";

/// An equation: `a + b = c for each x, y`, or `a <= b`.
///
/// A term is a metric, of which all series are added up, or what the metrics of several signals have in common:
/// `otelcol_exporter_sent` is `otelcol_exporter_sent_spans` and those of the other signals. Of a histogram, values are
/// counted. With `for each`, the equation holds for each value of these labels for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invariant {
    left: Vec<String>,
    relation: Relation,
    right: Vec<String>,
    each: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equal,
    AtMost,
}

/// A text that is no invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvariantError {
    /// It compares nothing.
    #[error("is no equation: write \"a + b = c\", or \"a <= b\"")]
    Relation,
    /// A term is none.
    #[error("a term is not the name of a metric")]
    Term,
}

impl Invariant {
    /// Reads an equation.
    ///
    /// # Errors
    /// The text is none.
    pub fn parse(text: &str) -> Result<Self, InvariantError> {
        let (equation, each) = text.split_once(" for each ").unwrap_or((text, ""));
        let compared = equation.split_once("<=").map(|sides| (sides, Relation::AtMost));
        let compared = compared.or_else(|| equation.split_once('=').map(|sides| (sides, Relation::Equal)));
        let ((left, right), relation) = compared.ok_or(InvariantError::Relation)?;
        let each = each.split(',').map(|label| label.trim().to_owned()).filter(|label| !label.is_empty());
        Ok(Self { left: terms(left)?, relation, right: terms(right)?, each: each.collect() })
    }

    /// What is wrong with it in a contract.
    pub(crate) fn problems(&self, contract: &Contract) -> Vec<String> {
        let mut problems = Vec::new();
        for term in self.left.iter().chain(&self.right) {
            let metrics = metrics(contract, term);
            if metrics.is_empty() {
                problems.push(format!("no metric is called {term:?}, nor begins so for each signal"));
            }
            for (metric, label) in
                metrics.iter().flat_map(|metric| self.each.iter().map(move |each| (metric, each)))
            {
                let has = metric.attributes.iter().any(|attribute| attribute.key == *label);
                if !has && (label != SIGNAL || signal(metric).is_none()) {
                    problems.push(format!("{} has no {label:?}", metric.name));
                }
            }
        }
        problems
    }
}

fn terms(side: &str) -> Result<Vec<String>, InvariantError> {
    let is_name = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.' | ':');
    let term = |term: &str| {
        let term = term.trim();
        let is_term = !term.is_empty() && term.chars().all(is_name);
        is_term.then(|| term.to_owned()).ok_or(InvariantError::Term)
    };
    side.split('+').map(term).collect()
}

/// The metric of a name, or those of the signals whose names begin with it.
fn metrics<'a>(contract: &'a Contract, term: &str) -> Vec<&'a Metric> {
    match contract.metrics.get(term) {
        Some(metric) => vec![metric],
        None => {
            let is_of_signal = |metric: &&Metric| {
                let rest = metric.name.strip_prefix(term).and_then(|rest| rest.strip_prefix('_'));
                rest.is_some() && signal(metric).is_some()
            };
            contract.metrics.values().filter(is_of_signal).collect()
        }
    }
}

/// The signal whose items a metric counts, when there is one such metric for each signal.
fn signal(metric: &Metric) -> Option<&str> {
    metric.annotations.contract.binding.as_ref()?.signal.as_deref()
}

#[cfg(all(test, feature = "check"))]
mod tests {
    use super::*;
    use crate::catalog;
    use crate::check::Scrape;

    const EXPORTED: &str =
        "etalon_exporter_incoming_items = otelcol_exporter_sent + otelcol_exporter_send_failed";

    fn broken(text: &str, scrape: &str) -> Vec<String> {
        let (contract, exposition) = catalog::find(catalog::CURRENT).expect("the program carries it");
        let invariant = Invariant::parse(text).expect("an equation");
        assert_eq!(invariant.problems(&contract), Vec::<String>::new());
        let scrape = Scrape::parse(scrape.as_bytes()).expect("a scrape");
        invariant.broken(&contract, &exposition, &scrape).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn sums_are_of_all_signals_and_all_series() {
        let scrape = "# TYPE etalon_exporter_incoming_items counter\n\
            etalon_exporter_incoming_items{exporter=\"a\",data_type=\"traces\"} 3\n\
            etalon_exporter_incoming_items{exporter=\"a\",data_type=\"logs\"} 4\n\
            # TYPE otelcol_exporter_sent_spans counter\notelcol_exporter_sent_spans{exporter=\"a\"} 4\n\
            # TYPE otelcol_exporter_sent_log_records counter\notelcol_exporter_sent_log_records{exporter=\"a\"} 2\n\
            # TYPE otelcol_exporter_send_failed_log_records counter\notelcol_exporter_send_failed_log_records{exporter=\"a\"} 1\n";
        assert_eq!(broken(EXPORTED, scrape), Vec::<String>::new());
        let each = broken(&format!("{EXPORTED} for each exporter, data_type"), scrape);
        let expected = [
            "4 and 3 for exporter \"a\", data_type \"logs\"",
            "3 and 4 for exporter \"a\", data_type \"traces\"",
        ];
        assert_eq!(each, expected);
        assert_eq!(
            broken("otelcol_exporter_send_failed <= otelcol_exporter_sent", scrape),
            Vec::<String>::new()
        );
        assert_eq!(broken("otelcol_exporter_sent <= otelcol_exporter_send_failed", scrape), ["6 and 1"]);
    }

    #[test]
    fn of_a_distribution_the_values_are_counted() {
        let scrape = "# TYPE etalon_exporter_request_duration histogram\n\
            etalon_exporter_request_duration_bucket{le=\"+Inf\"} 2\n\
            etalon_exporter_request_duration_sum 0.5\netalon_exporter_request_duration_count 2\n";
        assert_eq!(
            broken("etalon_exporter_request_duration <= etalon_exporter_responses", scrape),
            ["2 and 0"]
        );
    }

    #[test]
    fn what_is_no_equation_of_metrics_is_told() {
        assert_eq!(Invariant::parse("a + b"), Err(InvariantError::Relation));
        assert_eq!(Invariant::parse("a + = b"), Err(InvariantError::Term));
        assert_eq!(Invariant::parse("a = items of requests"), Err(InvariantError::Term));
        let (contract, _) = catalog::find(catalog::CURRENT).expect("the program carries it");
        let problems = |text| Invariant::parse(text).unwrap().problems(&contract).join("; ");
        assert_eq!(
            problems("etalon_nothing <= otelcol_exporter_sent"),
            "no metric is called \"etalon_nothing\", nor begins so for each signal"
        );
        assert_eq!(
            problems("otelcol_process_uptime = otelcol_process_uptime for each exporter"),
            ["otelcol_process_uptime has no \"exporter\""; 2].join("; ")
        );
    }
}
