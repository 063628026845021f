//! A queue on disk: a segmented log of requests that were acknowledged and are not settled yet.
//!
//! [`Store`] is what a queue uses: [`Store::append`] ends when the request is on stable storage, [`Requests::next`] reads
//! the requests in the order in which they came, [`Store::settle`] says what became of one, or of some of its items. What is
//! not settled comes again after a restart. Every item that was ever accepted is in [`Totals`]: queued, or settled with a
//! [`Verdict`].
//!
//! The format of the files is in `FORMAT.md`. All access to them goes through [`Disk`], so that tests can fail each
//! call, tear writes and cut the power. The store does not know what a request means.

#![allow(
    clippy::cast_possible_truncation,
    reason = "lengths that come from a file are bounded by the file, and those that go into one by its limits"
)]

mod account;
mod disk;
mod error;
mod format;
mod index;
mod inspect;
mod log;
mod parts;
mod progress;
mod reader;
mod recover;
mod segment;
mod settled;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
mod store;
mod totals;
mod upkeep;

pub use disk::{AnyDisk, AnyFile, Directory, Disk, DiskFile, directory};
pub use error::{AppendError, OpenError, ReadError};
pub use index::Noted;
pub use inspect::{Inspection, SegmentInspection, directories, inspect};
pub use log::Limits;
pub use reader::{Entry, Receipt};
pub use recover::Recovered;
pub use store::{Append, Claim, Given, Requests, Store};
pub use totals::{Count, Totals, Verdict};

#[cfg(test)]
mod tests;
