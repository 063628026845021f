//! The collector's own log events: one line each, as text for people or as JSON.
//!
//! Lines have the form that the Go collector's have, so that what reads those reads these: time in
//! ISO 8601 with milliseconds, level in lower case, message, fields. A component's fields come from
//! the span it runs in.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use etalon_component::{ComponentId, LastErrors, Place, Role, Trouble};
use etalon_conf::visible;
use etalon_telemetry::event::{self, Causes};
use etalon_telemetry::iso8601;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, level_filters::LevelFilter, span};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::own::{Record, Tap};

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// `time  level  caller  message  {fields}`, separated by tabs.
    Console,
    /// One JSON object a line.
    Json,
}

/// Thins out floods: per message and `tick`, the first `initial` lines and then every
/// `thereafter`-th are written. Events that the contract declares as not sampled are always written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sampling {
    /// The window.
    pub(crate) tick: Duration,
    /// Lines of one message that are always written in a window.
    pub(crate) initial: u64,
    /// Of the lines after that, one in so many is written; 0 writes none.
    pub(crate) thereafter: u64,
}

/// What is written, how, and to where.
pub(crate) struct Style {
    pub(crate) encoding: Encoding,
    /// The least severe level that is written.
    pub(crate) level: Level,
    pub(crate) sampling: Option<Sampling>,
    /// Whether a line tells the crate, file and line of code that it comes from.
    pub(crate) caller: bool,
    /// Fields that every line carries.
    pub(crate) fields: Map<String, Value>,
    pub(crate) out: Outputs,
    /// Where is told that a line could not be written.
    pub(crate) errors: Outputs,
}

/// Everywhere that lines go.
pub(crate) struct Outputs(pub(crate) Vec<Box<dyn Write + Send>>);

/// The field of the resource.
pub(crate) const RESOURCE: &str = "resource";

/// Messages that sampling tells apart, by hash; those that share a place are thinned out together.
const WINDOWS: usize = 1024;

/// What marks the log lines that sending the collector's own telemetry causes: they are written, and not sent.
const OWN_TELEMETRY: &str = "own_telemetry";

/// What they tell is for developers, whatever they think of it: it has no name in the contract, and what matters of it to
/// operators is told by an event. It is of each frame, and so of those with the collector's own telemetry: it is
/// written at `debug`, and not sent.
const NETWORK_LIBRARIES: [&str; 5] = ["h2", "hyper", "hyper_util", "rustls", "tokio_rustls"];

/// A layer of `tracing-subscriber` that writes lines. Its [`Switch`] changes how while it works.
pub(crate) struct Lines {
    state: Arc<RwLock<State>>,
    /// Where lines are sent to besides.
    tap: Tap,
    /// Where the last error of each component is noted.
    errors: LastErrors,
}

/// The log lines of what runs in it, which has this id, are written, and sent to nobody.
pub(crate) fn own_telemetry_span(id: &str) -> tracing::Span {
    tracing::error_span!("own_telemetry", "otelcol.component.id" = id)
}

/// Changes what [`Lines`] write.
#[derive(Clone)]
pub(crate) struct Switch(Arc<RwLock<State>>);

struct State {
    encoding: Encoding,
    level: Level,
    sampling: Option<Sampling>,
    caller: bool,
    fields: Map<String, Value>,
    windows: Mutex<Vec<Window>>,
    /// Lines that sampling has left out.
    suppressed: Arc<AtomicU64>,
    hasher: RandomState,
    out: Mutex<Outputs>,
    errors: Mutex<Outputs>,
}

/// The lines of one message in the latest window that had any.
#[derive(Clone, Copy, Default)]
struct Window {
    /// When: in ticks since 1970.
    ticks: u128,
    lines: u64,
}

/// The fields of a span, kept with it.
struct SpanFields(Map<String, Value>);

impl Lines {
    pub(crate) fn new(style: Style, tap: Tap, errors: LastErrors) -> (Self, Switch) {
        let state = Arc::new(RwLock::new(State::new(style)));
        (Self { state: state.clone(), tap, errors }, Switch(state))
    }

    fn level(&self) -> Level {
        self.state.read().unwrap_or_else(PoisonError::into_inner).level
    }
}

impl Switch {
    /// Reads how many lines sampling has left out.
    pub(crate) fn suppressed(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let suppressed = self.0.read().unwrap_or_else(PoisonError::into_inner).suppressed.clone();
        move || suppressed.load(Ordering::Relaxed)
    }

    /// From now on, lines are written like this.
    pub(crate) fn set(&self, style: Style) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *state = State { suppressed: state.suppressed.clone(), ..State::new(style) };
        drop(state);
        // What is let through by level has been asked once and remembered.
        tracing::callsite::rebuild_interest_cache();
    }
}

impl State {
    fn new(style: Style) -> Self {
        let Style { encoding, level, sampling, caller, fields, out, errors } = style;
        Self {
            encoding,
            level,
            sampling,
            caller,
            fields,
            windows: Mutex::new(vec![Window::default(); WINDOWS]),
            suppressed: Arc::default(),
            hasher: RandomState::new(),
            out: Mutex::new(out),
            errors: Mutex::new(errors),
        }
    }

    /// Whether sampling lets a line with this message pass.
    fn passes(&self, metadata: &Metadata<'_>, message: &str, now: SystemTime) -> bool {
        let Some(Sampling { tick, initial, thereafter }) = self.sampling else { return true };
        if event::definition(metadata.name()).is_some_and(|event| !event.sampled) {
            return true;
        }
        let level = metadata.level();
        let ticks = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() / tick.as_nanos().max(1);
        let hash = self.hasher.hash_one((level.as_str(), message));
        let key = usize::try_from(hash % WINDOWS as u64).unwrap_or(0);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = &mut windows[key];
        if window.ticks != ticks {
            *window = Window { ticks, lines: 0 };
        }
        window.lines += 1;
        match window.lines.checked_sub(initial) {
            None | Some(0) => true,
            Some(beyond) => thereafter > 0 && beyond.is_multiple_of(thereafter),
        }
    }

    fn line(
        &self,
        now: SystemTime,
        metadata: &Metadata<'_>,
        message: &str,
        fields: Map<String, Value>,
    ) -> String {
        let time = iso8601(now);
        let level = level_of(metadata).as_str().to_ascii_lowercase();
        let caller = self.caller.then(|| caller(metadata)).flatten();
        let mut line = match self.encoding {
            Encoding::Console => {
                let mut line = format!("{time}\t{level}\t");
                if let Some(caller) = caller {
                    line.push_str(&caller);
                    line.push('\t');
                }
                // A message of several lines is one of the debug exporter.
                for (number, part) in message.split('\n').enumerate() {
                    if number > 0 {
                        line.push('\n');
                    }
                    line.push_str(&visible(part));
                }
                if !fields.is_empty() {
                    line.push('\t');
                    line.push_str(&visible(&Value::Object(fields).to_string()));
                }
                line
            }
            Encoding::Json => {
                let mut object = Map::new();
                object.insert("level".to_owned(), level.into());
                object.insert("ts".to_owned(), time.into());
                object.extend(caller.map(|caller| ("caller".to_owned(), caller.into())));
                object.insert("msg".to_owned(), message.into());
                object.extend(fields);
                visible(&Value::Object(object).to_string()).into_owned()
            }
        };
        line.push('\n');
        line
    }

    fn write(&self, now: SystemTime, line: &str) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = out.write_all(line.as_bytes()).and_then(|()| out.flush()) {
            let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
            // There is no better place to report that this cannot be written either.
            writeln!(errors, "{}\twrite error: {error}", iso8601(now)).ok();
        }
    }
}

impl<S> Layer<S> for Lines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        level_of(metadata) <= self.level()
    }

    /// Lets libraries skip what they would tell at lower levels, spans included, at next to no cost.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::from_level(self.level()))
    }

    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let mut fields = Collected::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanFields(fields.fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        #[expect(clippy::disallowed_methods, reason = "the time that a log line tells is wall time")]
        let now = SystemTime::now();
        let mut own = Collected::default();
        event.record(&mut own);
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let level = level_of(event.metadata());
        if !state.passes(event.metadata(), &own.message, now) {
            state.suppressed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut of_line = Map::new();
        let mut is_sent = self.tap.is_open() && !is_of_the_network(event.metadata());
        for span in
            context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            if let Some(SpanFields(of_span)) = span.extensions().get() {
                of_line.extend(of_span.clone());
            }
            is_sent &= span.name() != OWN_TELEMETRY;
        }
        of_line.extend(own.fields);
        if let Some((place, text)) = error_of_component(event.metadata(), &own.message, &of_line) {
            self.errors.note(place, Trouble { time: now, text, severe: level <= Level::WARN });
        }
        if is_sent {
            self.send(&state, now, level, &own.message, &of_line);
        }
        let mut fields = state.fields.clone();
        fields.extend(of_line);
        let line = state.line(now, event.metadata(), &own.message, fields);
        state.write(now, &line);
    }
}

impl Lines {
    /// Sends a line, unless it was logged for a request with the collector's own telemetry.
    fn send(
        &self,
        state: &State,
        time: SystemTime,
        level: Level,
        message: &str,
        of_line: &Map<String, Value>,
    ) {
        let span = etalon_telemetry::current();
        if span.as_ref().is_some_and(|span| span.is_quiet()) {
            return;
        }
        // The resource has a place of its own.
        let every_line = state.fields.iter().filter(|(key, _)| *key != RESOURCE);
        let mut fields: Map<String, Value> =
            every_line.map(|(key, value)| (key.clone(), value.clone())).collect();
        fields.extend(of_line.clone());
        self.tap.record(Record { time, level, message: message.to_owned(), fields, span });
    }
}

/// What a line tells that went wrong with a component; nothing when it tells no such thing.
fn error_of_component(
    metadata: &Metadata<'_>,
    message: &str,
    fields: &Map<String, Value>,
) -> Option<(Place, String)> {
    event::definition(metadata.name())?;
    let error = fields.get("error").and_then(Value::as_str);
    if error.is_none() && *metadata.level() > Level::WARN {
        return None;
    }
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    let role = text("otelcol.component.kind")?;
    let role = Role::ALL.into_iter().find(|known| known.as_str() == role)?;
    let id: ComponentId = text("otelcol.component.id")?.parse().ok()?;
    let pipeline: Option<ComponentId> = text("otelcol.pipeline.id").and_then(|id| id.parse().ok());
    // What is made for a pipeline is told apart by that alone.
    let signal = text("otelcol.signal").filter(|_| pipeline.is_none());
    let signal = signal.map(str::to_owned);
    let told = match error {
        Some(error) => format!("{} {error}", message.trim_end()),
        None => message.to_owned(),
    };
    Some((Place { role, id, signal, pipeline }, told))
}

impl Write for Outputs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.iter_mut().map(|output| output.write_all(bytes)).fold(Ok(()), Result::and)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.iter_mut().map(Write::flush).fold(Ok(()), Result::and)
    }
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switch").finish_non_exhaustive()
    }
}

fn is_of_the_network(metadata: &Metadata<'_>) -> bool {
    let library = metadata.target().split("::").next().unwrap_or_default();
    NETWORK_LIBRARIES.contains(&library)
}

/// The level of a line. Levels are ordered from error, the least, to trace.
fn level_of(metadata: &Metadata<'_>) -> Level {
    let level = *metadata.level();
    if is_of_the_network(metadata) { level.max(Level::DEBUG) } else { level }
}

/// Where an event comes from, `etalon_service/collector.rs:120`: crate, file and line.
fn caller(metadata: &Metadata<'_>) -> Option<String> {
    let file = metadata.file()?.rsplit(['/', '\\']).next()?;
    let krate = metadata.module_path()?.split("::").next()?;
    Some(format!("{krate}/{file}:{}", metadata.line()?))
}

/// Collects the fields of an event or a span.
#[derive(Default)]
struct Collected {
    message: String,
    fields: Map<String, Value>,
}

impl Collected {
    fn put(&mut self, field: &Field, value: Value) {
        self.fields.insert(field.name().to_owned(), value);
    }
}

impl Visit for Collected {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            _ => self.put(field, value.into()),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, chain(value).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            _ => self.put(field, text.into()),
        }
    }
}

/// An error and its causes, `outer: inner: innermost`.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    Causes(error).to_string()
}

#[cfg(test)]
mod tests;
