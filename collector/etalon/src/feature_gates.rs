//! What `featuregate` prints: the gates, and what they do in this version.

use etalon_service::{Effect, GATES, Gate};

/// Blanks between two columns.
const PADDING: usize = 2;

/// All gates, one a line, in columns as wide as their widest cell.
pub(crate) fn table() -> String {
    let header = ["ID", "Enabled", "Stage", "Description"].map(ToOwned::to_owned);
    let row = |gate: &Gate| {
        [gate.id.to_owned(), gate.is_on_by_default().to_string(), gate.stage.to_string(), description(gate)]
    };
    let rows: Vec<[String; 4]> = std::iter::once(header).chain(GATES.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0) + PADDING;
    let widths = [width(0), width(1), width(2)];
    let line = |[id, enabled, stage, description]: &[String; 4]| {
        let [first, second, third] = widths;
        format!("{id:first$}{enabled:second$}{stage:third$}{description}\n")
    };
    rows.iter().map(line).collect()
}

/// One gate, a line for each thing to know; nothing when there is none of this id.
pub(crate) fn details(id: &str) -> Option<String> {
    let gate = Gate::find(id)?;
    Some(format!(
        "Feature: {}\nEnabled: {}\nStage: {}\nDescription: {}\nFrom Version: {}\n",
        gate.id,
        gate.is_on_by_default(),
        gate.stage,
        description(gate),
        gate.from_version
    ))
}

fn description(gate: &Gate) -> String {
    match gate.effect {
        Effect::Switched | Effect::None => gate.description.to_owned(),
        Effect::Fixed(reason) => format!("{} Cannot be switched: {reason}.", gate.description),
    }
}
