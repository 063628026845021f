//! Feature gates: named switches for behaviour that is on its way in or out.

use std::fmt;

/// How far a gate has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Off unless enabled.
    Alpha,
    /// On unless disabled.
    Beta,
    /// On for good.
    Stable,
}

/// What switching a gate does in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It switches what the description says.
    Switched,
    /// Nothing: the gate is about the insides of the Go collector. Says so.
    None,
    /// It cannot be switched from its default, and this is why.
    Fixed(&'static str),
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
    /// What switching it does here.
    pub effect: Effect,
}

/// Lists of receivers, exporters and extensions are appended on merging, not replaced.
pub const MERGE_APPEND: &str = "confmap.enableMergeAppendOption";
/// A configuration without pipelines is valid.
pub const ALLOW_NO_PIPELINES: &str = "service.AllowNoPipelines";

/// The gates of the Go collector that concern what this distribution has, by id. One that cannot be
/// switched here is listed with the reason, so that nothing is switched silently to no effect.
pub const GATES: &[Gate] = &[
    Gate {
        id: MERGE_APPEND,
        stage: Stage::Alpha,
        description: "Combines the lists of receivers, exporters and extensions of several configurations, instead of keeping the last.",
        from_version: "v0.120.0",
        effect: Effect::Switched,
    },
    Gate {
        id: "pdata.useProtoPooling",
        stage: Stage::Alpha,
        description: "Has no effect: payloads stay bytes, so there are no objects to pool.",
        from_version: "v0.133.0",
        effect: Effect::None,
    },
    Gate {
        id: "pkg.exporterhelper.queueBatchEnabled",
        stage: Stage::Alpha,
        description: "Turns on batching in sending queues by default.",
        from_version: "v0.158.0",
        effect: Effect::Fixed("sending_queue::batch is not supported yet by this version"),
    },
    Gate {
        id: "receiverhelper.newReceiverMetrics",
        stage: Stage::Alpha,
        description: "Makes receivers count requests, and failures apart from refusals.",
        from_version: "v0.138.0",
        effect: Effect::Fixed("these metrics are not supported yet by this version"),
    },
    Gate {
        id: ALLOW_NO_PIPELINES,
        stage: Stage::Alpha,
        description: "Allows a configuration that has no pipelines.",
        from_version: "v0.122.0",
        effect: Effect::Switched,
    },
    Gate {
        id: "service.partialReload",
        stage: Stage::Stable,
        description: "Reloads only what has changed in the configuration.",
        from_version: "v0.157.0",
        effect: Effect::Fixed("a reload always keeps what has not changed"),
    },
    Gate {
        id: "service.partialReloadReceivers",
        stage: Stage::Stable,
        description: "Restarts only receivers when nothing else has changed.",
        from_version: "v0.157.0",
        effect: Effect::Fixed("a reload always keeps what has not changed"),
    },
    Gate {
        id: "service.profilesSupport",
        stage: Stage::Alpha,
        description: "Allows pipelines of the signal profiles.",
        from_version: "v0.112.0",
        effect: Effect::Fixed("the signal profiles is not supported yet by this version"),
    },
    Gate {
        id: "telemetry.newPipelineTelemetry",
        stage: Stage::Alpha,
        description: "Counts what each component of a pipeline consumes and produces.",
        from_version: "v0.123.0",
        effect: Effect::Fixed("these metrics are not supported yet by this version"),
    },
];

/// Which gates are on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureGates {
    enabled: Vec<&'static str>,
    notices: Vec<String>,
}

/// An element of `--feature-gates` could not be applied.
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
    /// This version has nothing that the gate could switch on.
    #[error("feature gate \"{id}\" can not be enabled: {reason}")]
    StaysOff {
        /// The gate.
        id: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// The gate is on for good.
    #[error("feature gate \"{id}\" is stable, can not be disabled: {reason}")]
    StaysOn {
        /// The gate.
        id: &'static str,
        /// Why.
        reason: &'static str,
    },
}

impl Gate {
    /// The gate of this id.
    pub fn find(id: &str) -> Option<&'static Self> {
        GATES.iter().find(|gate| gate.id == id)
    }

    /// Whether it is on when nobody switches it.
    pub fn is_on_by_default(&self) -> bool {
        self.stage != Stage::Alpha
    }
}

impl FeatureGates {
    /// Whether a gate is on.
    pub fn is_enabled(&self, id: &str) -> bool {
        self.enabled.contains(&id)
    }

    /// What is to be told of gates that were switched to no effect, a sentence each.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Applies a comma list of `id` or `+id` (on) and `-id` (off); an empty list changes nothing. What
    /// can be applied is, and the errors of the rest are returned.
    pub fn apply(&mut self, list: &str) -> Result<(), Vec<GateError>> {
        if list.is_empty() {
            return Ok(());
        }
        let elements = list.split(',').enumerate();
        let errors: Vec<GateError> =
            elements.filter_map(|(index, element)| self.switch(index, element).err()).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn switch(&mut self, index: usize, element: &str) -> Result<(), GateError> {
        if element.is_empty() {
            return Err(GateError::Empty(index));
        }
        let (id, on) = match element.strip_prefix('-') {
            Some(id) => (id, false),
            None => (element.strip_prefix('+').unwrap_or(element), true),
        };
        let gate = Gate::find(id).ok_or_else(|| GateError::Unknown { id: id.to_owned() })?;
        match gate.effect {
            Effect::Fixed(reason) if on && !gate.is_on_by_default() => {
                return Err(GateError::StaysOff { id: gate.id, reason });
            }
            Effect::Fixed(reason) if !on && gate.is_on_by_default() => {
                return Err(GateError::StaysOn { id: gate.id, reason });
            }
            Effect::Fixed(_) if on => {
                self.notices.push(format!("Feature gate \"{id}\" is stable and already enabled."));
            }
            Effect::None => {
                self.notices.push(format!("Feature gate \"{id}\" has no effect in this distribution."));
            }
            Effect::Switched | Effect::Fixed(_) => {}
        }
        self.enabled.retain(|enabled| *enabled != gate.id);
        if on {
            self.enabled.push(gate.id);
        }
        Ok(())
    }
}

impl Default for FeatureGates {
    fn default() -> Self {
        let enabled = GATES.iter().filter(|gate| gate.is_on_by_default()).map(|gate| gate.id).collect();
        Self { enabled, notices: Vec::new() }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alpha => "Alpha",
            Self::Beta => "Beta",
            Self::Stable => "Stable",
        })
    }
}

fn valid_ids() -> String {
    GATES.iter().map(|gate| gate.id).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(result: Result<(), Vec<GateError>>) -> Vec<String> {
        result.err().into_iter().flatten().map(|error| error.to_string()).collect()
    }

    #[test]
    fn a_list_switches_gates_on_and_off_in_order() {
        let mut gates = FeatureGates::default();
        assert!(!gates.is_enabled(MERGE_APPEND));
        gates.apply("+confmap.enableMergeAppendOption,service.AllowNoPipelines").unwrap();
        assert!(gates.is_enabled(MERGE_APPEND) && gates.is_enabled(ALLOW_NO_PIPELINES));
        gates.apply("-confmap.enableMergeAppendOption").unwrap();
        assert!(!gates.is_enabled(MERGE_APPEND) && gates.is_enabled(ALLOW_NO_PIPELINES));
        gates.apply("").unwrap();
        assert!(gates.is_enabled(ALLOW_NO_PIPELINES));
    }

    #[test]
    fn every_element_that_cannot_be_applied_is_reported_and_the_others_are_applied() {
        let mut gates = FeatureGates::default();
        let errors = texts(gates.apply("nope,service.AllowNoPipelines,,x"));
        assert!(errors[0].starts_with(
            "no such feature gate \"nope\". valid gates: [confmap.enableMergeAppendOption pdata.useProtoPooling "
        ));
        assert_eq!(errors[1], "empty feature gate identifier at index 2");
        assert_eq!(errors.len(), 3);
        assert!(gates.is_enabled(ALLOW_NO_PIPELINES));
    }

    #[test]
    fn a_gate_that_is_fixed_cannot_be_switched_and_may_be_set_to_what_it_is() {
        let mut gates = FeatureGates::default();
        assert_eq!(
            texts(gates.apply("service.profilesSupport,-service.partialReload")),
            [
                "feature gate \"service.profilesSupport\" can not be enabled: the signal profiles is not supported yet by this version",
                "feature gate \"service.partialReload\" is stable, can not be disabled: a reload always keeps what has not changed",
            ]
        );
        gates.apply("-service.profilesSupport,service.partialReload,pdata.useProtoPooling").unwrap();
        assert_eq!(
            gates.notices(),
            [
                "Feature gate \"service.partialReload\" is stable and already enabled.",
                "Feature gate \"pdata.useProtoPooling\" has no effect in this distribution.",
            ]
        );
    }

    #[test]
    fn gates_are_listed_by_id() {
        assert!(GATES.is_sorted_by_key(|gate| gate.id));
    }
}
