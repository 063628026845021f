//! What a collector has told, of whatever kind it is.

use std::io::{self, BufRead, Read as _};

use etalon_pdata::{LOGS, METRICS, ScanError, Signal, TRACES, Utf8Policy, scan};
use prost::DecodeError;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::capture::{self, Capture, Temporality};
use super::compare::{check, closest};
use super::findings::Report;
use super::log::Log;
use super::scrape::{MAX_MALFORMED, MAX_SCRAPE_BYTES, Scrape, ScrapeError};
use crate::contract::{Contract, Level};
use crate::exposition::Exposition;

/// Longest request of a capture and longest line of a log, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 16 << 20;

/// What something is that a collector has told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What it serves to Prometheus.
    Scrape,
    /// OTLP requests, as JSON, each on a line of its own.
    OtlpJson,
    /// One OTLP request of a signal, as protobuf.
    Otlp(Signal),
    /// Its log, in JSON.
    Log,
}

/// What something is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Against<'a> {
    /// The contract.
    pub contract: &'a Contract,
    /// The names that a scrape has.
    pub exposition: &'a Exposition,
    /// Whether the scrape may have those of another exposition.
    pub or_closest: bool,
    /// The level of the metrics: what is only there above it is not missed.
    pub level: Level,
    /// Since when metrics of OTLP count; nothing when that may be either.
    pub temporality: Option<Temporality>,
    /// Fields that the configuration adds to each line of a log.
    pub fields: &'a [String],
}

/// Why something cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It cannot be read at all.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is no scrape.
    #[error(transparent)]
    Scrape(#[from] ScrapeError),
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// A line is too long.
    #[error("line {line} is longer than {MAX_DOCUMENT_BYTES} bytes")]
    LineTooLong {
        /// From 1.
        line: usize,
    },
    /// A request is too large.
    #[error("larger than {MAX_DOCUMENT_BYTES} bytes")]
    TooLarge,
    /// JSON of something else.
    #[error(
        "line {line} is JSON, but neither a request of OTLP, which has resourceMetrics, resourceLogs or resourceSpans, nor a line of a log, which has level and msg"
    )]
    OtherJson {
        /// From 1.
        line: usize,
    },
    /// A request is on several lines.
    #[error(
        "what begins on line {line} goes on: have each request on a line of its own, as jq -c . writes them"
    )]
    SeveralLines {
        /// From 1.
        line: usize,
    },
    /// A log that is not in JSON.
    #[error(
        "line {line} is of a log for people: have the collector write JSON, with service::telemetry::logs::encoding: json"
    )]
    LogForPeople {
        /// From 1.
        line: usize,
    },
    /// It is protobuf of no signal.
    #[error("it is no request of {signal} in protobuf")]
    Protobuf {
        /// Its name.
        signal: &'static str,
        /// Where not.
        #[source]
        source: ScanError,
    },
    /// It was scanned, and cannot be decoded all the same.
    #[error("it cannot be decoded")]
    Decode(#[source] DecodeError),
    /// Too much of it is not of the format.
    #[error("more than {MAX_MALFORMED} lines are not of the format, line {line} is the first")]
    OtherFormat {
        /// From 1.
        line: usize,
    },
    /// Nothing in it is of the collector.
    #[error("there is nothing of {collector} in it; {foreign} metrics, spans and log records of others are")]
    OnlyForeign {
        /// Its name.
        collector: String,
        /// What else is in it.
        foreign: usize,
    },
}

/// Something that a collector has told, of a known kind. It is read while it is compared, but for what is compared as a
/// whole.
#[derive(Debug)]
pub struct Input<R> {
    kind: Kind,
    held: Held<R>,
}

#[derive(Debug)]
enum Held<R> {
    Scrape(Scrape),
    Request(Vec<u8>),
    Lines {
        /// The first line that is not empty.
        first: Vec<u8>,
        rest: Lines<R>,
    },
}

/// The lines of something, read one at a time.
#[derive(Debug)]
struct Lines<R> {
    reader: R,
    /// Of the line that was read last, from 1.
    number: usize,
}

/// What tells one kind of JSON from another.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Keys {
    #[serde(alias = "resource_metrics")]
    resource_metrics: Option<IgnoredAny>,
    #[serde(alias = "resource_logs")]
    resource_logs: Option<IgnoredAny>,
    #[serde(alias = "resource_spans")]
    resource_spans: Option<IgnoredAny>,
    level: Option<IgnoredAny>,
    msg: Option<IgnoredAny>,
}

impl Keys {
    fn signal(&self) -> Option<Signal> {
        let signals = [
            (self.resource_metrics.is_some(), METRICS),
            (self.resource_logs.is_some(), LOGS),
            (self.resource_spans.is_some(), TRACES),
        ];
        signals.into_iter().find_map(|(is_there, signal)| is_there.then_some(signal))
    }
}

impl<R: BufRead> Input<R> {
    /// Finds out what it is, unless that is said, and reads as far as is needed for that.
    ///
    /// # Errors
    /// It cannot be read, is nothing of the kind, or exceeds a limit.
    pub fn open(reader: R, kind: Option<Kind>) -> Result<Self, InputError> {
        let mut rest = Lines { reader, number: 0 };
        match kind {
            Some(kind @ (Kind::OtlpJson | Kind::Log)) => {
                let first = rest.next_with_something()?.ok_or(InputError::Empty)?;
                Ok(Self { kind, held: Held::Lines { first, rest } })
            }
            Some(Kind::Scrape) => Self::scrape(Vec::new(), rest),
            Some(Kind::Otlp(signal)) => Self::request(signal, rest.all(Vec::new())?),
            None => Self::detect(rest),
        }
    }

    fn detect(mut lines: Lines<R>) -> Result<Self, InputError> {
        let mut head = Vec::new();
        while head.trim_ascii().is_empty() {
            let Some(line) = lines.next()? else { return Err(InputError::Empty) };
            head.extend_from_slice(&line);
            if head.len() > MAX_DOCUMENT_BYTES {
                return Err(InputError::TooLarge);
            }
        }
        let (first, line) = (head.trim_ascii(), lines.number);
        if first.starts_with(b"{") {
            match serde_json::from_slice::<Keys>(first) {
                Ok(keys) => {
                    let kind = match keys.signal() {
                        Some(_) => Kind::OtlpJson,
                        None if keys.level.is_some() && keys.msg.is_some() => Kind::Log,
                        None => return Err(InputError::OtherJson { line }),
                    };
                    return Ok(Self { kind, held: Held::Lines { first: first.to_vec(), rest: lines } });
                }
                Err(error) if error.is_eof() => return Err(InputError::SeveralLines { line }),
                // A name in quotation marks may begin so in a scrape.
                Err(_) => {}
            }
        } else if is_of_log_for_people(first) {
            return Err(InputError::LogForPeople { line });
        }
        // The tag of the only field that a request has.
        if head.starts_with(b"\n") {
            head = lines.all(head)?;
            let fitting: Vec<Signal> =
                [METRICS, LOGS, TRACES].into_iter().filter(|signal| is_request(*signal, &head)).collect();
            if let [signal] = fitting[..] {
                return Self::request(signal, head);
            }
        }
        Self::scrape(head, lines)
    }

    fn scrape(head: Vec<u8>, mut lines: Lines<R>) -> Result<Self, InputError> {
        let scrape = Scrape::parse(&lines.all(head)?)?;
        Ok(Self { kind: Kind::Scrape, held: Held::Scrape(scrape) })
    }

    fn request(signal: Signal, mut request: Vec<u8>) -> Result<Self, InputError> {
        if request.len() > MAX_DOCUMENT_BYTES {
            return Err(InputError::TooLarge);
        }
        let scanned = scan(signal, &mut request, Utf8Policy::Refuse);
        scanned.map_err(|source| InputError::Protobuf { signal: signal.name, source })?;
        Ok(Self { kind: Kind::Otlp(signal), held: Held::Request(request) })
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The version of the contract that the collector says it keeps: in a capture, in its first request.
    pub fn contract_version(&self) -> Option<String> {
        match &self.held {
            Held::Scrape(scrape) => scrape.contract_version().map(str::to_owned),
            Held::Request(request) if self.kind == Kind::Otlp(METRICS) => {
                capture::version_in_protobuf(request)
            }
            Held::Lines { first, .. } if self.kind == Kind::OtlpJson => capture::version_in_json(first),
            Held::Request(_) | Held::Lines { .. } => None,
        }
    }

    /// Compares it with a contract.
    ///
    /// # Errors
    /// The rest cannot be read, or exceeds a limit; or nothing in it is of the collector.
    pub fn check(self, against: &Against<'_>) -> Result<Report, InputError> {
        let Against { contract, exposition, or_closest, level, temporality, fields } = *against;
        let capture = || Capture::new(contract, level, temporality);
        let report = match (self.held, self.kind) {
            (Held::Scrape(scrape), _) if or_closest => closest(&scrape, contract, exposition, level),
            (Held::Scrape(scrape), _) => check(&scrape, contract, exposition, level),
            (Held::Request(request), kind) => {
                let mut capture = capture();
                if let Kind::Otlp(signal) = kind {
                    capture.protobuf(signal, &request, None).map_err(InputError::Decode)?;
                }
                capture.finish()
            }
            (Held::Lines { first, rest }, Kind::OtlpJson) => {
                let mut capture = capture();
                rest.each(first, |number, line| capture.line(number, line))?;
                capture.finish()
            }
            (Held::Lines { first, rest }, _) => {
                let mut log = Log::new(contract, fields);
                rest.each(first, |number, line| log.line(number, line))?;
                log.finish()
            }
        };
        let is_foreign = report.foreign > 0 && report.findings.is_empty();
        if is_foreign && report.counts.iter().skip(1).all(|(_, number)| *number == 0) {
            let (collector, foreign) = (contract.name.clone(), report.foreign);
            return Err(InputError::OnlyForeign { collector, foreign });
        }
        Ok(report)
    }
}

impl<R: BufRead> Lines<R> {
    /// The next line, with its end.
    fn next(&mut self) -> Result<Option<Vec<u8>>, InputError> {
        let mut line = Vec::new();
        let most = MAX_DOCUMENT_BYTES as u64 + 1;
        if self.reader.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if line.len() > MAX_DOCUMENT_BYTES {
            return Err(InputError::LineTooLong { line: self.number });
        }
        Ok(Some(line))
    }

    /// The next line that is not empty, without its end.
    fn next_with_something(&mut self) -> Result<Option<Vec<u8>>, InputError> {
        while let Some(mut line) = self.next()? {
            line.truncate(line.trim_ascii_end().len());
            if !line.is_empty() {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    /// What was read and all that follows; one byte more than anything may have, at most.
    fn all(&mut self, mut head: Vec<u8>) -> Result<Vec<u8>, InputError> {
        let most = (MAX_SCRAPE_BYTES.max(MAX_DOCUMENT_BYTES) as u64 + 1).saturating_sub(head.len() as u64);
        self.reader.by_ref().take(most).read_to_end(&mut head)?;
        Ok(head)
    }

    /// Hands over each line that is not empty, with its number, to who says whether it is of the format.
    fn each(mut self, first: Vec<u8>, mut take: impl FnMut(usize, &[u8]) -> bool) -> Result<(), InputError> {
        let mut malformed = Vec::new();
        let mut line = Some(first);
        while let Some(taken) = line {
            if !take(self.number, &taken) {
                malformed.push(self.number);
            }
            if malformed.len() > MAX_MALFORMED {
                return Err(InputError::OtherFormat { line: malformed[0] });
            }
            line = self.next_with_something()?;
        }
        Ok(())
    }
}

/// What a line of a capture is: its signal.
pub(super) fn signal_of(line: &[u8]) -> Result<Signal, String> {
    match serde_json::from_slice::<Keys>(line) {
        Ok(keys) => {
            keys.signal().ok_or("a request, with resourceMetrics, resourceLogs or resourceSpans".to_owned())
        }
        Err(error) => Err(format!("a whole request as JSON, on a line of its own; {error}")),
    }
}

fn is_request(signal: Signal, request: &[u8]) -> bool {
    scan(signal, &mut request.to_vec(), Utf8Policy::Refuse).is_ok_and(|scan| scan.items > 0)
}

/// `2026-11-20T08:30:00.125Z` and a tab.
fn is_of_log_for_people(line: &[u8]) -> bool {
    let time = line.split(|byte| *byte == b'\t').next().unwrap_or_default();
    let pattern = b"0000-00-00T00:00:00.000Z";
    time.len() < line.len()
        && time.len() == pattern.len()
        && time.iter().zip(pattern).all(
            |(found, digit)| {
                if *digit == b'0' { found.is_ascii_digit() } else { found == digit }
            },
        )
}
