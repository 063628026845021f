//! `etalon queue`: what a queue on disk holds.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand, ValueEnum};
use etalon_store::{
    Count, Directory, Inspection, OpenError, SegmentInspection, Verdict, directories, inspect,
};
use serde_json::{Value, json};

/// The subcommands of `queue`.
#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// Tell what queues on disk hold
    Inspect(InspectArgs),
}

/// The arguments of `queue inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etalon queue inspect /var/lib/otelcol/file_storage
                                    All queues of a file_storage
  etalon queue inspect /var/lib/otelcol/file_storage/exporter_otlp_grpc__traces --format json
                                    One of them, to process

Nothing is changed, and a collector that uses the queue is not disturbed.")]
pub(crate) struct InspectArgs {
    /// The folder of a queue, or the one that holds several
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// To read
    Text,
    /// To process
    Json,
}

/// A folder cannot be inspected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueError {
    #[error("cannot read the folder {path}")]
    Folder { path: PathBuf, source: io::Error },
    #[error("{path} is no folder of a queue, and has none in it")]
    NoQueue { path: PathBuf },
    #[error("cannot inspect the queue in {path}")]
    Inspect { path: PathBuf, source: OpenError },
}

/// The text to print.
pub(crate) fn run(command: &QueueCommand) -> Result<String, QueueError> {
    let QueueCommand::Inspect(InspectArgs { directory, format }) = command;
    let mut inspected = Vec::new();
    for path in queues(directory)? {
        let folder = |source| QueueError::Folder { path: path.clone(), source };
        let found = inspect(&Directory::open(&path).map_err(folder)?);
        let found = found.map_err(|source| QueueError::Inspect { path: path.clone(), source })?;
        inspected.push((path, found));
    }
    Ok(match format {
        Format::Text => {
            inspected.iter().map(|(path, found)| text(path, found)).collect::<Vec<_>>().join("\n")
        }
        Format::Json => {
            let all: Vec<Value> = inspected.iter().map(|(path, found)| as_json(path, found)).collect();
            format!("{:#}\n", Value::from(all))
        }
    })
}

/// The folder itself, if it is one of a queue; else those in it that are, by name.
fn queues(directory: &Path) -> Result<Vec<PathBuf>, QueueError> {
    let failed = |source| QueueError::Folder { path: directory.to_owned(), source };
    let queues = directories(directory).map_err(failed)?;
    if queues.is_empty() {
        return Err(QueueError::NoQueue { path: directory.to_owned() });
    }
    Ok(queues)
}

fn text(path: &Path, found: &Inspection) -> String {
    let mut text = format!("{}{}\n", path.display(), if found.in_use { " (in use)" } else { "" });
    let Count { requests, items } = found.waiting();
    let oldest = found.segments.iter().filter_map(|segment| segment.oldest).min();
    let oldest = oldest.map(|oldest| format!(", the oldest for {}", age(oldest))).unwrap_or_default();
    // Writing to a String cannot fail.
    writeln!(text, "  waiting    {requests} requests, {items} items{oldest}").ok();
    match &found.checkpoint {
        None => writeln!(text, "  settled    not known: the progress files are damaged or missing").ok(),
        Some(totals) => {
            let delivered = totals.settled(Verdict::Delivered).items;
            writeln!(text, "  delivered  {delivered} items up to the last checkpoint").ok()
        }
    };
    for SegmentInspection { file, bytes, requests, items, queued_requests, .. } in &found.segments {
        writeln!(
            text,
            "  {file}  {bytes} bytes, {requests} requests, {items} items, {queued_requests} requests waiting"
        )
        .ok();
    }
    let damaged: u64 = found.segments.iter().map(|segment| segment.damaged_requests).sum();
    if damaged > 0 {
        writeln!(text, "  damaged    {damaged} requests").ok();
    }
    text
}

fn as_json(path: &Path, found: &Inspection) -> Value {
    let segment = |segment: &SegmentInspection| {
        json!({
            "file": segment.file,
            "bytes": segment.bytes,
            "sealed": segment.is_sealed,
            "requests": segment.requests,
            "items": segment.items,
            "waiting_requests": segment.queued_requests,
            "waiting_items": segment.queued_items,
            "oldest_unix_ms": segment.oldest,
            "damaged_requests": segment.damaged_requests,
            "torn_bytes": segment.torn_bytes,
        })
    };
    let Count { requests, items } = found.waiting();
    json!({
        "directory": path.display().to_string(),
        "in_use": found.in_use,
        "waiting_requests": requests,
        "waiting_items": items,
        "segments": found.segments.iter().map(segment).collect::<Vec<_>>(),
    })
}

/// How long ago that was, in whole seconds.
fn age(unix_milliseconds: u64) -> etalon_conf::Duration {
    #[expect(clippy::disallowed_methods, reason = "told to people, no decision depends on it")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let age = now.saturating_sub(Duration::from_millis(unix_milliseconds));
    Duration::from_secs(age.as_secs()).into()
}
