//! A span that has ended.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use super::{SpanContext, SpanLimits};

/// What is fixed about spans of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanDefinition {
    /// Its type in the contract.
    pub id: &'static str,
    /// Its role.
    pub kind: SpanKind,
}

/// The role of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// Within the process.
    Internal,
    /// Of a request that was received.
    Server,
    /// Of a request that was sent.
    Client,
}

/// Takes spans that have ended.
pub trait SpanSink: Send + Sync {
    /// Takes one. It must not wait.
    fn ended(&self, span: &Arc<SpanData>);
}

/// A span that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanData {
    /// What it is.
    pub definition: &'static SpanDefinition,
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its ids.
    pub context: Arc<SpanContext>,
    /// What it is below.
    pub parent: Option<Arc<SpanContext>>,
    /// When it began.
    pub start: SystemTime,
    /// When it ended; never before it began.
    pub end: SystemTime,
    /// Keys and values.
    pub attributes: Vec<(&'static str, AttributeValue)>,
    /// Attributes that a limit has left out.
    pub dropped_attributes: u32,
    /// Set when its status is an error.
    pub error: Option<Box<str>>,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue {
    /// Text.
    Text(Box<str>),
    /// A whole number.
    Int(i64),
    /// Any number.
    Double(f64),
    /// True or false.
    Bool(bool),
}

/// Collects the attributes of a span, up to the limits.
#[derive(Debug)]
pub struct Attributes<'a> {
    limits: &'a SpanLimits,
    kept: Vec<(&'static str, AttributeValue)>,
    dropped: u32,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(limits: &'a SpanLimits) -> Self {
        Self { limits, kept: Vec::new(), dropped: 0 }
    }

    pub(super) fn finish(self) -> (Vec<(&'static str, AttributeValue)>, u32) {
        (self.kept, self.dropped)
    }

    pub(crate) fn text(&mut self, key: &'static str, value: &str) {
        let end = value.char_indices().map(|(at, _)| at).nth(self.limits.value_length).unwrap_or(value.len());
        self.put(key, || AttributeValue::Text(value[..end].into()));
    }

    pub(crate) fn int(&mut self, key: &'static str, value: i64) {
        self.put(key, || AttributeValue::Int(value));
    }

    fn put(&mut self, key: &'static str, value: impl FnOnce() -> AttributeValue) {
        if self.kept.len() < self.limits.attributes {
            self.kept.push((key, value()));
        } else {
            self.dropped += 1;
        }
    }
}
