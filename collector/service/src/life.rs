//! The life of a component: where it is, and what the log tells of it.

use etalon_component::{BoxError, ComponentStatus, Place, Role, State};
use etalon_telemetry::attributes::Phase;
use etalon_telemetry::event::Causes;
use etalon_telemetry::tell;
use tracing::Span;

/// The life of one component. Clones are of the same.
#[derive(Clone)]
pub(crate) struct Life {
    /// Where it is, for those who ask.
    pub(crate) status: ComponentStatus,
    /// Identifies it in the log.
    pub(crate) span: Span,
}

impl Life {
    pub(crate) fn new(place: Place, span: Span) -> Self {
        Self { status: ComponentStatus::new(place), span }
    }

    fn place(&self) -> &Place {
        &self.status.place
    }

    /// Tells how its start ended.
    pub(crate) fn started(&self, result: Result<(), BoxError>) -> Result<(), BoxError> {
        match &result {
            Ok(()) => {
                self.status.enter(State::Running);
                self.span.in_scope(|| {
                    tell!(ComponentStarted {
                        what: &capitalized(self.place().role),
                        otelcol_component_id: &self.place().id,
                        otelcol_component_kind: self.place().role.into(),
                    });
                });
            }
            Err(error) => {
                self.failed(Phase::Start, &format_args!("Failed to start {}", self.place().role), error);
            }
        }
        result
    }

    /// Tells how its shutdown ended. That of one that never started is nothing to tell of.
    pub(crate) fn stopped(&self, result: Result<(), BoxError>) -> Result<(), BoxError> {
        let has_run = self.status.state().0 == State::Running;
        if result.is_ok() {
            self.status.enter(State::Stopped);
        }
        match &result {
            Ok(()) if has_run => self.span.in_scope(|| {
                tell!(ComponentStopped {
                    what: &capitalized(self.place().role),
                    otelcol_component_id: &self.place().id,
                    otelcol_component_kind: self.place().role.into(),
                });
            }),
            Ok(()) => {}
            Err(error) => {
                self.failed(
                    Phase::Shutdown,
                    &format_args!("Failed to shut down {}", self.place().role),
                    error,
                );
            }
        }
        result
    }

    fn failed(&self, phase: Phase, what: &dyn std::fmt::Display, error: &BoxError) {
        self.status.enter(State::Failed);
        self.span.in_scope(|| {
            tell!(ComponentFailed {
                what,
                otelcol_component_id: &self.place().id,
                otelcol_component_kind: Some(self.place().role.into()),
                phase,
                error: &Causes(&**error),
            });
        });
    }
}

fn capitalized(role: Role) -> &'static str {
    match role {
        Role::Receiver => "Receiver",
        Role::Processor => "Processor",
        Role::Exporter => "Exporter",
        Role::Connector => "Connector",
        Role::Extension => "Extension",
    }
}
