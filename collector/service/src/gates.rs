//! Feature gates: named switches for behaviour that is on its way in or out.

use std::fmt;

/// How far a gate has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Off unless enabled.
    Alpha,
    /// On unless disabled.
    Beta,
}

/// One gate.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// Its id, as `--feature-gates` takes it.
    pub id: &'static str,
    /// Its stage, which tells whether it is on by default.
    pub stage: Stage,
    /// What it switches.
    pub description: &'static str,
    /// The release of the Go collector that introduced it.
    pub from_version: &'static str,
}

/// Lists of receivers, exporters and extensions are appended on merging, not replaced.
pub const MERGE_APPEND: &str = "confmap.enableMergeAppendOption";
/// A configuration without pipelines is valid.
pub const ALLOW_NO_PIPELINES: &str = "service.AllowNoPipelines";

/// The gates that this version knows. Those of the Go collector that switch what it does not have
/// are absent, so that enabling one is an error and not a silent nothing.
pub const GATES: &[Gate] = &[
    Gate {
        id: MERGE_APPEND,
        stage: Stage::Alpha,
        description: "Combines the lists of receivers, exporters and extensions of several configurations, instead of keeping the last.",
        from_version: "v0.120.0",
    },
    Gate {
        id: ALLOW_NO_PIPELINES,
        stage: Stage::Alpha,
        description: "Allows a configuration that has no pipelines.",
        from_version: "v0.122.0",
    },
];

/// Which gates are on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureGates {
    enabled: Vec<&'static str>,
}

/// `--feature-gates` could not be applied.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// Two commas in a row, or one at an end.
    #[error("empty feature gate identifier at index {0}")]
    Empty(usize),
    /// No gate has this id.
    #[error("no such feature gate \"{id}\". valid gates: [{}]", valid_ids())]
    Unknown {
        /// The id as written.
        id: String,
    },
}

impl FeatureGates {
    /// Whether a gate is on.
    pub fn is_enabled(&self, id: &str) -> bool {
        self.enabled.contains(&id)
    }

    /// Applies a comma list of `id` or `+id` (on) and `-id` (off).
    pub fn apply(&mut self, list: &str) -> Result<(), GateError> {
        for (index, element) in list.split(',').map(str::trim).enumerate() {
            let (id, on) = match element.strip_prefix('-') {
                Some(id) => (id, false),
                None => (element.strip_prefix('+').unwrap_or(element), true),
            };
            if id.is_empty() {
                return Err(GateError::Empty(index));
            }
            let gate = GATES.iter().find(|gate| gate.id == id);
            let gate = gate.ok_or_else(|| GateError::Unknown { id: id.to_owned() })?;
            self.enabled.retain(|enabled| *enabled != gate.id);
            if on {
                self.enabled.push(gate.id);
            }
        }
        Ok(())
    }
}

impl Default for FeatureGates {
    fn default() -> Self {
        Self { enabled: GATES.iter().filter(|gate| gate.stage == Stage::Beta).map(|gate| gate.id).collect() }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alpha => "Alpha",
            Self::Beta => "Beta",
        })
    }
}

fn valid_ids() -> String {
    let mut ids: Vec<&str> = GATES.iter().map(|gate| gate.id).collect();
    ids.sort_unstable();
    ids.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_switches_gates_on_and_off_in_order() {
        let mut gates = FeatureGates::default();
        assert!(!gates.is_enabled(MERGE_APPEND));
        gates.apply("+confmap.enableMergeAppendOption,service.AllowNoPipelines").unwrap();
        assert!(gates.is_enabled(MERGE_APPEND) && gates.is_enabled(ALLOW_NO_PIPELINES));
        gates.apply("-confmap.enableMergeAppendOption").unwrap();
        assert!(!gates.is_enabled(MERGE_APPEND) && gates.is_enabled(ALLOW_NO_PIPELINES));
    }

    #[test]
    fn a_gate_that_does_not_exist_is_an_error_that_lists_those_that_do() {
        let mut gates = FeatureGates::default();
        let error = gates.apply("service.AllowNoPipelines,nope").unwrap_err();
        assert_eq!(
            error.to_string(),
            "no such feature gate \"nope\". valid gates: [confmap.enableMergeAppendOption service.AllowNoPipelines]"
        );
        assert_eq!(gates.apply("nope,").unwrap_err(), GateError::Unknown { id: "nope".into() });
        assert_eq!(gates.apply("service.AllowNoPipelines,,x").unwrap_err(), GateError::Empty(1));
    }
}
