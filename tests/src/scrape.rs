//! Metrics in the Prometheus text format.

/// All series of one scrape.
#[derive(Clone, Debug)]
pub struct Scrape {
    series: Vec<Series>,
}

#[derive(Clone, Debug)]
struct Series {
    name: String,
    /// As written between the braces.
    labels: String,
    value: f64,
}

impl Scrape {
    /// Reads version 0.0.4 of the format, as far as values and label sets go.
    ///
    /// # Panics
    ///
    /// When a line is none of comment, empty and sample.
    pub fn parse(text: &str) -> Self {
        let samples = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self {
            series: samples
                .map(|line| sample(line).unwrap_or_else(|| panic!("not a sample: {line}")))
                .collect(),
        }
    }

    /// The sum of the series of a metric whose labels contain all of these; none when there is no such
    /// series.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let pairs: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let matching: Vec<f64> = self
            .series
            .iter()
            .filter(|series| series.name == name && pairs.iter().all(|pair| series.labels.contains(pair)))
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

fn sample(line: &str) -> Option<Series> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}')?),
        None => (series, ""),
    };
    Some(Series { name: name.to_owned(), labels: labels.to_owned(), value: value.parse().ok()? })
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
