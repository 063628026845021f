//! Spans against those that are declared.

use etalon_pdata::proto::trace::v1::{Span, span};
use regex::Regex;

use super::Rule;
use super::attributes::{self, Declared};
use super::findings::{Findings, Place};
use crate::contract::{self, Contract, SpanKind};

/// The spans of a contract, with what their names match.
#[derive(Debug)]
pub(super) struct Spans<'a>(Vec<(Regex, &'a contract::Span)>);

impl<'a> Spans<'a> {
    pub(super) fn of(contract: &'a Contract) -> Self {
        let spans = contract.spans.values().filter_map(|span| {
            let pattern = &span.annotations.contract.name_pattern;
            // A pattern that cannot be read matches no name, so that its spans are told as undeclared.
            Some((Regex::new(&format!("^(?:{pattern})$")).ok()?, span))
        });
        Self(spans.collect())
    }

    pub(super) fn check(
        &self,
        contract: &Contract,
        span: &Span,
        line: Option<usize>,
        findings: &mut Findings,
    ) {
        let at = Place { name: &span.name, instance: "", line };
        let by_name: Vec<_> = self
            .0
            .iter()
            .filter(|(pattern, _)| pattern.is_match(&span.name))
            .map(|(_, span)| *span)
            .collect();
        if by_name.is_empty() {
            let message = "no span of the contract has such a name".to_owned();
            return findings.push(
                Rule::UndeclaredSpan,
                at,
                message,
                "a name that a name_pattern matches".to_owned(),
            );
        }
        let found = kind(span.kind());
        let Some(declared) = by_name.iter().find(|declared| word(declared.kind) == found) else {
            let kinds: Vec<&str> = by_name.iter().map(|declared| word(declared.kind)).collect();
            return findings.push(Rule::Kind, at, format!("its kind is {found}"), kinds.join(" or "));
        };
        let of_span = Declared { contract, attributes: &declared.attributes };
        of_span.compare(&attributes::given(&span.attributes), |_| false, at, findings);
        let events = &declared.annotations.contract.events;
        for event in span.events.iter().filter(|event| !events.contains(&event.name)) {
            let expected = if events.is_empty() { "no event".to_owned() } else { events.join(", ") };
            findings.push(Rule::UndeclaredEvent, at, format!("it has the event {:?}", event.name), expected);
        }
    }
}

fn word(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
    }
}

fn kind(kind: span::SpanKind) -> &'static str {
    match kind {
        // OTLP lets receivers take the former for the latter.
        span::SpanKind::Unspecified | span::SpanKind::Internal => "internal",
        span::SpanKind::Server => "server",
        span::SpanKind::Client => "client",
        span::SpanKind::Producer => "producer",
        span::SpanKind::Consumer => "consumer",
    }
}
