//! A pipeline as a picture: where its parts are drawn. What is written in them are live values.

use etalon_component::Role;
use serde::Serialize;

use crate::words::shortened;

/// Sizes in user units of SVG, which are pixels on a wide screen.
const NODE: (u32, u32) = (216, 78);
/// Between two stages, where the lines are.
const GAP: u32 = 64;
/// Between two nodes of a stage.
const BETWEEN: u32 = 16;
const MARGIN: u32 = 8;
/// Characters of an id that fit.
const ID_CHARACTERS: usize = 24;

/// A component in a pipeline.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) role: Role,
    pub(crate) id: String,
    /// What the names of its numbers begin with; nothing where it has none.
    pub(crate) key: Option<String>,
    /// The same of its last errors.
    pub(crate) errors: Option<String>,
    /// Whether it has a queue.
    pub(crate) has_queue: bool,
    /// What is written where there are no values.
    pub(crate) note: String,
}

/// A drawing.
#[derive(Debug, Serialize)]
pub(crate) struct Picture {
    width: u32,
    height: u32,
    nodes: Vec<Node>,
    /// Each a path.
    lines: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Node {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
    role: &'static str,
    id: String,
    title: String,
    key: Option<String>,
    has_queue: bool,
    note: String,
}

/// From left to right, stage after stage.
pub(crate) fn wide(stages: &[Vec<Part>]) -> Picture {
    let tallest = stages.iter().map(Vec::len).max().unwrap_or(0);
    let height = stack(tallest) + 2 * MARGIN;
    let mut nodes: Vec<Vec<Node>> = Vec::new();
    for (column, parts) in stages.iter().enumerate() {
        let x = MARGIN + units(column) * (NODE.0 + GAP);
        let top = (height - stack(parts.len())) / 2;
        let place = |(row, part)| node(part, x, top + units(row) * (NODE.1 + BETWEEN));
        nodes.push(parts.iter().enumerate().map(place).collect());
    }
    let line = |from: &Node, to: &Node| {
        let (x1, y1) = (from.x + from.width, from.y + from.height / 2);
        let (x2, y2) = (to.x, to.y + to.height / 2);
        let middle = u32::midpoint(x1, x2);
        // Room for the head of the arrow.
        format!("M{x1} {y1} C{middle} {y1} {middle} {y2} {} {y2}", x2 - 6)
    };
    let width = 2 * MARGIN + units(stages.len()) * (NODE.0 + GAP) - GAP;
    Picture { width, height, lines: lines(&nodes, line), nodes: nodes.into_iter().flatten().collect() }
}

/// From top to bottom, for a narrow screen: the nodes of a stage stand below one another.
pub(crate) fn tall(stages: &[Vec<Part>]) -> Picture {
    const STEP: u32 = 36;
    let mut nodes: Vec<Vec<Node>> = Vec::new();
    let mut y = MARGIN;
    for parts in stages {
        let place = |(row, part)| node(part, MARGIN, y + units(row) * (NODE.1 + BETWEEN));
        nodes.push(parts.iter().enumerate().map(place).collect());
        y += stack(parts.len()) + STEP;
    }
    let lines = nodes.windows(2).filter_map(|pair| {
        let (from, to) = (pair[0].last()?, pair[1].first()?);
        let x = from.x + from.width / 2;
        Some(format!("M{x} {} L{x} {}", from.y + from.height, to.y - 6))
    });
    let lines = lines.collect();
    let (width, height) = (NODE.0 + 2 * MARGIN, y - STEP + MARGIN);
    Picture { width, height, lines, nodes: nodes.into_iter().flatten().collect() }
}

fn node(part: &Part, x: u32, y: u32) -> Node {
    let Part { role, id, key, has_queue, note, .. } = part.clone();
    let (width, height) = NODE;
    let title = format!("{role} {id}");
    Node {
        x,
        y,
        width,
        height,
        role: role.as_str(),
        id: shortened(&id, ID_CHARACTERS),
        title,
        key,
        has_queue,
        note,
    }
}

/// From each node to each of the next stage.
fn lines(stages: &[Vec<Node>], line: impl Fn(&Node, &Node) -> String) -> Vec<String> {
    let mut lines = Vec::new();
    for pair in stages.windows(2) {
        for from in &pair[0] {
            lines.extend(pair[1].iter().map(|to| line(from, to)));
        }
    }
    lines
}

/// The height of so many nodes below one another.
fn stack(nodes: usize) -> u32 {
    (units(nodes) * (NODE.1 + BETWEEN)).saturating_sub(BETWEEN)
}

/// A number of parts; that of a configuration is bounded.
fn units(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX / 1000)
}
