//! What the collector knows of itself, for the extensions that tell it to others.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use etalon_conf::ComponentId;
use etalon_pdata::Signal;
use etalon_telemetry::attributes::OtelcolComponentKind;
use tokio::sync::watch;

/// Longest text of an error that is kept, in bytes.
const ERROR_BYTES_MAX: usize = 1024;
/// Components of which the last error is kept.
const ERRORS_MAX: usize = 1024;

/// What the collector is doing as a whole. In the order in which it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Not all components have started.
    Starting,
    /// It takes data.
    Ready,
    /// It is about to stop, and still takes data.
    LameDuck,
    /// It takes no new data, and delivers what it has.
    Stopping,
}

/// The part that a component plays in a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Brings data in.
    Receiver,
    /// Looks at data on its way.
    Processor,
    /// Takes data out.
    Exporter,
    /// Takes data out of some pipelines and brings it into others.
    Connector,
    /// Stands beside the pipelines.
    Extension,
}

/// Where a component is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Created, not started.
    Created,
    /// In service.
    Running,
    /// Did not start, or did not stop in order.
    Failed,
    /// Out of service.
    Stopped,
}

/// Which component: what the fields of its log lines say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// What it is.
    pub role: Role,
    /// Its id.
    pub id: ComponentId,
    /// The signal that it was made for, if it was made for one.
    pub signal: Option<String>,
    /// The pipeline that it was made for, if it was made for one.
    pub pipeline: Option<ComponentId>,
}

/// One component, and where it is in its life. Cloning shares the latter.
#[derive(Clone, Debug)]
pub struct ComponentStatus {
    /// Which one.
    pub place: Place,
    state: Arc<Mutex<(State, SystemTime)>>,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// When it was told.
    pub time: SystemTime,
    /// What, cut off after 1024 bytes.
    pub text: String,
    /// Whether it is at least a warning, and not something that the collector expects to pass.
    pub severe: bool,
}

/// The last errors of each component, as the log tells them. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct LastErrors(Arc<Mutex<BTreeMap<Place, Vec<Trouble>>>>);

/// A pipeline of the configuration that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineOutline {
    /// Its id.
    pub id: ComponentId,
    /// What it carries.
    pub signal: Signal,
    /// Receivers and connectors.
    pub receivers: Vec<ComponentId>,
    /// In the order of the data.
    pub processors: Vec<ComponentId>,
    /// Exporters and connectors.
    pub exporters: Vec<ComponentId>,
}

/// A feature gate of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateOutline {
    /// Its id.
    pub id: &'static str,
    /// Whether it is on.
    pub enabled: bool,
    /// How far it has come.
    pub stage: String,
    /// The release that introduced it.
    pub from_version: &'static str,
    /// What it switches.
    pub description: &'static str,
}

/// The configuration that runs.
#[derive(Clone, Debug)]
pub struct Outline {
    /// When it came into service.
    pub since: SystemTime,
    /// Its pipelines, by id.
    pub pipelines: Vec<PipelineOutline>,
    /// Its connectors.
    pub connectors: Vec<ComponentId>,
    /// All components: those of the pipelines in the order of the data, and the extensions in that of their start.
    pub components: Vec<ComponentStatus>,
    /// All of it as YAML with every default filled in, and without its secrets.
    pub configuration: String,
}

/// What the collector knows of itself. Cloning shares it.
#[derive(Clone)]
pub struct Status(Arc<Inner>);

struct Inner {
    started: SystemTime,
    phase: watch::Sender<(Phase, SystemTime)>,
    outline: Mutex<Arc<Outline>>,
    gates: Mutex<Arc<[GateOutline]>>,
    errors: Mutex<LastErrors>,
}

impl Status {
    /// The present phase, and since when.
    pub fn phase(&self) -> (Phase, SystemTime) {
        *self.0.phase.borrow()
    }

    /// Follows the phase.
    pub fn phases(&self) -> watch::Receiver<(Phase, SystemTime)> {
        self.0.phase.subscribe()
    }

    /// Goes on to a later phase; there is no way back.
    pub fn enter(&self, phase: Phase) {
        self.0.phase.send_if_modified(|(current, since)| {
            let is_later = phase > *current;
            if is_later {
                (*current, *since) = (phase, now());
            }
            is_later
        });
    }

    /// When the collector was created.
    pub fn started(&self) -> SystemTime {
        self.0.started
    }

    /// The configuration that runs.
    pub fn outline(&self) -> Arc<Outline> {
        locked(&self.0.outline).clone()
    }

    /// From now on, this runs.
    pub fn set_outline(&self, outline: Outline) {
        *locked(&self.0.outline) = Arc::new(outline);
    }

    /// The feature gates of this process, by id; none when they were not told.
    pub fn gates(&self) -> Arc<[GateOutline]> {
        locked(&self.0.gates).clone()
    }

    /// Tells the feature gates.
    pub fn set_gates(&self, gates: Vec<GateOutline>) {
        *locked(&self.0.gates) = gates.into();
    }

    /// The last errors of each component.
    pub fn errors(&self) -> LastErrors {
        locked(&self.0.errors).clone()
    }

    /// Tells where errors are noted.
    pub fn set_errors(&self, errors: LastErrors) {
        *locked(&self.0.errors) = errors;
    }
}

impl Default for Status {
    fn default() -> Self {
        Self(Arc::new(Inner {
            started: now(),
            phase: watch::Sender::new((Phase::Starting, now())),
            outline: Mutex::new(Arc::new(Outline::default())),
            gates: Mutex::new(Arc::new([])),
            errors: Mutex::default(),
        }))
    }
}

impl Default for Outline {
    fn default() -> Self {
        Self {
            since: now(),
            pipelines: Vec::new(),
            connectors: Vec::new(),
            components: Vec::new(),
            configuration: String::new(),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status").field("phase", &self.phase().0).finish_non_exhaustive()
    }
}

impl ComponentStatus {
    /// One that has been created.
    pub fn new(place: Place) -> Self {
        Self { place, state: Arc::new(Mutex::new((State::Created, now()))) }
    }

    /// Where it is in its life, and since when.
    pub fn state(&self) -> (State, SystemTime) {
        *locked(&self.state)
    }

    /// It goes on to this.
    pub fn enter(&self, state: State) {
        let mut current = locked(&self.state);
        if current.0 != state {
            *current = (state, now());
        }
    }
}

impl LastErrors {
    /// Notes an error in the place of the one before that was as severe: what passes may be the cause of what does not.
    pub fn note(&self, place: Place, mut trouble: Trouble) {
        trouble.text.truncate(trouble.text.floor_char_boundary(ERROR_BYTES_MAX));
        let mut known = locked(&self.0);
        if known.len() < ERRORS_MAX || known.contains_key(&place) {
            let of_place = known.entry(place).or_default();
            of_place.retain(|other| other.severe != trouble.severe);
            of_place.insert(0, trouble);
        }
    }

    /// The last errors of a component, the newest first: two at most, one severe and one not. One that runs for several
    /// signals or pipelines is asked for each.
    pub fn of(&self, place: &Place) -> Vec<Trouble> {
        locked(&self.0).get(place).cloned().unwrap_or_default()
    }
}

impl Phase {
    /// As people and JSON are told it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::LameDuck => "lame_duck",
            Self::Stopping => "stopping",
        }
    }
}

impl State {
    /// As people and JSON are told it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Receiver, Self::Processor, Self::Exporter, Self::Connector, Self::Extension];

    /// As log lines have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receiver => "receiver",
            Self::Processor => "processor",
            Self::Exporter => "exporter",
            Self::Connector => "connector",
            Self::Extension => "extension",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Role> for OtelcolComponentKind {
    fn from(role: Role) -> Self {
        match role {
            Role::Receiver => Self::Receiver,
            Role::Processor => Self::Processor,
            Role::Exporter => Self::Exporter,
            Role::Connector => Self::Connector,
            Role::Extension => Self::Extension,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "told to people, no decision depends on it")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_one_another_and_never_come_back() {
        let status = Status::default();
        let mut phases = status.phases();
        assert_eq!(status.phase().0, Phase::Starting);
        status.enter(Phase::LameDuck);
        assert!(phases.has_changed().unwrap());
        assert_eq!(phases.borrow_and_update().0, Phase::LameDuck);
        status.enter(Phase::Ready);
        assert!(!phases.has_changed().unwrap());
        assert_eq!(status.phase().0, Phase::LameDuck);
    }

    #[test]
    fn the_last_errors_of_each_component_are_kept_and_cut_off() {
        let errors = LastErrors::default();
        let place = |id: &str| Place {
            role: Role::Exporter,
            id: id.parse().unwrap(),
            signal: Some("logs".to_owned()),
            pipeline: None,
        };
        let note = |id: &str, text: &str, severe| {
            errors.note(place(id), Trouble { time: now(), text: text.to_owned(), severe });
        };
        note("a", "first", true);
        note("a", "passing", false);
        note("a", &"ü".repeat(1000), true);
        note("b", "other", true);
        let told = |id: &str| errors.of(&place(id)).into_iter().map(|error| error.text).collect::<Vec<_>>();
        assert_eq!(told("a"), ["ü".repeat(512), "passing".to_owned()]);
        assert_eq!(told("b"), ["other"]);
        assert_eq!(errors.of(&place("c")), []);
    }

    #[test]
    fn no_more_components_are_remembered_than_there_is_room_for() {
        let errors = LastErrors::default();
        let place = |number: usize| Place {
            role: Role::Exporter,
            id: format!("a/{number}").parse().unwrap(),
            signal: None,
            pipeline: None,
        };
        for number in 0..=ERRORS_MAX {
            errors.note(place(number), Trouble { time: now(), text: String::new(), severe: false });
        }
        assert_eq!(errors.of(&place(ERRORS_MAX - 1)).len(), 1);
        assert_eq!(errors.of(&place(ERRORS_MAX)), []);
    }
}
