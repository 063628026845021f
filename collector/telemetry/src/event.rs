//! The lines of the collector's own log: each is an event that `telemetry-schema/` declares.
//!
//! [`tell!`](crate::tell) writes one, `tell!(ReceiverTlsUnexpected { peer: &peer })`, for the event
//! `receiver.tls.unexpected`, which [`events`] has as a type: its fields are those of the line, and
//! what else the message has in it. A field that is missing, unknown or of another type does not compile. Nothing is
//! evaluated for a line that nobody wants.
//!
//! It is an event of `tracing` whose metadata has the name of the event for its name and the place of the call for
//! its place. The name is a field, too: [`NAME_FIELD`].

use std::fmt;

pub use etalon_conf::Causes;
use tracing::callsite::{Callsite, DefaultCallsite, Identifier};
use tracing::field::{DisplayValue, FieldSet, Value, display};
use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing::{Level, Metadata, dispatcher, metadata};

use crate::definition::Stability;
use crate::generated::events;

/// The field of a line that has the name of the event.
pub const NAME_FIELD: &str = "event.name";

/// What the contract declares of an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventDefinition {
    /// The value of `event.name`.
    pub name: &'static str,
    /// What has happened, in a sentence.
    pub brief: &'static str,
    /// Severity of the line.
    pub level: Level,
    /// Whether the sampling of lines may leave it out.
    pub sampled: bool,
    /// How much may be relied on it.
    pub stability: Stability,
    /// Names of the fields in the order in which they are recorded, `message` and [`NAME_FIELD`] first.
    pub fields: &'static [&'static str],
}

/// What the contract declares of the event of this name.
pub fn definition(name: &str) -> Option<&'static EventDefinition> {
    let index = events::ALL.binary_search_by(|known| known.name.cmp(name)).ok()?;
    Some(events::ALL[index])
}

/// Text of a field: anything that can be shown.
pub type Text<'a> = &'a dyn fmt::Display;

/// A whole number in a field, of as many bits as OTLP has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole(i64);

/// An event of the contract, with its fields.
pub trait Declared {
    /// Hands over the values of its fields, in the order of the definition.
    fn record(&self, record: &mut dyn FnMut(&[Option<&dyn Value>]));
}

/// Writes a declared event to the log: its type in [`events`](crate::events), and its fields.
#[macro_export]
macro_rules! tell {
    ($event:ident) => { $crate::tell!($event {}) };
    ($event:ident { $($fields:tt)* }) => {{
        static CALLSITE: $crate::event::Site = $crate::event::Site::new(&METADATA);
        static METADATA: $crate::event::SiteMetadata = $crate::event::site_metadata(
            $crate::events::$event::DEFINITION,
            (module_path!(), file!(), line!()),
            &CALLSITE,
        );
        if $crate::event::is_wanted(&CALLSITE, &METADATA) {
            $crate::event::write(&METADATA, &$crate::events::$event { $($fields)* });
        }
    }};
}

#[doc(hidden)]
pub type Site = DefaultCallsite;

#[doc(hidden)]
pub type SiteMetadata = Metadata<'static>;

/// What `tracing` is to know of a place that tells an event, given its module, file and line.
#[doc(hidden)]
pub const fn site_metadata(
    event: &'static EventDefinition,
    (module, file, line): (&'static str, &'static str, u32),
    site: &'static dyn Callsite,
) -> Metadata<'static> {
    let fields = FieldSet::new(event.fields, Identifier(site));
    let kind = metadata::Kind::EVENT;
    Metadata::new(event.name, module, event.level, Some(file), Some(line), Some(module), fields, kind)
}

/// Whether anybody reads it. Costs two comparisons when its level is not written.
#[doc(hidden)]
#[inline]
pub fn is_wanted(site: &'static Site, metadata: &'static SiteMetadata) -> bool {
    let level = *metadata.level();
    if level > STATIC_MAX_LEVEL || level > LevelFilter::current() {
        return false;
    }
    let interest = site.interest();
    !interest.is_never()
        && (interest.is_always() || dispatcher::get_default(|current| current.enabled(metadata)))
}

#[doc(hidden)]
pub fn write(metadata: &'static SiteMetadata, event: &impl Declared) {
    event.record(&mut |values| tracing::Event::dispatch(metadata, &metadata.fields().value_set_all(values)));
}

/// Text as a value that may be there.
pub(crate) fn shown(text: Option<Text<'_>>) -> Option<DisplayValue<Text<'_>>> {
    text.map(display)
}

/// What may be there, as `tracing` wants it.
pub(crate) fn value<T: Value>(value: Option<&T>) -> Option<&dyn Value> {
    value.map(|value| value as &dyn Value)
}

impl Whole {
    pub(crate) const fn get(self) -> i64 {
        self.0
    }
}

impl From<i64> for Whole {
    fn from(number: i64) -> Self {
        Self(number)
    }
}

impl From<u64> for Whole {
    fn from(number: u64) -> Self {
        Self(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Whole {
    fn from(number: usize) -> Self {
        Self(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests;
