//! TLS settings that follow their files.
//!
//! Files are looked at when a handshake begins, and seldom: a file that has changed is used from that handshake on.
//! What cannot be used is reported, and the settings from before stay.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use etalon_telemetry::tell;
use tokio::time::Instant;

use super::files::{PemFault, Source, Text};
use super::{TlsError, with_causes};

/// After a change that cannot be used, the files are looked at again after this time: they may be half written.
const RETRY: Duration = Duration::from_secs(1);
/// A failure that goes on is logged again after this time.
const REMINDER: Duration = Duration::from_mins(10);

/// One text that the settings are made of.
pub(crate) struct Part<'a> {
    pub(super) source: Source<'a>,
    /// What it is, for errors.
    pub(super) what: &'static str,
    /// How an error with it is reported.
    pub(super) error: fn(PemFault) -> TlsError,
    /// The time after which a handshake looks at its file again; nothing is never.
    pub(super) again: Option<Duration>,
}

/// A configuration section that becomes settings of rustls.
pub(crate) trait Section: Send + Sync + 'static {
    type Settings: Send + Sync + 'static;

    /// The texts that are needed; always the same ones.
    fn parts(&self) -> Vec<Part<'_>>;

    /// The settings, made of those texts in that order.
    fn build(&self, texts: &[Text]) -> Result<Self::Settings, TlsError>;

    /// The one of those texts that begins with the certificate which is shown to peers, if there is any.
    fn certificate<'a>(&self, texts: &'a [Text]) -> Option<&'a Text>;
}

/// The settings as they are now. Cloning shares them.
pub(crate) struct Live<S: Section>(Arc<Shared<S>>);

struct Shared<S: Section> {
    section: S,
    state: Mutex<State<S::Settings>>,
    health: Arc<TlsHealth>,
    /// Of the component that it belongs to.
    span: tracing::Span,
}

struct State<T> {
    settings: Arc<T>,
    texts: Vec<Text>,
    /// When each text is looked at again.
    due: Vec<Option<Instant>>,
    is_loading: bool,
    failure: Option<Failure>,
}

struct Failure {
    text: String,
    reported: Instant,
}

/// Whether changed files can be used, and how long those in use can.
#[derive(Debug, Default)]
pub struct TlsHealth {
    is_stale: AtomicBool,
    /// In seconds since 1970; 0 where no certificate is shown.
    expiry: AtomicU64,
}

impl TlsHealth {
    /// When the certificate expires that is shown to peers, in seconds since 1970. Nothing when none is shown, or
    /// when it is one that does not say.
    pub fn certificate_expiry(&self) -> Option<u64> {
        Some(self.expiry.load(Ordering::Relaxed)).filter(|expiry| *expiry > 0)
    }

    fn note_expiry(&self, shown: Option<&Text>) {
        self.expiry.store(shown.and_then(Text::expiry).unwrap_or(0), Ordering::Relaxed);
    }

    /// Whether the files have changed to something that cannot be used, so that older settings are in use.
    pub fn is_stale(&self) -> bool {
        self.is_stale.load(Ordering::Relaxed)
    }
}

impl<S: Section> Live<S> {
    /// Reads the files for the first time.
    pub(super) fn load(section: S) -> Result<Self, TlsError> {
        let parts = section.parts();
        let now = Instant::now();
        let due = parts.iter().map(|part| due(part, now)).collect();
        let texts: Vec<Text> = parts.iter().map(read).collect::<Result<_, _>>()?;
        let settings = Arc::new(section.build(&texts)?);
        drop(parts);
        let health = TlsHealth::default();
        health.note_expiry(section.certificate(&texts));
        let state = State { settings, texts, due, is_loading: false, failure: None };
        Ok(Self(Arc::new(Shared {
            section,
            state: Mutex::new(state),
            health: Arc::new(health),
            span: tracing::Span::current(),
        })))
    }

    /// The settings for a handshake that begins now.
    pub(crate) async fn current(&self) -> Arc<S::Settings> {
        let due = match self.0.begin() {
            Ok(due) => due,
            Err(settings) => return settings,
        };
        let loading = self.0.clone();
        // Files may be on a disk that does not answer: nothing else waits for them.
        let loaded = tokio::task::spawn_blocking(move || loading.finish(&due)).await;
        loaded.unwrap_or_else(|_| self.0.abandon())
    }

    /// Follows whether changed files can be used.
    pub(crate) fn health(&self) -> Arc<TlsHealth> {
        self.0.health.clone()
    }
}

impl<S: Section> Shared<S> {
    /// Which texts to look at; or the settings when it is not time, or when another handshake does so.
    fn begin(&self) -> Result<Vec<usize>, Arc<S::Settings>> {
        let mut state = self.lock();
        let now = Instant::now();
        if state.is_loading || !state.due.iter().flatten().any(|due| *due <= now) {
            return Err(state.settings.clone());
        }
        state.is_loading = true;
        // After a failure all of them: whether it is over shows only together.
        let latest = if state.failure.is_some() { None } else { Some(now) };
        let is_due = |due: Instant| latest.is_none_or(|latest| due <= latest);
        let due = state.due.iter().enumerate().filter(|(_, due)| due.is_some_and(is_due));
        Ok(due.map(|(index, _)| index).collect())
    }

    /// Looks at these texts, and takes over what has changed.
    fn finish(&self, indices: &[usize]) -> Arc<S::Settings> {
        let parts = self.section.parts();
        let before = self.lock().texts.clone();
        let loaded = self.reload(&parts, indices, before.clone());
        let now = Instant::now();
        let mut state = self.lock();
        state.is_loading = false;
        for index in indices {
            state.due[*index] = due(&parts[*index], now);
        }
        match loaded {
            Ok(None) => self.recovered(&mut state),
            Ok(Some((texts, settings))) => {
                self.health.note_expiry(self.section.certificate(&texts));
                state.texts = texts;
                state.settings = Arc::new(settings);
                state.failure = None;
                self.health.is_stale.store(false, Ordering::Relaxed);
                self.span.in_scope(|| tell!(TlsFilesReloaded));
            }
            Err(error) => {
                for index in indices {
                    state.due[*index] = state.due[*index].map(|due| due.min(now + RETRY));
                }
                self.failed(&mut state, &error, now);
            }
        }
        state.settings.clone()
    }

    /// Nothing when all is as before.
    fn reload(
        &self,
        parts: &[Part<'_>],
        indices: &[usize],
        mut texts: Vec<Text>,
    ) -> Result<Option<(Vec<Text>, S::Settings)>, TlsError> {
        let mut has_changed = false;
        for index in indices {
            let text = read(&parts[*index])?;
            has_changed |= text != texts[*index];
            texts[*index] = text;
        }
        if !has_changed {
            return Ok(None);
        }
        let settings = self.section.build(&texts)?;
        Ok(Some((texts, settings)))
    }

    /// The files are again as those in use.
    fn recovered(&self, state: &mut State<S::Settings>) {
        if state.failure.take().is_some() {
            self.health.is_stale.store(false, Ordering::Relaxed);
            self.span.in_scope(|| tell!(TlsFilesRestored));
        }
    }

    fn failed(&self, state: &mut State<S::Settings>, error: &TlsError, now: Instant) {
        self.health.is_stale.store(true, Ordering::Relaxed);
        let text = with_causes(error);
        let is_known = |failure: &Failure| failure.text == text && now < failure.reported + REMINDER;
        if state.failure.as_ref().is_some_and(is_known) {
            return;
        }
        self.span.in_scope(|| tell!(TlsFilesStale { error: &text }));
        state.failure = Some(Failure { text, reported: now });
    }

    /// The loading ended without a result.
    fn abandon(&self) -> Arc<S::Settings> {
        let mut state = self.lock();
        state.is_loading = false;
        state.settings.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State<S::Settings>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(part: &Part<'_>) -> Result<Text, TlsError> {
    part.source.read(part.what).map_err(part.error)
}

fn due(part: &Part<'_>, now: Instant) -> Option<Instant> {
    part.again.filter(|_| !part.source.file.is_empty()).map(|again| now + again)
}

impl<S: Section> Clone for Live<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: Section> fmt::Debug for Live<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("health", &self.0.health).finish_non_exhaustive()
    }
}
