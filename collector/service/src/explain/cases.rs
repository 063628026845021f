//! The table: which failure costs what, in each mode.
//!
//! `etalon explain` says it of a configuration, the book shows it, and `tests/tests/failures` runs it.

use super::failures::{Answer, Cell, Effect, Failure, Lost, Proof};

use Cell::{Costs, Never};

const REFUSED: &str = "etalon_receiver_refused_requests";
const ENQUEUE_FAILED: &str = "otelcol_exporter_enqueue_failed_…";
const EXHAUSTED: &str = "etalon_exporter_dropped_items{drop_reason=\"retries_exhausted\"}";
const REJECTED: &str = "etalon_exporter_dropped_items{drop_reason=\"rejected\"}";
const PARTIAL: &str = "etalon_exporter_dropped_items{drop_reason=\"partial_success\"}";
const TOO_LARGE: &str = "etalon_exporter_dropped_items{drop_reason=\"too_large\"}";
const DAMAGED: &str = "etalon_exporter_dropped_items{drop_reason=\"damaged\"}";

/// Nothing is lost, and the sender hears nothing of it.
const fn nothing(text: &'static str) -> Effect {
    Effect { lost: Lost::Nothing, answer: Answer::Ok, twice: false, text, shown_by: &[], proof: Proof::Run }
}

/// Nothing is lost, for the sender has it.
const fn refused(text: &'static str) -> Effect {
    Effect { answer: Answer::Retry, shown_by: &[REFUSED], ..nothing(text) }
}

/// It is lost after OK, and counted.
const fn counted(text: &'static str, shown_by: &'static [&'static str]) -> Effect {
    Effect { lost: Lost::Counted, shown_by, ..nothing(text) }
}

/// It is lost, and the sender is told so.
const fn told(text: &'static str) -> Effect {
    Effect { lost: Lost::Told, answer: Answer::Permanent, shown_by: &[REFUSED], ..nothing(text) }
}

const fn twice(effect: Effect) -> Effect {
    Effect { twice: true, ..effect }
}

const fn shown(effect: Effect, shown_by: &'static [&'static str]) -> Effect {
    Effect { shown_by, ..effect }
}

const fn answered(effect: Effect, answer: Answer) -> Effect {
    Effect { answer, ..effect }
}

const fn elsewhere(effect: Effect, why: &'static str) -> Effect {
    Effect { proof: Proof::Elsewhere(why), ..effect }
}

/// The same in all modes.
const fn always(effect: Effect) -> [Cell; 4] {
    [Costs(effect), Costs(effect), Costs(effect), Costs(effect)]
}

/// Where senders wait for the destination, and where they do not.
const fn by_wait(waiting: Effect, queued: Effect) -> [Cell; 4] {
    [Costs(waiting), Costs(waiting), Costs(queued), Costs(queued)]
}

/// As [`by_wait`], with the two kinds of queue apart.
const fn by_queue(waiting: Effect, memory: Effect, storage: Effect) -> [Cell; 4] {
    [Costs(waiting), Costs(waiting), Costs(memory), Costs(storage)]
}

const fn only_storage(effect: Effect) -> [Cell; 4] {
    const NO_DISK: Cell = Never("It uses no disk.");
    [NO_DISK, NO_DISK, NO_DISK, Costs(effect)]
}

const MAY_REPEAT: Effect =
    twice(nothing("Nothing. The request is sent again, and what had arrived arrives twice."));

const QUEUE_FULL: Effect = shown(
    refused("Nothing. Senders are told to try again after 1 to 5 seconds."),
    &[ENQUEUE_FAILED, "etalon_receiver_refused_requests{refusal_reason=\"queue_full\"}"],
);

/// With `block_on_overflow`.
pub(super) const QUEUE_FULL_AND_BLOCKS: Effect =
    nothing("Nothing. Senders wait until there is room; those who wait no longer still have their data.");

/// With `bisect_rejected`.
pub(super) const BISECTED_WHILE_SENDERS_WAIT: Effect = shown(
    answered(
        told("That item. The rest is sent in halves, and its sender is told how many were lost."),
        Answer::Partial,
    ),
    &["otelcol_exporter_send_failed_…"],
);
/// The same where senders do not wait.
pub(super) const BISECTED: Effect = counted("That item. The rest is sent in halves.", &[REJECTED]);

const KILLED_WHILE_SENDERS_WAIT: Effect = twice(answered(
    nothing(
        "Nothing that was acknowledged. Connections break, senders try again, and what had arrived arrives twice.",
    ),
    Answer::Broken,
));
const KILLED_WITH_QUEUE_IN_MEMORY: Effect = Effect {
    lost: Lost::Uncounted,
    ..nothing("All that waits and is on its way, {size} at most. Nobody counts it.")
};
const KILLED_WITH_QUEUE_ON_DISK: Effect = twice(shown(
    nothing(
        "Nothing. It is sent after the next start; what was on its way, {consumers} at most, may arrive twice.",
    ),
    &["queue.restored", "etalon_exporter_restored_items"],
));
const APPLIED: &[&str] = &["etalon_config_reloads{result=\"applied\"}"];
const CUT: &str = "To the data in memory, a power cut does the same as kill -9.";

/// All failures, in the order in which people are told of them.
pub const FAILURES: &[Failure] = &[
    Failure {
        id: "destination_down",
        title: "The destination is down, or refuses for now, for less than {patience}",
        cells: by_wait(
            nothing(
                "Nothing. Senders wait while attempts are repeated; those who wait no longer still have their data.",
            ),
            shown(
                nothing("Nothing. It waits in the queue."),
                &["exporter.retry", "otelcol_exporter_queue_size"],
            ),
        ),
    },
    Failure {
        id: "destination_down_longer",
        title: "The destination is down, or refuses for now, for longer than {patience}",
        cells: by_wait(
            refused("Nothing. Senders are told to try again."),
            counted(
                "What was tried for so long. It is dropped, and counted.",
                &[EXHAUSTED, "data.drop.started"],
            ),
        ),
    },
    Failure {
        id: "no_answer",
        title: "The destination takes a request, and does not answer within `timeout`",
        cells: always(MAY_REPEAT),
    },
    Failure {
        id: "connection_breaks",
        title: "The connection breaks before the destination has answered",
        cells: always(MAY_REPEAT),
    },
    Failure {
        id: "queue_full",
        title: "The queue is full",
        cells: [
            Never("There is no queue: senders wait for the destination."),
            Costs(QUEUE_FULL),
            Costs(QUEUE_FULL),
            Costs(QUEUE_FULL),
        ],
    },
    Failure {
        id: "rejected",
        title: "The destination refuses a request for good",
        cells: by_wait(
            told("That request. Its sender is told never to send it again."),
            counted("That request. It is dropped, and counted.", &[REJECTED, "data.drop.started"]),
        ),
    },
    Failure {
        id: "poison",
        title: "The destination refuses a request for good, for one of its items",
        cells: by_wait(
            told(
                "All of that request. Its sender is told never to send it again; with `bisect_rejected`, only that item is lost.",
            ),
            counted(
                "All of that request, or of its batch; with `bisect_rejected`, only that item.",
                &[REJECTED, "data.drop.started"],
            ),
        ),
    },
    Failure {
        id: "credentials",
        title: "The destination does not accept the credentials",
        cells: by_wait(
            told("All, as long as that lasts. Senders are told never to send it again."),
            counted(
                "All, as long as that lasts. It is dropped, and counted.",
                &[REJECTED, "data.drop.started"],
            ),
        ),
    },
    Failure {
        id: "partial_success",
        title: "The destination takes a request, and rejects some of its items",
        cells: by_wait(
            shown(
                answered(told("Those items. Their sender is told how many."), Answer::Partial),
                &["etalon_exporter_rejected_items", "exporter.partial_success"],
            ),
            counted("Those items. They are counted.", &[PARTIAL, "exporter.partial_success"]),
        ),
    },
    Failure {
        id: "too_large",
        title: "An item is larger than the destination takes",
        cells: by_wait(
            shown(
                answered(
                    told(
                        "That item. The rest of its request is sent in parts, and its sender is told how many were lost.",
                    ),
                    Answer::Partial,
                ),
                &["exporter.split", "otelcol_exporter_send_failed_…"],
            ),
            counted("That item. The rest of its request is sent in parts.", &["exporter.split", TOO_LARGE]),
        ),
    },
    Failure {
        id: "overload",
        title: "More arrives than there is memory for, and a `memory_limiter` stands in front",
        cells: always(shown(
            refused("Nothing. Senders are told to try again."),
            &["etalon_receiver_refused_requests{refusal_reason=\"memory_limit\"}"],
        )),
    },
    Failure {
        id: "killed",
        title: "The process is killed, by kill -9 or for want of memory, or crashes",
        cells: by_queue(KILLED_WHILE_SENDERS_WAIT, KILLED_WITH_QUEUE_IN_MEMORY, KILLED_WITH_QUEUE_ON_DISK),
    },
    Failure {
        id: "power_loss",
        title: "The power is cut, or the kernel crashes",
        cells: by_queue(
            elsewhere(KILLED_WHILE_SENDERS_WAIT, CUT),
            elsewhere(KILLED_WITH_QUEUE_IN_MEMORY, CUT),
            elsewhere(
                twice(shown(
                    nothing(
                        "Nothing, if the disk keeps what it says it has. What was sent in the last second may arrive twice.",
                    ),
                    &["queue.restored", "queue.torn"],
                )),
                "The tests of the store cut the power of a simulated disk after any call, and lose what was not synced.",
            ),
        ),
    },
    Failure {
        id: "sigterm",
        title: "SIGTERM",
        cells: always(nothing("Nothing. What was taken in is sent first.")),
    },
    Failure {
        id: "sigterm_destination_down",
        title: "SIGTERM while the destination is down",
        cells: by_queue(
            shown(
                answered(
                    nothing(
                        "Nothing. What is not delivered in the time for requests in progress is not answered: connections are closed, and senders try again.",
                    ),
                    Answer::Broken,
                ),
                &["exporter.rejected"],
            ),
            counted(
                "What one more attempt for each request does not deliver in the time for the shutdown. It is dropped, and counted.",
                &["data.drop.started", "exporter.dropped"],
            ),
            shown(nothing("Nothing. It stays on disk, and is sent after the next start."), &["queue.kept"]),
        ),
    },
    Failure {
        id: "reload",
        title: "A reload that changes the exporter",
        cells: by_queue(
            shown(nothing("Nothing. The old exporter finishes what it has."), APPLIED),
            shown(nothing("Nothing. The old exporter sends what it has, for 25 seconds at most."), APPLIED),
            shown(nothing("Nothing. The new exporter goes on with the queue."), APPLIED),
        ),
    },
    Failure {
        id: "reload_invalid",
        title: "A reload with a configuration that is not valid",
        cells: always(shown(
            nothing("Nothing. The running configuration goes on."),
            &["etalon_config_reloads{result=\"refused\"}"],
        )),
    },
    Failure {
        id: "exporter_removed",
        title: "A reload without the exporter while its destination is down",
        cells: by_queue(
            refused("Nothing. Senders that wait are told to try again."),
            counted(
                "What one more attempt for each request does not deliver within 25 seconds. It is dropped, and counted.",
                &["data.drop.started", "exporter.dropped"],
            ),
            shown(
                nothing(
                    "Nothing. It stays on disk until an exporter of this id and signal has the storage again, and is reported.",
                ),
                &["queue.orphaned", "etalon_storage_orphaned_items"],
            ),
        ),
    },
    Failure {
        id: "storage_full",
        title: "The storage has no room for more: `max_size` is reached, or the disk is full",
        cells: only_storage(shown(
            refused(
                "Nothing. Senders are told to try again. What is queued is sent, and gives its room back.",
            ),
            &[ENQUEUE_FAILED],
        )),
    },
    Failure {
        id: "disk_error",
        title: "A write to the disk fails, or a sync",
        cells: only_storage(elsewhere(
            shown(
                refused("Nothing that was acknowledged. Senders are told to try again."),
                &[ENQUEUE_FAILED],
            ),
            "No disk of a test machine fails on demand: the tests of the store let each call to a simulated disk fail.",
        )),
    },
    Failure {
        id: "damage",
        title: "A part of a file of the queue is damaged",
        cells: only_storage(counted(
            "The requests in that part. They are counted, and all others are sent.",
            &[DAMAGED, "queue.damaged"],
        )),
    },
    Failure {
        id: "two_processes",
        title: "A second process is started with the same storage",
        cells: only_storage(nothing("Nothing. The second process does not start.")),
    },
];
