//! Requests as text for people, in the layout of the Go collector's debug exporter.
//!
//! A [`TextForm`] says how the requests of one signal are shown; a [`crate::SignalSpec`] refers to
//! its own. What the stable signals have is in one file per signal; everything else here knows none.
//! This is not the hot path: the two long forms decode the request into objects.

mod detailed;
mod go;
mod logs;
mod metrics;
mod metrics_detailed;
mod metrics_normal;
mod normal;
mod traces;
mod value;

pub(crate) use logs::LOGS;
pub(crate) use metrics::METRICS;
pub(crate) use traces::TRACES;

use crate::Utf8Policy;
use crate::scan::scan_message;
use crate::table::Message;
use crate::wire::{Fields, Wire};

/// How requests of a signal are shown.
#[derive(Debug)]
pub struct TextForm {
    /// Title of the line about a request: `Traces`.
    pub title: &'static str,
    /// What that line counts, in this order, before the items.
    pub counts: &'static [Count],
    /// What that line calls the items: `data points`.
    pub items: &'static str,
    /// A line per item, for a request in protobuf.
    pub normal: fn(&[u8]) -> Result<String, TextError>,
    /// Every field of a request in protobuf.
    pub detailed: fn(&[u8]) -> Result<String, TextError>,
}

/// Something that a request holds a number of.
#[derive(Debug)]
pub struct Count {
    /// What it is called: `resource spans`.
    pub name: &'static str,
    /// Field numbers that lead from the request to the messages that are counted.
    pub path: &'static [u32],
}

/// A request that cannot be shown, as it is not a valid one.
#[derive(Debug, thiserror::Error)]
#[error("the request cannot be shown as text")]
pub struct TextError(#[source] prost::DecodeError);

impl Count {
    /// Counts in a request, or a piece of one, in protobuf.
    pub fn of(&self, request: &[u8]) -> usize {
        count(self.path, request)
    }
}

fn count(path: &[u32], message: &[u8]) -> usize {
    let Some((&first, rest)) = path.split_first() else { return 1 };
    let mut found = 0;
    let mut fields = Fields::new(message);
    // What is not protobuf ends the walk; there is none in a request that has been validated.
    while let Ok(Some((number, wire))) = fields.next() {
        if let Wire::Length(content) = wire
            && number == first
        {
            found += count(rest, content);
        }
    }
    found
}

/// Decodes a request. Text that was let pass although it is not UTF-8 is shown repaired.
fn objects<M: prost::Message + Default>(table: &'static Message, request: &[u8]) -> Result<M, TextError> {
    M::decode(request).or_else(|error| {
        let mut repaired = request.to_vec();
        match scan_message(table, &mut repaired, Utf8Policy::Repair) {
            Ok(_) => M::decode(repaired.as_slice()).map_err(TextError),
            Err(_) => Err(TextError(error)),
        }
    })
}

#[cfg(test)]
mod tests;
