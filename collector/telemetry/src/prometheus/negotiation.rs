//! What a client of `/metrics` gets, by its `Accept` and `Accept-Encoding`.

use etalon_telemetry_schema::Escaping;

/// A format of Prometheus, as its content type names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    pub(super) syntax: Syntax,
    /// What the client has asked for; nothing when it did not say.
    escaping: Option<Escaping>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// The text format, version 0.0.4.
    Text,
    /// The text format with quoted names, version 1.0.0.
    QuotedText,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The text format, version 0.0.4.
    pub const TEXT: Self = Self { syntax: Syntax::Text, escaping: None };

    /// The format that suits a client best. `accept` is the value of its header.
    ///
    /// `prefer_text` says that `OpenMetrics` is only for clients that take nothing else. A client that takes none
    /// of the formats gets text, version 0.0.4.
    pub fn negotiate(accept: &str, prefer_text: bool) -> Self {
        let ranges: Vec<Range<'_>> = accept.split(',').filter_map(Range::parse).collect();
        let refused = |kind: &str| ranges.iter().any(|range| range.kind == kind && range.quality <= 0.0);
        let (no_text, no_openmetrics) = (refused("text/plain"), refused("application/openmetrics-text"));
        let mut best: Option<(bool, f32, Self)> = None;
        for range in ranges.iter().filter(|range| range.quality > 0.0) {
            let Some(format) = range.format(no_text, no_openmetrics) else { continue };
            let preferred = !prefer_text || format.syntax != Syntax::OpenMetrics;
            let is_better =
                best.is_none_or(|(before, quality, _)| (preferred, range.quality) > (before, quality));
            if is_better {
                best = Some((preferred, range.quality, format));
            }
        }
        best.map_or(Self::TEXT, |(_, _, format)| format)
    }

    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        use Escaping::{Underscores, Utf8};
        match (self.syntax, self.escaping) {
            (Syntax::Text, None) => "text/plain; version=0.0.4; charset=utf-8",
            (Syntax::Text, Some(_)) => "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
            (Syntax::QuotedText, Some(Utf8)) => {
                "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
            }
            (Syntax::QuotedText, _) => "text/plain; version=1.0.0; charset=utf-8; escaping=underscores",
            (Syntax::OpenMetrics, None) => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            (Syntax::OpenMetrics, Some(Underscores)) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
            }
            (Syntax::OpenMetrics, Some(Utf8)) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
            }
        }
    }

    /// What becomes of characters that classic Prometheus does not know in names.
    pub(super) fn escaping(self) -> Escaping {
        self.escaping.unwrap_or_default()
    }
}

/// Whether a client takes gzip and prefers it. `accept_encoding` is the value of its header.
pub fn prefers_gzip(accept_encoding: &str) -> bool {
    let quality = |coding: &str| {
        accept_encoding.split(',').find_map(|element| {
            let (name, quality) = with_quality(element);
            name.eq_ignore_ascii_case(coding).then_some(quality)
        })
    };
    let gzip = quality("gzip").or_else(|| quality("*")).unwrap_or(0.0);
    gzip > 0.0 && gzip >= quality("identity").unwrap_or(0.0)
}

/// An element of `Accept`.
struct Range<'a> {
    /// In lower case: `text/plain`, `text/*`.
    kind: String,
    version: Option<&'a str>,
    escaping: Option<&'a str>,
    quality: f32,
}

impl<'a> Range<'a> {
    fn parse(element: &'a str) -> Option<Self> {
        let (kind, quality) = with_quality(element);
        let parameter = |name| parameters(element).find_map(|(key, value)| (key == name).then_some(value));
        let (version, escaping) = (parameter("version"), parameter("escaping"));
        (!kind.is_empty()).then(|| Self { kind: kind.to_ascii_lowercase(), version, escaping, quality })
    }

    fn format(&self, no_text: bool, no_openmetrics: bool) -> Option<Format> {
        let escaping = self.escaping.map(|asked| match asked {
            "allow-utf-8" => Escaping::Utf8,
            // `dots` and `values` are not spoken: the answer says so.
            _ => Escaping::Underscores,
        });
        let openmetrics = Format { syntax: Syntax::OpenMetrics, escaping };
        match (self.kind.as_str(), self.version) {
            ("application/openmetrics-text", None | Some("1.0.0")) => Some(openmetrics),
            ("text/plain", None) if escaping == Some(Escaping::Utf8) => {
                Some(Format { syntax: Syntax::QuotedText, escaping })
            }
            ("text/plain", Some("1.0.0")) => Some(Format { syntax: Syntax::QuotedText, escaping }),
            ("text/plain", None | Some("0.0.4")) => {
                Some(Format { syntax: Syntax::Text, escaping: escaping.map(|_| Escaping::Underscores) })
            }
            ("text/*" | "*/*", _) if !no_text => Some(Format::TEXT),
            ("application/*" | "*/*", _) if !no_openmetrics => {
                Some(Format { syntax: Syntax::OpenMetrics, escaping: None })
            }
            _ => None,
        }
    }
}

/// What an element of a header names, and how much it is wanted: 1 when it does not say.
fn with_quality(element: &str) -> (&str, f32) {
    let name = element.split(';').next().unwrap_or_default().trim();
    let quality = parameters(element).find_map(|(key, value)| (key == "q").then(|| value.parse().ok()));
    (name, quality.map_or(1.0, |quality: Option<f32>| quality.unwrap_or(0.0)))
}

fn parameters(element: &str) -> impl Iterator<Item = (&str, &str)> {
    element.split(';').skip(1).filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        Some((name.trim(), value.trim().trim_matches('"')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Prometheus 2.42 and 3.5 send.
    const PROMETHEUS_2: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const PROMETHEUS_3: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";

    fn negotiated(accept: &str, prefer_text: bool) -> &'static str {
        Format::negotiate(accept, prefer_text).content_type()
    }

    #[test]
    fn what_is_wanted_most_is_what_comes() {
        for (accept, expected) in [
            ("", "text/plain; version=0.0.4; charset=utf-8"),
            ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
            ("text/html, application/json;q=0.9", "text/plain; version=0.0.4; charset=utf-8"),
            (PROMETHEUS_2, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
            (
                PROMETHEUS_3,
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            ),
            (
                "text/plain;q=0.9, application/openmetrics-text;q=0.2",
                "text/plain; version=0.0.4; charset=utf-8",
            ),
            (
                "Text/Plain; version=1.0.0; escaping=\"allow-utf-8\"",
                "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            ),
            (
                "text/plain;escaping=allow-utf-8",
                "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            ),
            (
                "text/plain;version=1.0.0;escaping=dots",
                "text/plain; version=1.0.0; charset=utf-8; escaping=underscores",
            ),
            (
                "text/plain;version=0.0.4;escaping=allow-utf-8",
                "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
            ),
            ("text/plain;q=0, */*", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
            ("application/*", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
            (
                "application/openmetrics-text;version=2.0.0, text/*;q=0.1",
                "text/plain; version=0.0.4; charset=utf-8",
            ),
        ] {
            assert_eq!(negotiated(accept, false), expected, "{accept}");
        }
    }

    #[test]
    fn a_reader_that_prefers_text_gives_openmetrics_only_to_those_who_take_nothing_else() {
        for (accept, expected) in [
            (PROMETHEUS_2, "text/plain; version=0.0.4; charset=utf-8"),
            (PROMETHEUS_3, "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
            ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ] {
            assert_eq!(negotiated(accept, true), expected, "{accept}");
        }
    }

    #[test]
    fn gzip_is_for_those_who_ask_and_do_not_want_something_else_more() {
        for asks in ["gzip", "deflate, GZIP;q=0.5", "*", "gzip, identity"] {
            assert!(prefers_gzip(asks), "{asks}");
        }
        for does_not in ["", "br", "gzip;q=0", "identity, gzip;q=0.5", "*, gzip;q=0", "gzip;q=x"] {
            assert!(!prefers_gzip(does_not), "{does_not}");
        }
    }
}
