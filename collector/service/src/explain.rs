//! What a configuration promises before it runs: when senders are told OK, what each failure costs, how much memory and
//! disk it can use, and what is unwise about it.
//!
//! All of it is made of what the components say about themselves ([`Facts`]) and of one table of failures
//! ([`FAILURES`]). Nothing is started, and no component is known here.

mod advice;
mod budget;
mod cases;
mod failures;

use std::path::Path;

use etalon_component::{Acknowledges, ComponentId, Factory, Facts, Listener, Unit};
use etalon_conf::Duration;
use etalon_pdata::Signal;
use serde::Serialize;

use crate::config::{CollectorConfig, Entry, Pipeline};
use crate::factories::Factories;
use crate::graph::distinct;

pub use advice::{Advice, Severity};
pub use budget::{Budget, Share};
pub use cases::FAILURES;
pub use failures::{Answer, Cell, Effect, Failure, Lost, Mode, Proof, Row};

/// Version of the form of an [`Explanation`] as JSON. It changes when something that was there goes or means another
/// thing.
const FORMAT: u32 = 1;

/// Everything there is to say about a configuration.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// Version of this form.
    pub format: u32,
    /// The pipelines, by id.
    pub pipelines: Vec<PipelineExplained>,
    /// The exporters that pipelines name, by id and signal.
    pub destinations: Vec<DestinationExplained>,
    /// Memory that data can take.
    pub memory: Budget,
    /// Disk that queues can take.
    pub disk: Budget,
    /// What is unwise, the worst first.
    pub advice: Vec<Advice>,
}

/// One pipeline.
#[derive(Clone, Debug, Serialize)]
pub struct PipelineExplained {
    /// Its id.
    pub id: String,
    /// What it carries.
    pub signal: &'static str,
    /// Where its data comes from.
    pub receivers: Vec<String>,
    /// What looks at it.
    pub processors: Vec<String>,
    /// Where it goes: exporters and connectors.
    pub exporters: Vec<String>,
    /// Exporters that it reaches, through connectors too.
    pub destinations: Vec<String>,
    /// When its senders are told OK.
    pub acknowledged: String,
    /// Whether all that is acknowledged survives the end of the process.
    pub survives_kill: bool,
}

/// One exporter for one signal.
#[derive(Clone, Debug, Serialize)]
pub struct DestinationExplained {
    /// The exporter.
    pub exporter: String,
    /// The signal.
    pub signal: &'static str,
    /// Where it sends to; nothing for one that sends nowhere.
    pub endpoint: Option<String>,
    /// Whether that is over TLS.
    pub is_encrypted: Option<bool>,
    /// How it takes data over; nothing for one that does not say.
    pub mode: Option<Mode>,
    /// When it says that it has taken data over.
    pub acknowledged: String,
    /// Attempts, for people.
    pub attempts: Option<String>,
    /// The queue, for people.
    pub queue: Option<String>,
    /// What each failure costs; empty for one that sends nowhere.
    pub failures: Vec<Row>,
}

/// What is known of the machine that the configuration shall run on.
#[derive(Clone, Copy)]
pub struct Machine<'a> {
    /// Bytes of memory that the process may have, if that is known.
    pub memory: Option<u64>,
    /// The file system of a folder, if that is known.
    pub file_system: &'a dyn Fn(&Path) -> Option<FileSystem>,
}

/// A file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// Whether it is in memory, and ends with the machine.
    pub is_in_memory: bool,
    /// Its bytes, in use or not.
    pub bytes: u64,
}

/// One component of the configuration that is in service.
struct Known<'a> {
    section: &'static str,
    id: &'a ComponentId,
    /// Of an exporter.
    signal: Option<Signal>,
    facts: Facts,
}

/// A configuration, with what its components say.
struct Subject<'a> {
    config: &'a CollectorConfig,
    receivers: Vec<Known<'a>>,
    /// Pipeline by pipeline, in order.
    processors: Vec<(&'a Pipeline, Vec<Known<'a>>)>,
    exporters: Vec<Known<'a>>,
    extensions: Vec<Known<'a>>,
}

impl Explanation {
    /// Explains a valid configuration, of which a collector can be built.
    pub fn of(config: &CollectorConfig, factories: &Factories, machine: Machine<'_>) -> Self {
        let subject = Subject::new(config, factories);
        let memory = budget::memory(&subject, machine);
        let disk = budget::disk(&subject);
        let advice = advice::advice(&subject, &memory, machine);
        Self {
            format: FORMAT,
            pipelines: config.pipelines.iter().map(|pipeline| subject.pipeline(pipeline)).collect(),
            destinations: subject.exporters.iter().map(|known| subject.destination(known)).collect(),
            memory,
            disk,
            advice,
        }
    }
}

impl<'a> Subject<'a> {
    fn new(config: &'a CollectorConfig, factories: &Factories) -> Self {
        let pipelines = &config.pipelines;
        let named = |ids: fn(&Pipeline) -> &[ComponentId]| {
            let mut all: Vec<&ComponentId> = pipelines.iter().flat_map(ids).collect();
            all.sort();
            all.dedup();
            all
        };
        let receivers = named(|pipeline| &pipeline.receivers).into_iter().filter_map(|id| {
            let facts = facts(factories.receiver(id.kind())?, config.receivers.get(id)?, None);
            Some(Known { section: "receivers", id, signal: None, facts })
        });
        let processors = pipelines.iter().map(|pipeline| {
            let of_pipeline = distinct(&pipeline.processors).filter_map(|id| {
                let signal = Some(pipeline.signal);
                let facts = facts(factories.processor(id.kind())?, config.processors.get(id)?, signal);
                Some(Known { section: "processors", id, signal, facts })
            });
            (pipeline, of_pipeline.collect())
        });
        let exporters = named(|pipeline| &pipeline.exporters).into_iter().flat_map(|id| {
            let is_of = |signal: &&Signal| {
                pipelines
                    .iter()
                    .any(|pipeline| pipeline.signal == **signal && pipeline.exporters.contains(id))
            };
            let known = |signal: &Signal| {
                let signal = Some(*signal);
                let facts = facts(factories.exporter(id.kind())?, config.exporters.get(id)?, signal);
                Some(Known { section: "exporters", id, signal, facts })
            };
            factories.signals.iter().filter(is_of).filter_map(known).collect::<Vec<_>>()
        });
        let extensions = distinct(&config.started_extensions).filter_map(|id| {
            let facts = facts(factories.extension(id.kind())?, config.extensions.get(id)?, None);
            Some(Known { section: "extensions", id, signal: None, facts })
        });
        Self {
            config,
            receivers: receivers.collect(),
            processors: processors.collect(),
            exporters: exporters.collect(),
            extensions: extensions.collect(),
        }
    }

    fn pipeline(&self, pipeline: &Pipeline) -> PipelineExplained {
        let destinations = self.reached(pipeline);
        let early = self.early_processor(pipeline);
        let acknowledged = match (early, &destinations[..]) {
            (Some(id), _) => format!("when {id} has the data in memory"),
            (None, [only]) => format!("when {}", taken(only)),
            (None, several) => {
                let each: Vec<String> = several.iter().map(|known| taken(known)).collect();
                format!("when all of this is so: {}", each.join("; "))
            }
        };
        let in_memory = |known: &&Known<'_>| known.facts.acknowledges == Acknowledges::InMemory;
        let survives_kill = early.is_none() && !destinations.iter().any(in_memory);
        let texts = |ids: &[ComponentId]| distinct(ids).map(ToString::to_string).collect();
        PipelineExplained {
            id: pipeline.id.to_string(),
            signal: pipeline.signal.name,
            receivers: texts(&pipeline.receivers),
            processors: texts(&pipeline.processors),
            exporters: texts(&pipeline.exporters),
            destinations: destinations.iter().map(|known| known.id.to_string()).collect(),
            acknowledged,
            survives_kill,
        }
    }

    fn destination(&self, known: &Known<'_>) -> DestinationExplained {
        let Facts { destination, delivers, .. } = &known.facts;
        let delivers = delivers.as_ref().filter(|_| destination.is_some());
        let is_limited = self.config.pipelines.iter().all(|pipeline| {
            !self.reached(pipeline).iter().any(|other| other.id == known.id) || self.is_limited(pipeline)
        });
        DestinationExplained {
            exporter: known.id.to_string(),
            signal: known.signal.map(|signal| signal.name).unwrap_or_default(),
            endpoint: destination.as_ref().map(|destination| destination.endpoint.clone()),
            is_encrypted: destination.as_ref().map(|destination| destination.is_encrypted),
            mode: known.facts.delivers.as_ref().map(Mode::of),
            acknowledged: format!("when {}", taken(known)),
            attempts: delivers.map(attempts),
            queue: known.facts.delivers.as_ref().map(queue),
            failures: delivers.map(|delivers| failures::rows(delivers, is_limited)).unwrap_or_default(),
        }
    }

    /// Whether all that comes into a pipeline is within a limit on memory.
    fn is_limited(&self, pipeline: &Pipeline) -> bool {
        let (_, processors) =
            self.processors.iter().find(|(of, _)| of.id == pipeline.id).expect("every pipeline is there");
        processors.iter().any(|known| known.facts.memory_limit.is_some())
            || distinct(&pipeline.receivers).all(|id| self.is_limited_source(id))
    }

    /// Whether a receiver takes in only what is within a limit, or a connector gets no other data.
    fn is_limited_source(&self, id: &ComponentId) -> bool {
        let is_limiter = |id: &ComponentId| {
            self.extensions.iter().any(|known| known.id == id && known.facts.memory_limit.is_some())
        };
        match self.receivers.iter().find(|known| known.id == id) {
            Some(known) => {
                let takes_data = |listener: &&Listener| listener.intake.is_some();
                known
                    .facts
                    .listeners
                    .iter()
                    .filter(takes_data)
                    .all(|listener| listener.middlewares.iter().any(is_limiter))
            }
            // Connectors lead in no circle.
            None => {
                let leads_here = |pipeline: &&Pipeline| pipeline.exporters.contains(id);
                self.config.pipelines.iter().filter(leads_here).all(|pipeline| self.is_limited(pipeline))
            }
        }
    }

    /// The first processor of a pipeline that acknowledges before what is behind it does.
    fn early_processor(&self, pipeline: &Pipeline) -> Option<&ComponentId> {
        let (_, processors) = self.processors.iter().find(|(of, _)| of.id == pipeline.id)?;
        let early = |known: &&Known<'_>| known.facts.acknowledges == Acknowledges::InMemory;
        processors.iter().find(early).map(|known| known.id)
    }

    /// The exporters that a pipeline leads to, also through connectors, each once.
    fn reached(&self, pipeline: &Pipeline) -> Vec<&Known<'a>> {
        let mut reached: Vec<&Known<'a>> = Vec::new();
        for pipeline in self.led_to(pipeline) {
            for id in distinct(&pipeline.exporters) {
                let is_it = |known: &&Known<'_>| known.id == id && known.signal == Some(pipeline.signal);
                if let Some(known) = self.exporters.iter().find(is_it)
                    && !reached.iter().any(|other| other.id == known.id && other.signal == known.signal)
                {
                    reached.push(known);
                }
            }
        }
        reached
    }

    /// The pipeline, and all that connectors lead to from there.
    fn led_to<'b>(&'b self, pipeline: &'b Pipeline) -> Vec<&'b Pipeline> {
        let mut all = vec![pipeline];
        let mut at = 0;
        while let Some(from) = all.get(at).copied() {
            at += 1;
            let connectors = from.exporters.iter().filter(|id| self.config.connectors.contains_key(*id));
            for connector in connectors {
                for to in self.config.pipelines.iter().filter(|to| to.receivers.contains(connector)) {
                    if !all.iter().any(|known| known.id == to.id) {
                        all.push(to);
                    }
                }
            }
        }
        all
    }
}

impl Known<'_> {
    /// The key of something in its configuration.
    fn key(&self, key: &str) -> String {
        let Self { section, id, .. } = self;
        let key = key.trim_start_matches("::");
        if key.is_empty() { format!("{section}::{id}") } else { format!("{section}::{id}::{key}") }
    }
}

fn facts<C: ?Sized>(factory: &Factory<C>, entry: &Entry, signal: Option<Signal>) -> Facts {
    factory.facts(&entry.config, signal)
}

/// What is so when an exporter has said OK.
fn taken(known: &Known<'_>) -> String {
    let Known { id, facts, .. } = known;
    match (facts.acknowledges, &facts.destination) {
        (Acknowledges::InMemory, _) => format!("{id} has the data in its queue in memory"),
        (Acknowledges::OnStableStorage, _) => format!("{id} has the data on stable storage"),
        (Acknowledges::Behind, Some(_)) => format!("the destination of {id} has the data"),
        (Acknowledges::Behind, None) => format!("{id} is done with the data, which goes no further"),
    }
}

fn attempts(delivers: &etalon_component::Delivers) -> String {
    let each = match delivers.timeout {
        Some(timeout) => format!("{} each at most", Duration::from(timeout)),
        None => "without a time limit".to_owned(),
    };
    match delivers.retries {
        None => format!("one, {each}"),
        Some(retries) => match retries.patience {
            Some(patience) => format!("{each}, repeated for {}", Duration::from(patience)),
            None => format!("{each}, repeated without end"),
        },
    }
}

fn queue(delivers: &etalon_component::Delivers) -> String {
    let Some(queue) = &delivers.queue else { return "none".to_owned() };
    let place = match &queue.storage {
        Some(storage) => format!("on disk, in {storage}"),
        None => "in memory".to_owned(),
    };
    let size = sized(queue.size, queue.unit);
    format!("{size} {place}, {} on their way at once", consumed(queue))
}

/// What consumers have on its way at once, at most.
fn consumed(queue: &etalon_component::Queue) -> String {
    let (one, several) = if queue.batches { ("batch", "batches") } else { ("request", "requests") };
    format!("{} {}", queue.consumers, if queue.consumers == 1 { one } else { several })
}

/// A size of a queue.
fn sized(size: u64, unit: Unit) -> String {
    match unit {
        Unit::Requests => plural(size, "request"),
        Unit::Items => plural(size, "item"),
        Unit::Bytes => bytes(size),
    }
}

fn plural(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Bytes in the largest unit in which they are at least 1, rounded up to a tenth.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return plural(bytes, "byte");
    }
    let mut size = 1024_u64;
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or_default();
    while let Some(next) = size.checked_mul(1024).filter(|next| bytes >= *next) {
        size = next;
        unit = units.next().unwrap_or_default();
    }
    let tenths = (u128::from(bytes) * 10).div_ceil(u128::from(size));
    match tenths % 10 {
        0 => format!("{} {unit}", tenths / 10),
        tenth => format!("{}.{tenth} {unit}", tenths / 10),
    }
}

impl std::fmt::Debug for Machine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").field("memory", &self.memory).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
