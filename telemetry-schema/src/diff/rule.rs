//! The rules: which change means what.

use std::fmt;

use serde::Serialize;

use super::Verdict;
use crate::contract::Stability;

/// Rules, each with what it does to those who rely on what was there.
macro_rules! rules {
    ($($name:ident: $why:literal,)*) => {
        /// A kind of change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Rule {
            $(#[doc = $why] $name,)*
        }

        impl Rule {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What it does to those who rely on what was there.
            pub fn why(self) -> &'static str {
                match self {
                    $(Self::$name => $why,)*
                }
            }
        }
    };
}

rules! {
    Added: "what is new changes nothing that was there",
    Removed: "it was not deprecated for long enough, with what replaces it beside it",
    RemovedAfterDeprecation: "it goes when it was announced to go",
    Deprecated: "it stays until its removal, which needs time to move away from it",
    DeprecatedWithoutSuccessor: "what replaces it must be there, and be the same but for its name",
    Undeprecated: "it stays after all",
    DeprecationShortened: "less time is left than was promised",
    DeprecationExtended: "more time is left than was promised",
    StabilityRaised: "more is promised than before",
    StabilityLowered: "less is promised than before",
    TextChanged: "it is told in other words",
    MeaningChanged: "the same query has another meaning",
    EvidenceAdded: "more is known to hold",
    EvidenceRemoved: "less is known to hold",
    InstrumentChanged: "functions that fitted it, as a rate fits a counter, do not fit any more",
    UnitChanged: "thresholds and axes are in another unit",
    ValueTypeChanged: "readers see another type of numbers",
    CollectionChanged: "it is recorded at other times",
    BucketsChanged: "queries that name a bound find nothing, and quantiles of old and new do not mix",
    LevelRaised: "it is gone where the level is not raised too",
    LevelLowered: "it is there at more levels",
    PresenceWeakened: "its series may be absent, and a comparison with nothing is never true",
    PresenceStrengthened: "its series are there earlier, which only a search for what is absent can tell",
    LabelAdded: "there are more series, and queries that match all labels find none",
    OptInLabelAdded: "it is only there when it is asked for",
    LabelRemoved: "queries that match or group by it find nothing",
    LabelNotAlways: "queries that match or group by it miss some",
    LabelAlways: "it is there where it was missing",
    ValueAdded: "queries that exclude the other values count it too",
    ValueRemoved: "queries that match the value find nothing",
    ValueTypeOfLabelChanged: "its values are compared in another way",
    DomainWidened: "there may be more series than was planned for",
    DomainNarrowed: "there are at most as many series as before",
    SeverityChanged: "filters by severity find it no longer, or newly",
    SampledChanged: "it may be left out, or is told more often",
    SpanKindChanged: "filters by kind find it no longer",
    SpanNameChanged: "filters by name find it no longer",
    SpanStatusChanged: "filters by status find other spans",
    SpanEventRemoved: "queries of it find nothing",
    IdentityChanged: "what tells one instance from another is not the same",
    ContractRenamed: "it is another contract",
    DefaultExpositionChanged: "who has configured nothing sees other names",
    ExpositionRemoved: "who reads it sees other names, or nothing",
    NamingChanged: "every name in it may be another one",
    ExposedNameChanged: "queries of its name find nothing",
    ExposedTypeChanged: "functions that fitted it, as a rate fits a counter, do not fit any more",
    ExposedLabelChanged: "queries that match or group by the label find nothing",
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
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why())
    }
}
