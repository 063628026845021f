//! The other pages: what runs, component by component.

use std::env::consts;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use etalon_component::{
    BuildInfo, ComponentId, ComponentStatus, GateOutline, Outline, PipelineOutline, Place, Role, State,
    Status,
};
use etalon_telemetry::{CONTRACT_VERSION, iso8601};
use serde::Serialize;

use crate::samples::Window;
use crate::site::{Asked, link};
use crate::words;

/// Rows of a table of names and values.
pub(crate) type Facts = Vec<(&'static str, String)>;

/// `servicez`.
pub(crate) fn service(build: &BuildInfo, status: &Status, outline: &Outline, window: &Window) -> Facts {
    let (phase, since) = status.phase();
    let readings = &window.now;
    vec![
        ("Command", build.command.to_owned()),
        ("Description", build.description.to_owned()),
        ("Version", build.version.to_owned()),
        ("System", format!("{} {}", consts::OS, consts::ARCH)),
        ("Supported until", supported_until(readings.support_end)),
        ("Telemetry contract", CONTRACT_VERSION.to_owned()),
        ("Phase", format!("{}, since {}", phase.as_str(), iso8601(since))),
        ("Started", format!("{} ({})", iso8601(status.started()), words::ago(status.started()))),
        (
            "Configuration in service since",
            format!("{} ({})", iso8601(outline.since), words::ago(outline.since)),
        ),
        ("Process", std::process::id().to_string()),
        ("CPU time", words::duration(Duration::try_from_secs_f64(readings.cpu_seconds).unwrap_or_default())),
        ("Memory", words::bytes(readings.memory_bytes)),
    ]
}

fn supported_until(end: u64) -> String {
    match end {
        0 => "no date is promised for this version".to_owned(),
        end => {
            let text = iso8601(UNIX_EPOCH + Duration::from_secs(end));
            text.split_once('T').map_or(text.clone(), |(date, _)| date.to_owned())
        }
    }
}

/// `pipelinez`: all pipelines, or one, or one component of one.
#[derive(Debug, Serialize)]
pub(crate) struct Pipelines {
    rows: Vec<PipelineRow>,
    component: Option<Component>,
    /// What was asked for and is not there.
    missing: Option<String>,
}

#[derive(Debug, Serialize)]
struct PipelineRow {
    id: String,
    link: String,
    signal: &'static str,
    /// A heading, and names with links.
    stages: [(&'static str, Vec<(String, String)>); 3],
}

/// One component.
#[derive(Debug, Serialize)]
pub(crate) struct Component {
    role: &'static str,
    id: String,
    facts: Facts,
}

impl Pipelines {
    pub(crate) fn new(status: &Status, outline: &Outline, asked: &Asked) -> Self {
        let wanted = |pipeline: &&PipelineOutline| {
            asked.get("pipelinenamez").is_none_or(|name| name == pipeline.id.as_str())
        };
        let found: Vec<_> = outline.pipelines.iter().filter(wanted).collect();
        let component = found.first().and_then(|pipeline| {
            let (name, kind) = (asked.get("componentnamez")?, asked.get("componentkindz")?);
            let role = Role::ALL.into_iter().find(|role| role.as_str() == kind)?;
            let component = crate::overview::find(outline, role, name, pipeline)?;
            Some(described(status, component))
        });
        let missing = match asked.get("componentnamez").or(asked.get("pipelinenamez")) {
            Some(name)
                if found.is_empty() || (asked.get("componentnamez").is_some() && component.is_none()) =>
            {
                Some(name.to_owned())
            }
            _ => None,
        };
        let rows = found.into_iter().map(|pipeline| pipeline_row(pipeline, outline)).collect();
        Self { rows, component, missing }
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.missing.is_some()
    }
}

fn pipeline_row(pipeline: &PipelineOutline, outline: &Outline) -> PipelineRow {
    let named = |default: Role, ids: &[ComponentId]| {
        let link_to = |id: &ComponentId| {
            let role = if outline.connectors.contains(id) { Role::Connector } else { default };
            let query = [
                ("pipelinenamez", pipeline.id.as_str()),
                ("componentnamez", id.as_str()),
                ("componentkindz", role.as_str()),
            ];
            (id.to_string(), link("pipelinez", &query))
        };
        ids.iter().map(link_to).collect::<Vec<_>>()
    };
    PipelineRow {
        id: pipeline.id.to_string(),
        link: link("pipelinez", &[("pipelinenamez", pipeline.id.as_str())]),
        signal: pipeline.signal.name,
        stages: [
            ("Receivers", named(Role::Receiver, &pipeline.receivers)),
            ("Processors", named(Role::Processor, &pipeline.processors)),
            ("Exporters", named(Role::Exporter, &pipeline.exporters)),
        ],
    }
}

/// `extensionz`: all extensions, or one.
#[derive(Debug, Serialize)]
pub(crate) struct Extensions {
    rows: Vec<ExtensionRow>,
    component: Option<Component>,
    missing: Option<String>,
}

#[derive(Debug, Serialize)]
struct ExtensionRow {
    id: String,
    link: String,
    state: &'static str,
    is_running: bool,
}

impl Extensions {
    pub(crate) fn new(status: &Status, outline: &Outline, asked: &Asked) -> Self {
        let all = || outline.components.iter().filter(|component| component.place.role == Role::Extension);
        let name = asked.get("zextensionname");
        let component = name.and_then(|name| all().find(|known| known.place.id.as_str() == name));
        let missing = name.filter(|_| component.is_none()).map(str::to_owned);
        let row = |component: &ComponentStatus| ExtensionRow {
            id: component.place.id.to_string(),
            link: link("extensionz", &[("zextensionname", component.place.id.as_str())]),
            state: component.state().0.as_str(),
            is_running: component.state().0 == State::Running,
        };
        let component = component.map(|component| described(status, component));
        Self { rows: all().map(row).collect(), component, missing }
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.missing.is_some()
    }
}

fn described(status: &Status, component: &ComponentStatus) -> Component {
    let Place { role, id, signal, pipeline } = &component.place;
    let (state, since) = component.state();
    let errors = status.errors().of(&component.place);
    let at = |time: SystemTime| format!("{} ({})", iso8601(time), words::ago(time));
    let mut facts = vec![("State", format!("{}, since {}", state.as_str(), at(since)))];
    facts.extend(signal.iter().map(|signal| ("Signal", signal.clone())));
    facts.extend(pipeline.iter().map(|pipeline| ("Pipeline", pipeline.to_string())));
    if errors.is_empty() {
        facts.push(("Last error", "none".to_owned()));
    }
    for error in errors {
        let what = if error.severe { "Last error" } else { "Last error that may pass" };
        facts.push((what, format!("{}: {}", at(error.time), error.text)));
    }
    Component { role: role.as_str(), id: id.to_string(), facts }
}

/// A row of `featurez`.
#[derive(Debug, Serialize)]
pub(crate) struct Gate {
    id: &'static str,
    enabled: bool,
    stage: String,
    from_version: &'static str,
    description: &'static str,
}

impl From<&GateOutline> for Gate {
    fn from(gate: &GateOutline) -> Self {
        let GateOutline { id, enabled, stage, from_version, description } = gate.clone();
        Self { id, enabled, stage, from_version, description }
    }
}
