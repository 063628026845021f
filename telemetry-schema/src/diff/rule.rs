//! The rules: which change means what.

use std::fmt;

use serde::Serialize;

use super::Verdict;
use crate::contract::Stability;

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "`why` says it for each")]
pub enum Rule {
    Added,
    Removed,
    RemovedAfterDeprecation,
    Deprecated,
    DeprecatedWithoutSuccessor,
    Undeprecated,
    DeprecationShortened,
    DeprecationExtended,
    StabilityRaised,
    StabilityLowered,
    TextChanged,
    MeaningChanged,
    EvidenceAdded,
    EvidenceRemoved,
    InstrumentChanged,
    UnitChanged,
    ValueTypeChanged,
    CollectionChanged,
    BucketsChanged,
    LevelRaised,
    LevelLowered,
    PresenceWeakened,
    PresenceStrengthened,
    LabelAdded,
    OptInLabelAdded,
    LabelRemoved,
    LabelNotAlways,
    LabelAlways,
    ValueAdded,
    ValueRemoved,
    ValueTypeOfLabelChanged,
    DomainWidened,
    DomainNarrowed,
    SeverityChanged,
    SampledChanged,
    SpanKindChanged,
    SpanNameChanged,
    SpanStatusChanged,
    SpanEventRemoved,
    IdentityChanged,
    ContractRenamed,
    DefaultExpositionChanged,
    ExpositionRemoved,
    NamingChanged,
    ExposedNameChanged,
    ExposedTypeChanged,
    ExposedLabelChanged,
}

impl Rule {
    /// What a change by this rule means, to something of which so much was promised.
    pub fn verdict(self, stability: Stability) -> Verdict {
        let is_stable = stability == Stability::Stable;
        match self {
            Self::TextChanged | Self::DeprecationExtended => Verdict::None,
            Self::Added
            | Self::Deprecated
            | Self::Undeprecated
            | Self::StabilityRaised
            | Self::EvidenceAdded
            | Self::LevelLowered
            | Self::PresenceStrengthened
            | Self::OptInLabelAdded
            | Self::LabelAlways
            | Self::DomainNarrowed => Verdict::Additive,
            Self::LabelAdded | Self::ValueAdded if !is_stable => Verdict::Additive,
            Self::Removed
            | Self::StabilityLowered
            | Self::DeprecatedWithoutSuccessor
            | Self::DeprecationShortened
            | Self::ExposedNameChanged
                if is_stable =>
            {
                Verdict::Forbidden
            }
            Self::Removed
            | Self::RemovedAfterDeprecation
            | Self::StabilityLowered
            | Self::DeprecatedWithoutSuccessor
            | Self::DeprecationShortened
            | Self::ExposedNameChanged
            | Self::LabelAdded
            | Self::ValueAdded
            | Self::MeaningChanged
            | Self::EvidenceRemoved
            | Self::InstrumentChanged
            | Self::UnitChanged
            | Self::ValueTypeChanged
            | Self::CollectionChanged
            | Self::BucketsChanged
            | Self::LevelRaised
            | Self::PresenceWeakened
            | Self::LabelRemoved
            | Self::LabelNotAlways
            | Self::ValueRemoved
            | Self::ValueTypeOfLabelChanged
            | Self::DomainWidened
            | Self::SeverityChanged
            | Self::SampledChanged
            | Self::SpanKindChanged
            | Self::SpanNameChanged
            | Self::SpanStatusChanged
            | Self::SpanEventRemoved
            | Self::IdentityChanged
            | Self::ContractRenamed
            | Self::DefaultExpositionChanged
            | Self::ExpositionRemoved
            | Self::NamingChanged
            | Self::ExposedTypeChanged
            | Self::ExposedLabelChanged => Verdict::Breaking,
        }
    }

    /// What it does to those who rely on what was there.
    pub fn why(self) -> &'static str {
        match self {
            Self::Added => "what is new changes nothing that was there",
            Self::Removed => "it was not deprecated for long enough, with what replaces it beside it",
            Self::RemovedAfterDeprecation => "it goes when it was announced to go",
            Self::Deprecated => "it stays until its removal, which needs time to move away from it",
            Self::DeprecatedWithoutSuccessor => {
                "what replaces it must be there, and be the same but for its name"
            }
            Self::Undeprecated => "it stays after all",
            Self::DeprecationShortened => "less time is left than was promised",
            Self::DeprecationExtended => "more time is left than was promised",
            Self::StabilityRaised => "more is promised than before",
            Self::StabilityLowered => "less is promised than before",
            Self::TextChanged => "it is told in other words",
            Self::MeaningChanged => "the same query has another meaning",
            Self::EvidenceAdded => "more is known to hold",
            Self::EvidenceRemoved => "less is known to hold",
            Self::InstrumentChanged => "functions that fit it, as rate() does counters, do not fit any more",
            Self::UnitChanged => "thresholds and axes are in another unit",
            Self::ValueTypeChanged => "readers see another type of numbers",
            Self::CollectionChanged => "it is recorded at other times",
            Self::BucketsChanged => {
                "queries that name a bound find nothing, and quantiles of old and new do not mix"
            }
            Self::LevelRaised => "it is gone where the level is not raised too",
            Self::LevelLowered => "it is there at more levels",
            Self::PresenceWeakened => "its series may be absent, and a comparison with nothing is never true",
            Self::PresenceStrengthened => "its series are there earlier, which only absent() can tell",
            Self::LabelAdded => "there are more series, and queries that match all labels find none",
            Self::OptInLabelAdded => "it is only there when it is asked for",
            Self::LabelRemoved => "queries that match or group by it find nothing",
            Self::LabelNotAlways => "queries that match or group by it miss some",
            Self::LabelAlways => "it is there where it was missing",
            Self::ValueAdded => "queries that exclude the other values count it too",
            Self::ValueRemoved => "queries that match the value find nothing",
            Self::ValueTypeOfLabelChanged => "its values are compared in another way",
            Self::DomainWidened => "there may be more series than was planned for",
            Self::DomainNarrowed => "there are at most as many series as before",
            Self::SeverityChanged => "filters by severity find it no longer, or newly",
            Self::SampledChanged => "it may be left out, or is told more often",
            Self::SpanKindChanged => "filters by kind find it no longer",
            Self::SpanNameChanged => "filters by name find it no longer",
            Self::SpanStatusChanged => "filters by status find other spans",
            Self::SpanEventRemoved => "queries of it find nothing",
            Self::IdentityChanged => "what tells one instance from another is not the same",
            Self::ContractRenamed => "it is another contract",
            Self::DefaultExpositionChanged => "who has configured nothing sees other names",
            Self::ExpositionRemoved => "who reads it sees other names, or nothing",
            Self::NamingChanged => "every name in it may be another one",
            Self::ExposedNameChanged => "queries of its name find nothing",
            Self::ExposedTypeChanged => "functions that fit it, as rate() does counters, do not fit any more",
            Self::ExposedLabelChanged => "queries that match or group by the label find nothing",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why())
    }
}
