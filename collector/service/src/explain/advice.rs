//! What is unwise about a configuration, and what to change.

use std::path::Path;
use std::time::Duration as StdDuration;

use etalon_component::{
    Acknowledges, ComponentId, Delivers, Destination, Listener, Purpose, Queue, Reach, Storage, Unit,
};
use etalon_conf::Duration;
use serde::Serialize;

use super::{Budget, Known, Machine, Subject, bytes};
use crate::config::Pipeline;

/// One thing that is unwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// How bad it is.
    pub severity: Severity,
    /// Stable, for programs.
    pub id: &'static str,
    /// The key that it is about.
    pub key: String,
    /// What is so, and why that is unwise.
    pub text: String,
    /// What to change.
    pub change: String,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Data may be lost, or the process may end, in a failure that is to be expected.
    Warning,
    /// Something does not hold that people rely on.
    Danger,
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Danger => "danger",
        })
    }
}

/// SDKs wait so long for an answer, where nobody has told them otherwise.
const SENDER_TIMEOUT: StdDuration = StdDuration::from_secs(10);

/// All of it, the worst first.
pub(super) fn advice(subject: &Subject<'_>, memory: &Budget, machine: Machine<'_>) -> Vec<Advice> {
    let mut all = Vec::new();
    for known in subject.all() {
        listeners(known, &mut all);
    }
    for known in &subject.exporters {
        exporter(subject, known, machine, &mut all);
    }
    for known in &subject.extensions {
        storage(subject, known, machine, &mut all);
    }
    for (pipeline, processors) in &subject.processors {
        memory_limiter(subject, pipeline, processors, &mut all);
        several(subject, pipeline, &mut all);
    }
    machine_memory(memory, machine, &mut all);
    unused(subject, &mut all);
    // The signals of an exporter have most things in common.
    let mut seen: Vec<Advice> = Vec::new();
    for one in all {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen.sort_by_key(|one| std::cmp::Reverse(one.severity));
    seen
}

fn listeners(known: &Known<'_>, all: &mut Vec<Advice>) {
    for Listener { key, endpoint, reach, is_encrypted, is_authenticated, .. } in &known.facts.listeners {
        if *reach == Reach::Everywhere && !is_authenticated {
            all.push(Advice {
                severity: Severity::Warning,
                id: "listens-on-all-addresses",
                key: known.key(&format!("{key}::endpoint")),
                text: format!("{endpoint} can be reached at every address of this machine, by anybody."),
                change: "name the address of one network, or set `auth`".to_owned(),
            });
        }
        if *reach != Reach::Local && !is_encrypted {
            all.push(Advice {
                severity: Severity::Note,
                id: "plaintext-listener",
                key: known.key(&format!("{key}::tls")),
                text: format!("What is sent to {endpoint} can be read and changed on its way."),
                change: "set `tls`, unless something in front does it".to_owned(),
            });
        }
    }
}

fn exporter(subject: &Subject<'_>, known: &Known<'_>, machine: Machine<'_>, all: &mut Vec<Advice>) {
    match known.facts.purpose {
        Purpose::Production => {}
        Purpose::Looking => all.push(Advice {
            severity: Severity::Note,
            id: "exporter-for-looking",
            key: known.key(""),
            text: "It shows data and keeps none of it, and costs more than sending does.".to_owned(),
            change: "remove it when you have seen enough".to_owned(),
        }),
        Purpose::Discarding => all.push(Advice {
            severity: Severity::Note,
            id: "exporter-discards",
            key: known.key(""),
            text: "It says OK to all data, and throws it away.".to_owned(),
            change: "use it in tests only".to_owned(),
        }),
    }
    if let Some(destination) = &known.facts.destination {
        transport(known, destination, all);
        if let Some(delivers) = &known.facts.delivers {
            retries(known, delivers, all);
            waits(known, delivers, all);
        }
    }
    if let Some(queue) = known.facts.delivers.as_ref().and_then(|delivers| delivers.queue.as_ref()) {
        queue_size(subject, known, queue, machine, all);
    }
}

fn transport(known: &Known<'_>, destination: &Destination, all: &mut Vec<Advice>) {
    let Destination { endpoint, reach, is_encrypted, is_verified, .. } = destination;
    if !is_encrypted && *reach != Reach::Local {
        all.push(Advice {
            severity: Severity::Danger,
            id: "plaintext-to-remote",
            key: known.key(""),
            text: format!("Data and credentials go to {endpoint} as plaintext: whoever is on the way reads and changes them."),
            change: "use TLS: `https://`, or without `tls.insecure`".to_owned(),
        });
    }
    if *is_encrypted && !is_verified {
        all.push(Advice {
            severity: Severity::Danger,
            id: "tls-not-verified",
            key: known.key("tls::insecure_skip_verify"),
            text: format!("Whoever answers in the place of {endpoint} gets the data, and the credentials."),
            change: "remove it, and name the authority in `tls.ca_file`".to_owned(),
        });
    }
}

fn retries(known: &Known<'_>, delivers: &Delivers, all: &mut Vec<Advice>) {
    let is_acknowledged = known.facts.acknowledges != Acknowledges::Behind;
    match delivers.retries {
        None => all.push(Advice {
            severity: if is_acknowledged { Severity::Warning } else { Severity::Note },
            id: "retries-off",
            key: known.key("retry_on_failure::enabled"),
            text: if is_acknowledged {
                "A destination that is away for a moment costs all data of that moment.".to_owned()
            } else {
                "A destination that is away for a moment is told to senders at once, and they must try again."
                    .to_owned()
            },
            change: "remove `enabled: false`".to_owned(),
        }),
        Some(retries) => {
            if let Some(patience) = retries.patience.filter(|_| is_acknowledged) {
                all.push(Advice {
                    severity: Severity::Warning,
                    id: "retries-end",
                    key: known.key("retry_on_failure::max_elapsed_time"),
                    text: format!(
                        "What the destination does not take within {} is dropped, although its sender was told OK.",
                        Duration::from(patience)
                    ),
                    change: "set it to 0: then the queue fills, and senders are told to try again".to_owned(),
                });
            }
        }
    }
    if delivers.timeout.is_none() {
        all.push(Advice {
            severity: Severity::Warning,
            id: "no-timeout",
            key: known.key("timeout"),
            text: "A destination that takes a request and does not answer is waited for without end."
                .to_owned(),
            change: "set `timeout`".to_owned(),
        });
    }
}

/// Where senders wait for the destination.
fn waits(known: &Known<'_>, delivers: &Delivers, all: &mut Vec<Advice>) {
    let Some(retries) = delivers.retries.filter(|_| known.facts.acknowledges == Acknowledges::Behind) else {
        return;
    };
    if retries.patience.is_none_or(|patience| patience > SENDER_TIMEOUT) {
        let patience = retries
            .patience
            .map_or("without end".to_owned(), |patience| format!("for {}", Duration::from(patience)));
        all.push(Advice {
            severity: Severity::Warning,
            id: "waits-longer-than-senders",
            key: known.key("retry_on_failure::max_elapsed_time"),
            text: format!(
                "Senders wait while attempts are repeated {patience}. SDKs give up after {}, and send again what may be delivered yet: duplicates.",
                Duration::from(SENDER_TIMEOUT)
            ),
            change: format!("make it less than the timeout of your senders, or let them wait for no more than a queue: {QUEUE}"),
        });
    }
}

const QUEUE: &str = "`sending_queue`, with `storage` to be safe";

fn queue_size(
    subject: &Subject<'_>,
    known: &Known<'_>,
    queue: &Queue,
    machine: Machine<'_>,
    all: &mut Vec<Advice>,
) {
    if queue.unit == Unit::Requests && queue.size < queue.consumers {
        all.push(Advice {
            severity: Severity::Note,
            id: "queue-smaller-than-consumers",
            key: known.key("sending_queue::queue_size"),
            text: format!(
                "The queue counts requests on their way too: of {} consumers, {} never have anything to do.",
                queue.consumers,
                queue.consumers - queue.size
            ),
            change: "make it larger than `num_consumers`".to_owned(),
        });
    }
    if queue.storage.is_some() {
        return;
    }
    if queue.blocks {
        all.push(Advice {
            severity: Severity::Note,
            id: "blocked-senders",
            key: known.key("sending_queue::block_on_overflow"),
            text:
                "While the queue is full, each sender that waits has its request in memory beside the queue."
                    .to_owned(),
            change: "remove it: senders are then told to try again".to_owned(),
        });
    }
    let is_limited = subject.config.pipelines.iter().all(|pipeline| subject.is_limited(pipeline));
    let most = super::budget::queue_bytes(subject, known).filter(|_| !is_limited);
    let Some(most) = most else { return };
    if let Some(memory) = machine.memory.filter(|memory| most > *memory) {
        all.push(Advice {
            severity: Severity::Warning,
            id: "queue-larger-than-memory",
            key: known.key("sending_queue::queue_size"),
            text: format!(
                "A full queue may hold {}, and there are {} of memory: an outage of the destination may end the process, and the queue with it.",
                bytes(most),
                bytes(memory)
            ),
            change: "set `sizer: bytes`, and `queue_size` to the bytes that it may have; or set `storage`".to_owned(),
        });
    }
}

fn storage(subject: &Subject<'_>, known: &Known<'_>, machine: Machine<'_>, all: &mut Vec<Advice>) {
    let Some(Storage { directory, queue_bytes, .. }) = &known.facts.storage else { return };
    let uses = |delivers: &Delivers| {
        delivers.queue.as_ref().and_then(|queue| queue.storage.as_ref()) == Some(known.id)
    };
    let users = subject.exporters.iter().filter(|user| user.facts.delivers.as_ref().is_some_and(uses));
    let queues = users.count() as u64;
    if queues == 0 {
        all.push(Advice {
            severity: Severity::Warning,
            id: "storage-unused",
            key: known.key(""),
            text: "No exporter keeps its queue there: all queues are in memory.".to_owned(),
            change: format!("write `storage: {}` in a `sending_queue`", known.id),
        });
    }
    if *queue_bytes == u64::MAX {
        all.push(Advice {
            severity: Severity::Warning,
            id: "storage-without-limit",
            key: known.key("max_size"),
            text: "A queue may fill the disk, with all that others need it for.".to_owned(),
            change: "set it to the bytes that each queue may take".to_owned(),
        });
    }
    if let Some(found) = (machine.file_system)(directory) {
        on_file_system(known, directory, (*queue_bytes, queues), found, all);
    }
}

fn on_file_system(
    known: &Known<'_>,
    directory: &Path,
    (queue_bytes, queues): (u64, u64),
    found: super::FileSystem,
    all: &mut Vec<Advice>,
) {
    let directory = directory.display();
    if found.is_in_memory {
        all.push(Advice {
            severity: Severity::Danger,
            id: "storage-in-memory",
            key: known.key("directory"),
            text: format!("{directory} is in a file system in memory: OK does not mean what it says, and a power cut takes all."),
            change: "name a folder on a disk".to_owned(),
        });
    }
    let most = queue_bytes.saturating_mul(queues);
    if queue_bytes != u64::MAX && most > found.bytes {
        all.push(Advice {
            severity: Severity::Warning,
            id: "storage-larger-than-disk",
            key: known.key("max_size"),
            text: format!(
                "{queues} queues of {} may take {}, and the file system of {directory} has {}.",
                bytes(queue_bytes),
                bytes(most),
                bytes(found.bytes)
            ),
            change: "make it smaller, or the disk larger".to_owned(),
        });
    }
}

/// A limit on memory is of use in front of everything else.
fn memory_limiter(
    subject: &Subject<'_>,
    pipeline: &Pipeline,
    processors: &[Known<'_>],
    all: &mut Vec<Advice>,
) {
    let key = format!("service::pipelines::{}::processors", pipeline.id);
    let at = processors.iter().position(|known| known.facts.memory_limit.is_some());
    if let Some(at @ 1..) = at {
        all.push(Advice {
            severity: Severity::Warning,
            id: "memory-limiter-not-first",
            key: key.clone(),
            text: format!(
                "What {} takes in, {} cannot refuse any more.",
                processors[0].id, processors[at].id
            ),
            change: format!("put {} first", processors[at].id),
        });
    }
    if !subject.is_limited(pipeline) {
        all.push(Advice {
            severity: Severity::Warning,
            id: "memory-limiter-missing",
            key,
            text: "Senders can make the process take all memory that there is, and end it.".to_owned(),
            change: "put a memory_limiter first".to_owned(),
        });
    }
}

/// A pipeline with several destinations of which one can refuse on its own.
fn several(subject: &Subject<'_>, pipeline: &Pipeline, all: &mut Vec<Advice>) {
    let reached = subject.reached(pipeline);
    let sends = |known: &&&Known<'_>| known.facts.destination.is_some();
    if reached.iter().filter(sends).count() < 2 {
        return;
    }
    let ids: Vec<String> = reached.iter().map(|known| known.id.to_string()).collect();
    all.push(Advice {
        severity: Severity::Note,
        id: "one-refusal-refuses-all",
        key: format!("service::pipelines::{}::exporters", pipeline.id),
        text: format!(
            "When one of {} takes no data, for its queue is full or its destination says so, senders are told to try again, and the others get the data twice.",
            ids.join(", ")
        ),
        change: "give each a queue that is large enough for an outage".to_owned(),
    });
}

fn machine_memory(memory: &Budget, machine: Machine<'_>, all: &mut Vec<Advice>) {
    let most = memory.bytes.map_or("no limit".to_owned(), bytes);
    if let Some(available) = machine.memory
        && memory.bytes.is_none_or(|most| most > available)
    {
        all.push(Advice {
            severity: Severity::Note,
            id: "memory-not-bounded",
            key: "service".to_owned(),
            text: format!(
                "At worst, data takes more memory than there is ({most}, and there are {}): the sizes below say by what.",
                bytes(available)
            ),
            change: "limit what is the largest part of it".to_owned(),
        });
    }
}

/// What is configured, and not in service.
fn unused(subject: &Subject<'_>, all: &mut Vec<Advice>) {
    let config = subject.config;
    let pipelines = &config.pipelines;
    let extension = |id: &ComponentId| config.started_extensions.contains(id);
    let receiver = |id: &ComponentId| pipelines.iter().any(|pipeline| pipeline.receivers.contains(id));
    let processor = |id: &ComponentId| pipelines.iter().any(|pipeline| pipeline.processors.contains(id));
    let exporter = |id: &ComponentId| pipelines.iter().any(|pipeline| pipeline.exporters.contains(id));
    let sections: [(&str, _, &dyn Fn(&ComponentId) -> bool); 5] = [
        ("receivers", &config.receivers, &receiver),
        ("processors", &config.processors, &processor),
        ("exporters", &config.exporters, &exporter),
        ("connectors", &config.connectors, &exporter),
        ("extensions", &config.extensions, &extension),
    ];
    for (section, entries, is_used) in sections {
        for id in entries.keys().filter(|id| !is_used(id)) {
            all.push(Advice {
                severity: Severity::Note,
                id: "unused",
                key: format!("{section}::{id}"),
                text: "It is configured, and not in service.".to_owned(),
                change: "name it in `service`, or remove it".to_owned(),
            });
        }
    }
}
