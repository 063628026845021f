//! What changes on a page while somebody looks at it. The page is written with these values, and the script asks for
//! them again: both have them from here.

use std::collections::BTreeMap;

use etalon_component::{ComponentId, Outline, Phase, PipelineOutline, Place, Role, Status};
use etalon_telemetry::readings::{ExporterReading, Processor, Who};
use serde::Serialize;

use crate::samples::Window;
use crate::words;

/// Part of a queue from which on it is nearly full.
const NEARLY_FULL: f64 = 0.8;

/// How something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tone {
    #[default]
    Plain,
    Good,
    Warn,
    Bad,
}

/// A value.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Live {
    pub(crate) text: String,
    pub(crate) tone: Tone,
    /// Of something that fills up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) part: Option<f64>,
}

/// By name; a name is that of one thing, wherever on the page it is shown.
pub(crate) type Values = BTreeMap<String, Live>;

/// What the names of a component's values begin with.
pub(crate) fn key(role: Role, id: &ComponentId, signal: &str) -> String {
    format!("{role}/{id}/{signal}")
}

/// All values of the overview.
pub(crate) fn values(status: &Status, outline: &Outline, window: &Window) -> Values {
    let mut page = Page { values: Values::new(), status, window };
    for pipeline in &outline.pipelines {
        pipeline.receivers.iter().for_each(|id| page.receiver(pipeline, id));
        pipeline.processors.iter().for_each(|id| page.processor(pipeline, id));
        pipeline.exporters.iter().for_each(|id| page.exporter(pipeline, id));
    }
    tiles(&mut page.values, status, window);
    page.values
}

/// What is made of the metrics and of the last errors.
struct Page<'a> {
    values: Values,
    status: &'a Status,
    window: &'a Window,
}

/// What a component with numbers is told of.
struct Told {
    /// In a second.
    rate: String,
    total: String,
    /// What is wrong at the moment.
    trouble: (String, Tone),
    failed: (String, Tone),
}

impl Page<'_> {
    fn receiver(&mut self, pipeline: &PipelineOutline, id: &ComponentId) {
        let (signal, window) = (pipeline.signal.name, self.window);
        let who = Who { id: id.to_string(), signal: signal.to_owned() };
        let prefix = key(Role::Receiver, id, signal);
        if let Some(reading) = window.now.receivers.get(&who) {
            let refused = window.receiver_rate(&who, |reading| reading.refused_requests.values().sum());
            let is_bad = refused > 0.0;
            let told = if is_bad { format!("refuses {}", per_second(refused)) } else { String::new() };
            let why = reading.refused_requests.iter().filter(|(_, count)| **count > 0);
            let why: Vec<_> = why.map(|(why, count)| format!("{} {why}", words::count(*count))).collect();
            let why = if why.is_empty() { "none".to_owned() } else { why.join(", ") };
            self.told(
                &prefix,
                Told {
                    rate: per_second(window.receiver_rate(&who, |reading| reading.accepted_items)),
                    total: words::count(reading.accepted_items),
                    trouble: (told, if is_bad { Tone::Bad } else { Tone::Good }),
                    failed: (why, if is_bad { Tone::Bad } else { Tone::Plain }),
                },
            );
        }
        self.error(&prefix, Place { role: Role::Receiver, id: id.clone(), signal: None, pipeline: None });
    }

    fn processor(&mut self, pipeline: &PipelineOutline, id: &ComponentId) {
        let window = self.window;
        let who = Processor { pipeline: pipeline.id.to_string(), id: id.to_string() };
        let prefix = format!("{}/{}", key(Role::Processor, id, pipeline.signal.name), pipeline.id);
        if let Some(reading) = window.now.processors.get(&who) {
            let incoming = window.processor_rate(&who, |reading| reading.incoming_items);
            let outgoing = window.processor_rate(&who, |reading| reading.outgoing_items);
            let held = reading.held_items.map(|items| format!("holds {}", words::count(items)));
            self.told(
                &prefix,
                Told {
                    rate: format!("{} → {}", per_second(incoming), per_second(outgoing)),
                    total: format!(
                        "{} → {}",
                        words::count(reading.incoming_items),
                        words::count(reading.outgoing_items)
                    ),
                    trouble: (held.clone().unwrap_or_default(), Tone::Plain),
                    failed: ("–".to_owned(), Tone::Plain),
                },
            );
            if let Some(held) = held {
                set(&mut self.values, format!("{prefix}/queue"), held, Tone::Plain);
            }
        }
        let pipeline = Some(pipeline.id.clone());
        self.error(&prefix, Place { role: Role::Processor, id: id.clone(), signal: None, pipeline });
    }

    fn exporter(&mut self, pipeline: &PipelineOutline, id: &ComponentId) {
        let (signal, window) = (pipeline.signal.name, self.window);
        let who = Who { id: id.to_string(), signal: signal.to_owned() };
        let prefix = key(Role::Exporter, id, signal);
        if let Some(reading) = window.now.exporters.get(&who) {
            let dropped: u64 = reading.dropped_items.values().sum();
            let dropping = window.exporter_rate(&who, |reading| reading.dropped_items.values().sum());
            let failed = match (reading.failed_items, dropped) {
                (0, 0) => "none".to_owned(),
                (failed, dropped) => {
                    format!("{} given up, {} of them lost", words::count(failed), words::count(dropped))
                }
            };
            self.told(
                &prefix,
                Told {
                    rate: per_second(window.exporter_rate(&who, |reading| reading.sent_items)),
                    total: words::count(reading.sent_items),
                    trouble: trouble(&who, reading, window),
                    failed: (failed, if dropping > 0.0 { Tone::Bad } else { Tone::Plain }),
                },
            );
            queue(&mut self.values, &prefix, reading);
        }
        let signal = Some(signal.to_owned());
        self.error(&prefix, Place { role: Role::Exporter, id: id.clone(), signal, pipeline: None });
    }

    fn told(&mut self, prefix: &str, Told { rate, total, trouble, failed }: Told) {
        let plain = |text| (text, Tone::Plain);
        let all = [("rate", plain(rate)), ("total", plain(total)), ("trouble", trouble), ("failed", failed)];
        for (name, (text, tone)) in all {
            set(&mut self.values, format!("{prefix}/{name}"), text, tone);
        }
    }

    /// The last errors of a component: one severe and one not, of which the latter may be the cause.
    fn error(&mut self, prefix: &str, place: Place) {
        let mut errors = self.status.errors().of(&place).into_iter();
        for (name, without) in [("error", "none"), ("error2", "")] {
            let (text, tone) = match errors.next() {
                Some(error) => {
                    let tone = if error.severe { Tone::Warn } else { Tone::Plain };
                    (format!("{}: {}", words::ago(error.time), error.text), tone)
                }
                None => (without.to_owned(), Tone::Plain),
            };
            set(&mut self.values, format!("{prefix}/{name}"), text, tone);
        }
    }
}

fn set(values: &mut Values, key: String, text: String, tone: Tone) {
    values.insert(key, Live { text, tone, part: None });
}

fn per_second(rate: f64) -> String {
    format!("{}/s", words::rate(rate))
}

/// What is wrong with an exporter at the moment, in a few words.
fn trouble(who: &Who, reading: &ExporterReading, window: &Window) -> (String, Tone) {
    let failing = window.exporter_rate(who, |reading| reading.failed_attempts);
    let succeeding = window.exporter_rate(who, |reading| reading.successful_attempts);
    if window.exporter_rate(who, |reading| reading.dropped_items.values().sum()) > 0.0 {
        ("loses data".to_owned(), Tone::Bad)
    } else if window.exporter_rate(who, |reading| reading.enqueue_failed_items) > 0.0 {
        ("queue is full".to_owned(), Tone::Bad)
    } else if failing > 0.0 && succeeding == 0.0 {
        ("every attempt fails".to_owned(), Tone::Bad)
    } else if failing > 0.0 {
        ("some attempts fail".to_owned(), Tone::Warn)
    } else if reading.in_flight > 0 && succeeding == 0.0 && waits(reading) > 5.0 {
        ("no success lately".to_owned(), Tone::Warn)
    } else {
        (String::new(), Tone::Good)
    }
}

fn waits(reading: &ExporterReading) -> f64 {
    reading.queue.map_or(0.0, |queue| queue.oldest_age)
}

fn queue(values: &mut Values, prefix: &str, reading: &ExporterReading) {
    let Some(queue) = reading.queue else {
        set(values, format!("{prefix}/queue"), "no queue".to_owned(), Tone::Plain);
        return;
    };
    #[expect(clippy::cast_precision_loss, reason = "told to people")]
    let part = if queue.capacity == 0 { 0.0 } else { (queue.size as f64 / queue.capacity as f64).min(1.0) };
    let tone = match part {
        1.0.. => Tone::Bad,
        NEARLY_FULL.. => Tone::Warn,
        _ => Tone::Plain,
    };
    let mut text = format!("{} of {}", words::count(queue.size), words::count(queue.capacity));
    if queue.requests > 0 {
        let age = std::time::Duration::try_from_secs_f64(queue.oldest_age).unwrap_or_default();
        text = format!("{text}, oldest {}", words::duration(age));
    }
    values.insert(format!("{prefix}/queue"), Live { text, tone, part: Some(part) });
}

fn tiles(values: &mut Values, status: &Status, window: &Window) {
    let (phase, _) = status.phase();
    let told = match phase {
        Phase::Starting => ("Starting", Tone::Warn),
        Phase::Ready => ("Ready", Tone::Good),
        Phase::LameDuck => ("Lame duck", Tone::Warn),
        Phase::Stopping => ("Stopping", Tone::Warn),
    };
    set(values, "phase".to_owned(), told.0.to_owned(), told.1);
    let uptime = status.started().elapsed().unwrap_or_default();
    set(values, "uptime".to_owned(), words::duration(uptime), Tone::Plain);
    let receivers = || window.now.receivers.keys();
    let exporters = || window.now.exporters.keys();
    let accepted: f64 =
        receivers().map(|who| window.receiver_rate(who, |reading| reading.accepted_items)).sum();
    let refused: f64 = receivers()
        .map(|who| window.receiver_rate(who, |reading| reading.refused_requests.values().sum()))
        .sum();
    let sent: f64 = exporters().map(|who| window.exporter_rate(who, |reading| reading.sent_items)).sum();
    let lost: f64 = exporters()
        .map(|who| window.exporter_rate(who, |reading| reading.dropped_items.values().sum()))
        .sum();
    let queued: u64 =
        window.now.exporters.values().filter_map(|reading| reading.queue).map(|queue| queue.items).sum();
    set(values, "accepted".to_owned(), per_second(accepted), Tone::Plain);
    set(values, "sent".to_owned(), per_second(sent), Tone::Plain);
    set(
        values,
        "refused".to_owned(),
        per_second(refused),
        if refused > 0.0 { Tone::Bad } else { Tone::Good },
    );
    set(values, "lost".to_owned(), per_second(lost), if lost > 0.0 { Tone::Bad } else { Tone::Good });
    set(values, "queued".to_owned(), words::count(queued), Tone::Plain);
    set(values, "cpu".to_owned(), format!("{:.0} %", window.cpu() * 100.0), Tone::Plain);
    set(values, "memory".to_owned(), words::bytes(window.now.memory_bytes), Tone::Plain);
}
