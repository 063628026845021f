//! How processes tell one another of their spans: header fields.

use super::{SpanContext, SpanId, TraceId};

/// A form in which spans are told to other processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagator {
    /// `traceparent` and `tracestate`: <https://www.w3.org/TR/trace-context/>.
    TraceContext,
    /// `b3`, or several fields: <https://github.com/openzipkin/b3-propagation>. The several are sent, both are read.
    B3,
}

/// A longer `tracestate` is not passed on, in bytes.
const STATE_BYTES_MAX: usize = 512;

/// The value of a header field, by its name in lower case.
pub(super) type Field<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

impl Propagator {
    /// What the header fields of a request tell.
    pub(super) fn extract(self, field: Field<'_>) -> Option<SpanContext> {
        match self {
            Self::TraceContext => trace_context(field),
            Self::B3 => b3_single(field("b3").unwrap_or_default()).or_else(|| b3_multiple(field)),
        }
    }

    /// Adds the header fields that tell of a span.
    pub(super) fn inject(self, context: &SpanContext, fields: &mut Vec<(&'static str, String)>) {
        let Some((trace_id, span_id)) = context.ids() else { return };
        let sampled = u8::from(context.is_sampled());
        match self {
            Self::TraceContext => {
                fields.push(("traceparent", format!("00-{trace_id}-{span_id}-{sampled:02x}")));
                fields.extend(context.state().map(|state| ("tracestate", state.to_string())));
            }
            Self::B3 => {
                fields.push(("x-b3-traceid", trace_id.to_string()));
                fields.push(("x-b3-spanid", span_id.to_string()));
                fields.push(("x-b3-sampled", sampled.to_string()));
            }
        }
    }
}

fn trace_context(field: Field<'_>) -> Option<SpanContext> {
    let parent = field("traceparent")?.trim();
    let [version, trace_id, span_id, flags] = parts(parent)?;
    let version = hex::<1>(version)?[0];
    // A later version may have more behind the flags.
    let is_complete = if version == 0 { parent.len() == 55 } else { version != 0xff };
    let flags = hex::<1>(flags)?[0];
    if !is_complete || parent.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let state = field("tracestate").filter(|state| !state.is_empty() && state.len() <= STATE_BYTES_MAX);
    let (trace_id, span_id) = (TraceId::new(hex(trace_id)?)?, SpanId::new(hex(span_id)?)?);
    Some(SpanContext::remote(trace_id, span_id, flags & 1 == 1, state))
}

/// The first four parts of a text with dashes.
fn parts(text: &str) -> Option<[&str; 4]> {
    let mut parts = text.splitn(5, '-');
    Some([parts.next()?, parts.next()?, parts.next()?, parts.next()?])
}

fn b3_single(value: &str) -> Option<SpanContext> {
    let mut parts = value.split('-');
    b3(parts.next()?, parts.next()?, parts.next().unwrap_or_default())
}

fn b3_multiple(field: Field<'_>) -> Option<SpanContext> {
    let is_debugged = field("x-b3-flags") == Some("1");
    let sampled = if is_debugged { "d" } else { field("x-b3-sampled").unwrap_or_default() };
    b3(field("x-b3-traceid")?, field("x-b3-spanid")?, sampled)
}

fn b3(trace_id: &str, span_id: &str, sampled: &str) -> Option<SpanContext> {
    let trace_id = match trace_id.len() {
        16 => {
            let mut bytes = [0; 16];
            bytes[8..].copy_from_slice(&hex::<8>(trace_id)?);
            bytes
        }
        _ => hex(trace_id)?,
    };
    let sampled = match sampled {
        "1" | "true" | "d" => true,
        "0" | "false" | "" => false,
        _ => return None,
    };
    Some(SpanContext::remote(TraceId::new(trace_id)?, SpanId::new(hex(span_id)?)?, sampled, None))
}

/// Exactly so many bytes.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(bytes)
}
