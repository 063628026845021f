//! The collector's own metrics at one moment.

use etalon_telemetry_schema::check;

/// All series of one scrape.
#[derive(Clone, Debug)]
pub struct Scrape(check::Scrape);

impl Scrape {
    /// Reads it.
    ///
    /// # Panics
    ///
    /// When a line is not of the format, or none is a series.
    pub fn parse(text: &str) -> Self {
        let scrape = check::Scrape::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(scrape.malformed(), [], "{text}");
        Self(scrape)
    }

    /// The sum of the series of a metric whose labels contain all of these; none when there is no such
    /// series.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |series: &check::Series, (key, value)| series.label(key) == Some(value);
        let matching: Vec<f64> = self
            .0
            .series()
            .filter(|series| series.name == name && labels.iter().all(|label| has(series, *label)))
            .map(|series| series.value)
            .collect();
        (!matching.is_empty()).then(|| matching.iter().sum())
    }

    /// The whole number of a counter, summed over all its series; 0 when there is none.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "asserted to be whole and not negative"
    )]
    pub fn count(&self, name: &str) -> u64 {
        let sum = self.sum(name, &[]).unwrap_or(0.0);
        assert!(sum >= 0.0 && sum.fract() == 0.0, "{name} is {sum}");
        sum as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_summed_by_name_and_labels() {
        let scrape = Scrape::parse("# HELP a b\na{x=\"1\",y=\"z {\"} 2\na{x=\"2\"} 3\nb 4.5\n");
        assert_eq!(scrape.sum("a", &[]), Some(5.0));
        assert_eq!(scrape.sum("a", &[("x", "2")]), Some(3.0));
        assert_eq!(scrape.sum("b", &[]), Some(4.5));
        assert_eq!(scrape.sum("c", &[]), None);
        assert_eq!(scrape.count("a"), 5);
    }
}
