//! Which metrics a reader is told of.

use crate::definition::{Definition, Level};

/// Which metrics a reader is told of: those of a level, without some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Metrics of this level and of those below it.
    pub level: Level,
    /// What is left out.
    pub dropped: Vec<Selector>,
}

/// Metrics that have all that this says; one that says nothing selects none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// A name as OTLP has it, in which `*` is any text and `?` any character.
    pub name: Option<String>,
    /// A unit as OTLP has it.
    pub unit: Option<String>,
    /// The scope.
    pub scope: Option<String>,
    /// The version of the scope.
    pub scope_version: Option<String>,
}

/// The scope of every metric: what records it.
pub const SCOPE_NAME: &str = "etalon";
/// The version of the scope.
pub const SCOPE_VERSION: &str = env!("CARGO_PKG_VERSION");

impl Default for Selection {
    fn default() -> Self {
        Self { level: Level::Normal, dropped: Vec::new() }
    }
}

impl Selection {
    pub(crate) fn has(&self, definition: &Definition) -> bool {
        definition.level <= self.level && !self.dropped.iter().any(|selector| selector.selects(definition))
    }
}

impl Selector {
    fn selects(&self, definition: &Definition) -> bool {
        let Self { name, unit, scope, scope_version } = self;
        *self != Self::default()
            && name.as_ref().is_none_or(|pattern| matches(pattern, definition.name))
            && unit.as_ref().is_none_or(|unit| unit == definition.unit)
            && scope.as_ref().is_none_or(|scope| scope == SCOPE_NAME)
            && scope_version.as_ref().is_none_or(|version| version == SCOPE_VERSION)
    }
}

/// Whether all of `text` is as `pattern` says: `*` is any text, `?` any character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut in_text) = (0, 0);
    // Where to go on when what follows the last star does not match: one more character is the star's.
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(char) if *char == '?' || *char == text[in_text] => (at, in_text) = (at + 1, in_text + 1),
            _ => {
                let Some((star_at, star_text)) = star else { return false };
                star = Some((star_at, star_text + 1));
                (at, in_text) = (star_at + 1, star_text + 1);
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{Instrument, Stability, ValueType};

    const QUEUE_SIZE: Definition = Definition {
        name: "otelcol_exporter_queue_size",
        brief: "",
        unit: "{batch}",
        instrument: Instrument::Gauge,
        value_type: ValueType::Int,
        level: Level::Normal,
        stability: Stability::Beta,
        on_event: false,
        buckets: &[],
    };

    #[test]
    fn a_level_has_the_metrics_of_those_below_it() {
        let at = |level| Selection { level, dropped: Vec::new() }.has(&QUEUE_SIZE);
        assert_eq!([Level::Basic, Level::Normal, Level::Detailed].map(at), [false, true, true]);
    }

    #[test]
    fn a_selector_selects_what_has_all_that_it_says() {
        let selects = |change: fn(&mut Selector)| {
            let mut selector = Selector::default();
            change(&mut selector);
            let selection = Selection { level: Level::Detailed, dropped: vec![selector] };
            !selection.has(&QUEUE_SIZE)
        };
        assert!(!selects(|_| {}));
        assert!(selects(|s| s.name = Some("otelcol_exporter_*".into())));
        assert!(selects(|s| s.unit = Some("{batch}".into())));
        assert!(!selects(|s| s.unit = Some("By".into())));
        assert!(selects(|s| s.scope = Some("etalon".into())));
        assert!(!selects(|s| s.scope = Some("other".into())));
        assert!(!selects(|s| s.scope_version = Some("0".into())));
        assert!(!selects(|s| (s.name, s.unit) = (Some("*".into()), Some("By".into()))));
    }

    #[test]
    fn stars_and_question_marks_stand_for_text() {
        for (pattern, expected) in [
            ("otelcol_exporter_queue_size", true),
            ("otelcol_exporter_queue", false),
            ("*", true),
            ("*size", true),
            ("otelcol_*queue*", true),
            ("*_*_*_*", true),
            ("*_*_*_*_*", false),
            ("otelcol_exporter_queue_siz?", true),
            ("otelcol_exporter_queue_size?", false),
            ("", false),
        ] {
            assert_eq!(matches(pattern, QUEUE_SIZE.name), expected, "{pattern}");
        }
    }
}
