//! Tells when an exporter begins to lose data whose sender was told that all is well, and when that has ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use etalon_telemetry::attributes::{DataType, DropReason};
use etalon_telemetry::tell;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

/// How long nothing must be lost for one reason until that counts as over.
pub(crate) const QUIET: Duration = Duration::from_mins(1);

/// The episodes of loss of one exporter and signal: at most one at a time for each reason. Each is told twice, when
/// it begins and when it ends, however much is lost.
pub(crate) struct Drops(Arc<Losses>);

struct Losses {
    data_type: DataType,
    span: tracing::Span,
    present: Mutex<Present>,
}

#[derive(Default)]
struct Present {
    episodes: Vec<Episode>,
    /// The task that ends them; none while there are none.
    watch: Option<AbortHandle>,
}

struct Episode {
    reason: DropReason,
    items: u64,
    first: Instant,
    last: Instant,
}

impl Drops {
    pub(crate) fn new(data_type: DataType, span: tracing::Span) -> Self {
        Self(Arc::new(Losses { data_type, span, present: Mutex::default() }))
    }

    /// Adds lost items to the episode of their reason, or begins one.
    pub(crate) fn count(&self, items: usize, reason: DropReason) {
        if items == 0 {
            return;
        }
        let (losses, now) = (&self.0, Instant::now());
        let mut present = losses.present();
        losses.end_quiet(&mut present, now);
        if let Some(episode) = present.episodes.iter_mut().find(|episode| episode.reason == reason) {
            episode.items += items as u64;
            episode.last = now;
            return;
        }
        present.episodes.push(Episode { reason, items: items as u64, first: now, last: now });
        losses.tell_started(reason);
        // Where there is no runtime any more, the next loss or the shutdown ends the episode.
        if present.watch.is_none()
            && let Ok(runtime) = Handle::try_current()
        {
            present.watch = Some(runtime.spawn(watch(losses.clone())).abort_handle());
        }
    }

    /// Ends all episodes.
    pub(crate) fn end(&self) {
        let mut present = self.0.present();
        if let Some(watch) = present.watch.take() {
            watch.abort();
        }
        for episode in present.episodes.drain(..) {
            self.0.tell_ended(&episode);
        }
    }
}

/// Ends episodes as they become quiet, until there are none.
async fn watch(losses: Arc<Losses>) {
    loop {
        let next = {
            let mut present = losses.present();
            losses.end_quiet(&mut present, Instant::now());
            let Some(next) = present.episodes.iter().map(Episode::end).min() else {
                present.watch = None;
                return;
            };
            next
        };
        sleep_until(next).await;
    }
}

impl Losses {
    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end_quiet(&self, present: &mut Present, now: Instant) {
        for episode in present.episodes.extract_if(.., |episode| episode.end() <= now) {
            self.tell_ended(&episode);
        }
    }

    fn tell_started(&self, reason: DropReason) {
        self.span.in_scope(|| tell!(DataDropStarted { data_type: self.data_type, drop_reason: reason }));
    }

    fn tell_ended(&self, Episode { reason, items, first, last }: &Episode) {
        let duration = etalon_conf::Duration::from(*last - *first);
        self.span.in_scope(|| {
            tell!(DataDropEnded {
                data_type: self.data_type,
                drop_reason: *reason,
                items: (*items).into(),
                duration: &duration,
            });
        });
    }
}

impl Episode {
    /// When it is over, if nothing more is lost.
    fn end(&self) -> Instant {
        self.last + QUIET
    }
}
