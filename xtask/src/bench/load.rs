//! What load a sender makes.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use serde::Serialize;

use super::content::Signal;

/// How requests travel, both into and out of the process under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    /// OTLP/gRPC: HTTP/2 without TLS
    Grpc,
    /// OTLP/HTTP with protobuf bodies: HTTP/1.1 without TLS
    Http,
}

impl Protocol {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
        }
    }
}

/// What the body of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Body {
    /// Protobuf
    Protobuf,
    /// Protobuf, compressed with gzip (in advance, at level 6)
    Gzip,
    /// OTLP/JSON, over HTTP only. Peers write it anew, so that only items are compared
    Json,
}

/// What peers that compress at all compress with. Proxies do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Compress {
    /// Not at all
    None,
    /// gzip, at the default level of the peer
    Gzip,
}

impl Body {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Protobuf => "protobuf",
            Self::Gzip => "gzip",
            Self::Json => "json",
        }
    }
}

impl Compress {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
        }
    }
}

/// When a request is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    /// Closed loop: a constant number is in flight, the next goes out when one comes back.
    Saturation,
    /// Open loop: so many requests per second, whatever comes back.
    Rate(f64),
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "saturation" {
            return Ok(Self::Saturation);
        }
        let rate = text.strip_prefix("rate=").and_then(|rate| rate.parse::<f64>().ok());
        match rate {
            Some(rate) if (0.1..=1e6).contains(&rate) => Ok(Self::Rate(rate)),
            _ => Err("expected `saturation`, or `rate=N` with N requests per second, 0.1 to 1000000".into()),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Saturation => f.write_str("saturation"),
            Self::Rate(rate) => write!(f, "rate={rate}"),
        }
    }
}

impl Serialize for Mode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One case: what is sent, how and when.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, clap::Args)]
pub(crate) struct Case {
    /// Signal
    #[arg(long, value_enum, default_value_t = Signal::Traces)]
    pub(crate) signal: Signal,
    /// Items in each request
    #[arg(long, default_value_t = 1000)]
    pub(crate) items: usize,
    /// Protocol
    #[arg(long, value_enum, default_value_t = Protocol::Grpc)]
    pub(crate) protocol: Protocol,
    /// `saturation`, or `rate=N` requests per second
    #[arg(long, default_value_t = Mode::Saturation)]
    pub(crate) mode: Mode,
}

/// What all cases of a run have in common.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
pub(crate) struct Load {
    /// Connections of the sender. HTTP/1.1 opens connections x in-flight of them, with one request each
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) connections: u16,
    /// Requests in flight on each connection; in open loop the most there may be [default: 8; with a
    /// rate 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) in_flight: Option<u16>,
    /// Seconds of load before the measuring window
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    pub(crate) warm_up: f64,
    /// Seconds of the measuring window. CPU time is counted in ticks of 10 ms: 3 s of busy time give
    /// 0.3 per cent
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = seconds)]
    pub(crate) seconds: f64,
    /// What the sender sends
    #[arg(long, value_enum, default_value_t = Body::Protobuf)]
    pub(crate) body: Body,
    /// What the peer sends on, if it is one that compresses
    #[arg(long, value_enum, default_value_t = Compress::None)]
    pub(crate) compress: Compress,
    /// Different requests in the corpus
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) corpus: u16,
    /// Seed of the corpus
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

impl Load {
    /// Requests in flight on each connection.
    pub(crate) fn in_flight(&self, mode: Mode) -> u16 {
        self.in_flight.unwrap_or(match mode {
            Mode::Saturation => 8,
            Mode::Rate(_) => 64,
        })
    }

    /// The command line of a sender that makes this load.
    pub(crate) fn arguments(&self, case: &Case) -> Vec<String> {
        let arguments = [
            ("--signal", case.signal.name().to_owned()),
            ("--items", case.items.to_string()),
            ("--protocol", case.protocol.name().to_owned()),
            ("--mode", case.mode.to_string()),
            ("--connections", self.connections.to_string()),
            ("--in-flight", self.in_flight(case.mode).to_string()),
            ("--warm-up", self.warm_up.to_string()),
            ("--seconds", self.seconds.to_string()),
            ("--corpus", self.corpus.to_string()),
            ("--seed", self.seed.to_string()),
            ("--body", self.body.name().to_owned()),
            ("--compress", self.compress.name().to_owned()),
        ];
        arguments.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected seconds, 0 to 3600".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Sender {
        #[command(flatten)]
        case: Case,
        #[command(flatten)]
        load: Load,
    }

    #[test]
    fn a_sender_reads_the_arguments_that_the_harness_writes() {
        let case = Case { signal: Signal::Logs, items: 7, protocol: Protocol::Http, mode: Mode::Rate(12.5) };
        let load = Load {
            connections: 3,
            in_flight: Some(9),
            warm_up: 0.5,
            seconds: 2.0,
            body: Body::Gzip,
            compress: Compress::Gzip,
            corpus: 5,
            seed: 8,
        };
        let arguments = load.arguments(&case);
        let sender = Sender::try_parse_from(std::iter::once("sender".to_owned()).chain(arguments)).unwrap();
        assert_eq!((sender.case, sender.load), (case, load));
    }

    #[test]
    fn modes_are_read_and_printed_alike_and_nonsense_is_refused() {
        for mode in [Mode::Saturation, Mode::Rate(200.0), Mode::Rate(0.5)] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        for wrong in ["", "rate=", "rate=-1", "rate=NaN", "rate=inf", "rate=0", "fast"] {
            assert!(wrong.parse::<Mode>().is_err(), "{wrong}");
        }
    }
}
