//! The first page: each pipeline as a picture and as a table.

use etalon_component::{ComponentId, ComponentStatus, Outline, PipelineOutline, Role, State};
use etalon_telemetry::iso8601;
use serde::Serialize;

use crate::live::{self, Values};
use crate::picture::{Part, Picture, tall, wide};
use crate::site::link;

/// What its template is given, besides what every page has.
#[derive(Debug, Serialize)]
pub(crate) struct Overview {
    /// Of the numbers at the top: a label, and the name of the value.
    tiles: Vec<(&'static str, &'static str)>,
    pipelines: Vec<Pipeline>,
    live: Values,
    /// By which the script sees that another configuration runs.
    configured: String,
}

#[derive(Debug, Serialize)]
struct Pipeline {
    id: String,
    signal: &'static str,
    /// For those who do not see the picture.
    spoken: String,
    wide: Picture,
    tall: Picture,
    rows: Vec<Row>,
}

/// A component in the table.
#[derive(Debug, Serialize)]
struct Row {
    role: &'static str,
    id: String,
    link: String,
    state: &'static str,
    is_running: bool,
    key: Option<String>,
    /// Whether it holds what waits.
    holds: bool,
    errors: Option<String>,
}

impl Overview {
    pub(crate) fn new(outline: &Outline, live: Values) -> Self {
        let tiles = vec![
            ("taken in", "accepted"),
            ("sent on", "sent"),
            ("refused", "refused"),
            ("lost", "lost"),
            ("in queues", "queued"),
            ("CPU", "cpu"),
            ("memory", "memory"),
            ("up for", "uptime"),
        ];
        let pipelines = outline.pipelines.iter().map(|pipeline| drawn(pipeline, outline, &live)).collect();
        Self { tiles, pipelines, live, configured: iso8601(outline.since) }
    }
}

fn drawn(pipeline: &PipelineOutline, outline: &Outline, live: &Values) -> Pipeline {
    let part = |default: Role, id: &ComponentId| part(default, id, pipeline, outline, live);
    let stage = |role: Role, ids: &[ComponentId]| ids.iter().map(|id| part(role, id)).collect::<Vec<_>>();
    let mut stages = vec![stage(Role::Receiver, &pipeline.receivers)];
    stages.extend(pipeline.processors.iter().map(|id| vec![part(Role::Processor, id)]));
    stages.push(stage(Role::Exporter, &pipeline.exporters));
    let names =
        |parts: &Vec<Part>| parts.iter().map(|part| part.id.clone()).collect::<Vec<_>>().join(" and ");
    let spoken = stages.iter().map(names).collect::<Vec<_>>().join(", then ");
    let rows = stages.iter().flatten().map(|part| row(part, pipeline, outline, live)).collect();
    Pipeline {
        id: pipeline.id.to_string(),
        signal: pipeline.signal.name,
        spoken,
        wide: wide(&stages),
        tall: tall(&stages),
        rows,
    }
}

fn part(
    default: Role,
    id: &ComponentId,
    pipeline: &PipelineOutline,
    outline: &Outline,
    live: &Values,
) -> Part {
    let role = if outline.connectors.contains(id) { Role::Connector } else { default };
    let mut key = live::key(role, id, pipeline.signal.name);
    if role == Role::Processor {
        key = format!("{key}/{}", pipeline.id);
    }
    let has_values = live.contains_key(&format!("{key}/rate"));
    let has_queue = live.get(&format!("{key}/queue")).is_some_and(|queue| queue.part.is_some());
    let other_side = |lists: fn(&PipelineOutline) -> &Vec<ComponentId>| {
        let leads = outline.pipelines.iter().filter(|other| lists(other).contains(id));
        leads.map(|other| other.id.to_string()).collect::<Vec<_>>().join(", ")
    };
    let note = match (role, default) {
        (Role::Connector, Role::Receiver) => format!("from {}", other_side(|other| &other.exporters)),
        (Role::Connector, _) => format!("into {}", other_side(|other| &other.receivers)),
        _ => "has no numbers".to_owned(),
    };
    let errors = live.contains_key(&format!("{key}/error")).then(|| key.clone());
    Part { role, id: id.to_string(), key: has_values.then_some(key), errors, has_queue, note }
}

fn row(part: &Part, pipeline: &PipelineOutline, outline: &Outline, live: &Values) -> Row {
    let state = find(outline, part.role, &part.id, pipeline).map(|component| component.state().0);
    let query = [
        ("pipelinenamez", pipeline.id.as_str()),
        ("componentnamez", &part.id),
        ("componentkindz", part.role.as_str()),
    ];
    Row {
        role: part.role.as_str(),
        id: part.id.clone(),
        link: link("pipelinez", &query),
        state: state.map_or("unknown", State::as_str),
        is_running: state == Some(State::Running),
        key: part.key.clone(),
        holds: part.key.as_ref().is_some_and(|key| live.contains_key(&format!("{key}/queue"))),
        errors: part.errors.clone(),
    }
}

/// A component of a pipeline.
pub(crate) fn find<'a>(
    outline: &'a Outline,
    role: Role,
    id: &str,
    pipeline: &PipelineOutline,
) -> Option<&'a ComponentStatus> {
    outline.components.iter().find(|component| {
        let place = &component.place;
        place.role == role
            && place.id.as_str() == id
            && place.signal.as_deref().is_none_or(|signal| signal == pipeline.signal.name)
            && place.pipeline.as_ref().is_none_or(|known| *known == pipeline.id)
    })
}
