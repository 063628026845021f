//! How it is found out what something is.

use std::io::{self, BufReader, Read};

use etalon_pdata::{LOGS, METRICS, TRACES};

use super::super::*;
use crate::{Level, catalog};

fn kind(text: &[u8]) -> Result<Kind, String> {
    Input::open(text, None).map(|input| input.kind()).map_err(|error| error.to_string())
}

#[test]
fn text_is_told_apart_by_what_its_first_line_is() {
    assert_eq!(kind(super::PLAIN.as_bytes()), Ok(Kind::Scrape));
    assert_eq!(kind(b"{\"otelcol.x\",a=\"b\"} 1\n"), Ok(Kind::Scrape));
    assert_eq!(kind(b"\n\n{\"resourceMetrics\": []}\n"), Ok(Kind::OtlpJson));
    assert_eq!(kind(b"{\"resource_spans\": []}"), Ok(Kind::OtlpJson));
    assert_eq!(kind(b"{\"msg\": \"\", \"level\": \"info\"}"), Ok(Kind::Log));
}

#[test]
fn what_is_nothing_of_the_kind_is_told_with_what_to_do() {
    for (text, why) in [
        ("", "it is empty"),
        ("\n \n", "it is empty"),
        ("{\"a\": 1}", "line 1 is JSON, but neither a request of OTLP"),
        (
            "\n{\n  \"resourceMetrics\": []\n}",
            "what begins on line 2 goes on: have each request on a line of its own, as jq -c .",
        ),
        (
            "2026-11-20T08:30:00.125Z\tinfo\tReady",
            "line 1 is of a log for people: have the collector write JSON",
        ),
        ("hello\n", "there are no metrics of Prometheus in it"),
    ] {
        let told = kind(text.as_bytes()).unwrap_err();
        assert!(told.starts_with(why), "{text:?}: {told}");
    }
    let told = Input::open(&b"\x0a\x05abc"[..], Some(Kind::Otlp(TRACES))).unwrap_err();
    assert_eq!(told.to_string(), "it is no request of traces in protobuf");
}

#[test]
fn a_kind_that_is_said_is_not_doubted() {
    for said in [Kind::OtlpJson, Kind::Log, Kind::Otlp(METRICS), Kind::Otlp(LOGS)] {
        let request = b"";
        let text: &[u8] = if matches!(said, Kind::Otlp(_)) { request } else { b"x\n" };
        assert_eq!(Input::open(text, Some(said)).unwrap().kind(), said);
    }
    assert!(Input::open(&b"{\"resourceMetrics\":[]}"[..], Some(Kind::Scrape)).is_err());
}

#[test]
fn the_version_of_the_contract_is_read_from_the_first_push() {
    let push = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"etalon_contract_info","gauge":{"dataPoints":[{"asInt":"1","attributes":[{"key":"version","value":{"stringValue":"1.2.3"}}]}]}}]}]}]}"#;
    let version = |text: &[u8]| Input::open(text, None).unwrap().contract_version();
    assert_eq!(version(push.as_bytes()).as_deref(), Some("1.2.3"));
    assert_eq!(version(push.replace("_info", "_other").as_bytes()), None);
    let binary = etalon_pdata::json::decode(METRICS.request, push.as_bytes()).unwrap();
    assert_eq!(version(&binary).as_deref(), Some("1.2.3"));
    assert_eq!(version(b"{\"level\": \"info\", \"msg\": \"\"}"), None);
}

#[test]
fn a_capture_is_not_held_and_no_line_longer_than_the_limit_is_read() {
    /// The same line, again and again.
    #[derive(Debug)]
    struct Endless {
        line: &'static [u8],
        left: usize,
    }
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let number = buffer.len().min(self.left) / self.line.len();
            for chunk in buffer.chunks_exact_mut(self.line.len()).take(number) {
                chunk.copy_from_slice(self.line);
            }
            self.left -= number * self.line.len();
            Ok(number * self.line.len())
        }
    }
    let (contract, exposition) = catalog::find(catalog::CURRENT).unwrap();
    let against = Against {
        contract: &contract,
        exposition: &exposition,
        or_closest: true,
        level: Level::Normal,
        temporality: None,
        fields: &[],
    };
    let line = b"{\"level\":\"info\",\"msg\":\"m\",\"event.name\":\"x\"}\n";
    let endless = Endless { line, left: 100_000 * line.len() };
    let report = Input::open(BufReader::new(endless), None).unwrap().check(&against).unwrap();
    assert_eq!((report.counts[0], report.findings.len()), (("lines", 100_000), 1));

    let line = b"{\"level\":\"info\",\"msg\":";
    let endless = Endless { line, left: 2 * MAX_DOCUMENT_BYTES };
    let error = Input::open(BufReader::new(endless), Some(Kind::Log)).unwrap_err();
    assert_eq!(error.to_string(), "line 1 is longer than 16777216 bytes");
}

#[test]
fn too_many_lines_of_something_else_are_an_error_that_tells_the_first() {
    let (contract, exposition) = catalog::find(catalog::CURRENT).unwrap();
    let against = Against {
        contract: &contract,
        exposition: &exposition,
        or_closest: true,
        level: Level::Normal,
        temporality: None,
        fields: &[],
    };
    let text = format!("{{\"level\":\"info\",\"msg\":\"\"}}\n{}", "x\n".repeat(MAX_MALFORMED + 1));
    let error = Input::open(text.as_bytes(), None).unwrap().check(&against).unwrap_err();
    assert_eq!(error.to_string(), "more than 100 lines are not of the format, line 2 is the first");
}
