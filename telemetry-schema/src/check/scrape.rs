//! What a collector serves, read.

use std::collections::HashMap;

use super::line::{self, Line, Sample};

/// Largest scrape, in bytes.
pub const MAX_SCRAPE_BYTES: usize = 16 << 20;

/// Longest line of a scrape, in bytes.
pub const MAX_LINE_BYTES: usize = 64 << 10;

/// Most series of a scrape, families counted in.
pub const MAX_SERIES: usize = 100_000;

/// Most lines of a scrape that are not of the format. With more it is something else.
pub const MAX_MALFORMED: usize = 100;

/// The end of a scrape in `OpenMetrics`.
const EOF: &str = "# EOF";

/// What a collector has served.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scrape {
    open_metrics: bool,
    families: Vec<ScrapedFamily>,
    malformed: Vec<Malformed>,
}

/// A family as it was served.
#[derive(Clone, Debug, PartialEq)]
pub struct ScrapedFamily {
    /// Its name as queries have it: in `OpenMetrics` too, a counter ends in `_total`.
    pub name: String,
    /// Its type; nothing without a line that tells it.
    pub kind: Option<ScrapedKind>,
    /// Where it begins, from 1.
    pub line: usize,
    /// Its series, as they come.
    pub series: Vec<Series>,
}

/// A series as it was served.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Name, with the suffix of a part.
    pub name: String,
    /// Names and values, as they come. None is twice there.
    pub labels: Vec<(String, String)>,
    /// Value.
    pub value: f64,
    /// Where it is, from 1.
    pub line: usize,
}

/// A type of the formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScrapedKind {
    /// Only grows.
    Counter,
    /// Grows and shrinks.
    Gauge,
    /// A distribution, in buckets.
    Histogram,
    /// A distribution that grows and shrinks, in buckets.
    GaugeHistogram,
    /// A distribution, in quantiles.
    Summary,
    /// Labels are what it tells.
    Info,
    /// One of several states.
    StateSet,
    /// It is said that it is not known.
    Unknown,
}

/// A line that is not of the format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where it is, from 1.
    pub line: usize,
    /// What was expected.
    pub expected: &'static str,
}

/// Why something cannot be read as a scrape.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScrapeError {
    /// It is too large.
    #[error("larger than {MAX_SCRAPE_BYTES} bytes")]
    TooLarge,
    /// It is no text.
    #[error("line {line} is not UTF-8")]
    NotUtf8 {
        /// From 1.
        line: usize,
    },
    /// A line is too long.
    #[error("line {line} is longer than {MAX_LINE_BYTES} bytes")]
    LineTooLong {
        /// From 1.
        line: usize,
    },
    /// There are too many series.
    #[error("more than {MAX_SERIES} series and families")]
    TooManySeries,
    /// Too much of it is not of the format.
    #[error(
        "not metrics of Prometheus: more than {MAX_MALFORMED} lines are not of its format, line {line} is the first"
    )]
    OtherFormat {
        /// From 1.
        line: usize,
    },
    /// There is nothing in it.
    #[error("there are no metrics of Prometheus in it")]
    NoSeries,
}

impl ScrapedKind {
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "gaugehistogram" => Self::GaugeHistogram,
            "summary" => Self::Summary,
            "info" => Self::Info,
            "stateset" => Self::StateSet,
            "unknown" | "untyped" => Self::Unknown,
            _ => return None,
        })
    }

    /// As the formats have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }

    /// What the names of its series end in.
    fn suffixes(self, open_metrics: bool) -> &'static [&'static str] {
        match self {
            Self::Counter if open_metrics => &["_total", "_created"],
            Self::Counter | Self::Gauge | Self::StateSet | Self::Unknown => &[""],
            Self::Histogram => &["_bucket", "_sum", "_count", "_created"],
            Self::GaugeHistogram => &["_bucket", "_gsum", "_gcount"],
            Self::Summary => &["", "_sum", "_count", "_created"],
            Self::Info => &["_info"],
        }
    }
}

impl Scrape {
    /// Reads a scrape. It is `OpenMetrics` when it has that format's end. Lines that are not of the format are kept apart.
    ///
    /// # Errors
    /// It is no scrape, or exceeds a limit.
    pub fn parse(bytes: &[u8]) -> Result<Self, ScrapeError> {
        if bytes.len() > MAX_SCRAPE_BYTES {
            return Err(ScrapeError::TooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            ScrapeError::NotUtf8 { line: before.split(|byte| *byte == b'\n').count() }
        })?;
        let open_metrics = text.split('\n').any(|line| line == EOF);
        let mut reader = Reader { scrape: Self { open_metrics, ..Self::default() }, ..Reader::default() };
        for (index, line) in text.split('\n').enumerate() {
            reader.line(index + 1, line)?;
        }
        let mut scrape = reader.scrape;
        if scrape.series().next().is_none() {
            return Err(ScrapeError::NoSeries);
        }
        for family in &mut scrape.families {
            match family.kind {
                Some(ScrapedKind::Counter) if open_metrics => family.name.push_str("_total"),
                Some(ScrapedKind::Info) => family.name.push_str("_info"),
                _ => {}
            }
        }
        Ok(scrape)
    }

    /// Whether it is in `OpenMetrics`, and not in Prometheus's own text format.
    pub fn is_open_metrics(&self) -> bool {
        self.open_metrics
    }

    /// The families, as they come.
    pub fn families(&self) -> &[ScrapedFamily] {
        &self.families
    }

    /// All series.
    pub fn series(&self) -> impl Iterator<Item = &Series> {
        self.families.iter().flat_map(|family| &family.series)
    }

    /// The lines that are not of the format.
    pub fn malformed(&self) -> &[Malformed] {
        &self.malformed
    }

    /// The version of the contract that the collector says it keeps.
    pub fn contract_version(&self) -> Option<&str> {
        self.series().find(|series| series.name == "etalon_contract_info")?.label("version")
    }

    /// Whether it has names that classic Prometheus does not know.
    pub(super) fn has_modern_names(&self) -> bool {
        let keys = self.series().flat_map(|series| series.labels.iter().map(|(key, _)| key));
        let names = self.families.iter().map(|family| &family.name);
        keys.chain(names).any(|name| !line::is_classic(name))
    }
}

impl Series {
    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
struct Reader {
    scrape: Scrape,
    /// By the name in the line that tells the type.
    by_name: HashMap<String, usize>,
    number: usize,
    has_ended: bool,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), ScrapeError> {
        if line.len() > MAX_LINE_BYTES {
            return Err(ScrapeError::LineTooLong { line: number });
        }
        let read = if self.has_ended && !line.is_empty() {
            Err("nothing after # EOF")
        } else {
            line::read(line, self.scrape.open_metrics).and_then(|read| self.take(number, read))
        };
        self.has_ended |= line == EOF;
        if let Err(expected) = read {
            self.scrape.malformed.push(Malformed { line: number, expected });
        }
        if self.scrape.malformed.len() > MAX_MALFORMED {
            return Err(ScrapeError::OtherFormat { line: self.scrape.malformed[0].line });
        }
        if self.number > MAX_SERIES { Err(ScrapeError::TooManySeries) } else { Ok(()) }
    }

    fn take(&mut self, number: usize, line: Line) -> Result<(), line::Expected> {
        match line {
            Line::Nothing | Line::About(_) => Ok(()),
            Line::Type(name, _) if self.by_name.contains_key(&name) => {
                Err("one # TYPE for each family, before its series")
            }
            Line::Type(name, kind) => {
                self.begin(number, name, Some(kind));
                Ok(())
            }
            Line::Sample(sample) => self.sample(number, sample),
        }
    }

    fn begin(&mut self, line: usize, name: String, kind: Option<ScrapedKind>) -> usize {
        let index = self.scrape.families.len();
        self.number += 1;
        self.by_name.insert(name.clone(), index);
        self.scrape.families.push(ScrapedFamily { name, kind, line, series: Vec::new() });
        index
    }

    fn sample(&mut self, line: usize, Sample { name, labels, value }: Sample) -> Result<(), line::Expected> {
        let index = match self.family_of(&name) {
            Some(index) => index,
            None if self.by_name.contains_key(&name) => {
                return Err("a series with a name that the type of its family has");
            }
            None => self.begin(line, name.clone(), None),
        };
        self.number += 1;
        self.scrape.families[index].series.push(Series { name, labels, value, line });
        Ok(())
    }

    fn family_of(&self, name: &str) -> Option<usize> {
        let has = |index: usize, suffix: &str| {
            let kind = self.scrape.families[index].kind.unwrap_or(ScrapedKind::Unknown);
            kind.suffixes(self.scrape.open_metrics).contains(&suffix)
        };
        // A family of this very name comes first.
        let splits = [name.len()].into_iter().chain(name.rfind('_'));
        splits
            .map(|at| name.split_at(at))
            .find_map(|(base, suffix)| self.by_name.get(base).copied().filter(|index| has(*index, suffix)))
    }
}
