//! Whether today's contract may follow the last release.

use semver::Version;

use crate::contract::{Contract, Deprecated, Stability};
use crate::diff::{Bump, Change, Rule, Verdict, compare, required_bump};
use crate::notice::{Kind, Notice};
use crate::released::{Date, Release};

/// What has changed since the last release, and what must be done about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// The last release; nothing before the first one.
    pub since: Option<Version>,
    /// Every change since then.
    pub changes: Vec<Change>,
    /// What they need together.
    pub bump: Bump,
    /// Why it cannot be released as it is.
    pub objections: Vec<Objection>,
}

/// Why a contract cannot be released.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// A change that no version excuses.
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// A removal that comes too soon.
    #[error("{path} may be removed from {from} on: users have a year from the release that deprecated it")]
    TooSoon {
        /// What is removed.
        path: String,
        /// The first day on which it may be gone.
        from: Date,
    },
    /// A removal that no release announced.
    #[error("{0} was deprecated in no release before: deprecate it, release, and remove it later")]
    Unannounced(String),
    /// A change that users are not told of.
    #[error("nobody is told of this: {change}; write telemetry-schema/changes/ID.yaml with `what: [{path}]`")]
    Untold {
        /// Its path.
        path: String,
        /// The change.
        change: String,
    },
    /// A notice of nothing.
    #[error("changes/{id}.yaml: nothing has changed at {what:?}")]
    Orphan {
        /// Of the notice.
        id: String,
        /// The path that is meant.
        what: String,
    },
    /// A notice that calls its changes something else than they are.
    #[error("changes/{id}.yaml: kind must be {}", match .kind { Kind::Additive => "additive", Kind::Breaking => "breaking" })]
    Kind {
        /// Of the notice.
        id: String,
        /// What it is.
        kind: Kind,
    },
    /// A version from which on something is new or deprecated, although a release without it has that version.
    #[error("{path}: {field} must be a version after {since}, which was released without it")]
    Backdated {
        /// Of the change.
        path: String,
        /// The field.
        field: &'static str,
        /// The last release.
        since: Version,
    },
    /// The manifest's version is too low.
    #[error(
        "the version {version} is too low: the changes since {since} need {bump} growth, at least {least}; set it in telemetry-schema/manifest.yaml"
    )]
    Version {
        /// Of the manifest.
        version: Version,
        /// The last release.
        since: Version,
        /// What the changes need.
        bump: Bump,
        /// The least version that will do.
        least: Version,
    },
}

/// Reviews `current` against `releases`, the oldest first, with what users are told of the changes.
pub fn review(current: &Contract, releases: &[Release], notices: &[Notice], today: Date) -> Review {
    let last = releases.last().map(|release| &release.contract);
    let changes = last.map(|last| compare(last, current)).unwrap_or_default();
    let bump = required_bump(&changes);
    let mut objections = Vec::new();
    for change in &changes {
        objections.extend(objection(change, releases, notices, today));
        objections.extend(last.and_then(|last| backdated(change, &last.version, current)));
    }
    for notice in notices {
        let orphans = notice
            .orphans(&changes)
            .map(|what| Objection::Orphan { id: notice.id.clone(), what: what.to_owned() });
        objections.extend(orphans);
        let covered: Vec<&Change> = changes.iter().filter(|change| notice.covers(change)).collect();
        let kind = Kind::of(covered.iter().copied());
        if !covered.is_empty() && kind != notice.kind {
            objections.push(Objection::Kind { id: notice.id.clone(), kind });
        }
    }
    if let Some(last) = last {
        let least = bump.from(&last.version);
        if current.version < least {
            let (version, since) = (current.version.clone(), last.version.clone());
            objections.push(Objection::Version { version, since, bump, least });
        }
    }
    Review { since: last.map(|last| last.version.clone()), changes, bump, objections }
}

fn objection(change: &Change, releases: &[Release], notices: &[Notice], today: Date) -> Option<Objection> {
    if change.verdict == Verdict::Forbidden {
        return Some(Objection::Forbidden(change.to_string()));
    }
    if matches!(change.rule, Rule::Removed | Rule::RemovedAfterDeprecation)
        && change.stability >= Stability::Beta
    {
        match deprecated_on(&change.path, releases) {
            // Beta has a release's notice, and stable a year's.
            None => return Some(Objection::Unannounced(change.path.clone())),
            Some(date) if change.stability == Stability::Stable && today < date.next_year() => {
                return Some(Objection::TooSoon { path: change.path.clone(), from: date.next_year() });
            }
            Some(_) => {}
        }
    }
    let is_told = notices.iter().any(|notice| notice.covers(change));
    (needs_notice(change) && !is_told)
        .then(|| Objection::Untold { path: change.path.clone(), change: change.to_string() })
}

/// What is new or deprecated since the last release says so.
fn backdated(change: &Change, last: &Version, current: &Contract) -> Option<Objection> {
    let mut parts = change.path.split("::");
    let (section, name) = (parts.next()?, parts.next()?);
    let (field, said) = match (change.rule, section) {
        (Rule::Added, "metrics") if parts.next().is_none() => {
            ("since", &current.metrics.get(name)?.annotations.contract.since)
        }
        (Rule::Added, "events") if parts.next().is_none() => {
            ("since", &current.events.get(name)?.annotations.contract.since)
        }
        (Rule::Added, "spans") if parts.next().is_none() => {
            ("since", &current.spans.get(name)?.annotations.contract.since)
        }
        (Rule::Deprecated, "metrics") => {
            let since = &current.metrics.get(name)?.annotations.contract.deprecated_since;
            ("deprecated_since", since.as_ref()?)
        }
        _ => return None,
    };
    (said <= last).then(|| Objection::Backdated { path: change.path.clone(), field, since: last.clone() })
}

/// Whether users must be told: of what breaks, unless everybody knew that it may, and of all that becomes of what is
/// stable.
fn needs_notice(change: &Change) -> bool {
    let is_breaking = change.verdict >= Verdict::Breaking && change.stability > Stability::Development;
    let touches_stable = change.stability == Stability::Stable
        && change.verdict != Verdict::None
        && change.rule != Rule::Added;
    is_breaking || touches_stable
}

/// The day of the first of the releases that all had it as deprecated until the last one.
fn deprecated_on(path: &str, releases: &[Release]) -> Option<Date> {
    let (section, name) = path.split_once("::")?;
    let is_deprecated = |release: &&Release| {
        let contract = &release.contract;
        let deprecated: Option<&Deprecated> = match section {
            "metrics" => contract.metrics.get(name).and_then(|metric| metric.deprecated.as_ref()),
            "events" => contract.events.get(name).and_then(|event| event.deprecated.as_ref()),
            "spans" => contract.spans.get(name).and_then(|span| span.deprecated.as_ref()),
            _ => None,
        };
        deprecated.is_some()
    };
    releases.iter().rev().take_while(is_deprecated).last().map(|release| release.date)
}

#[cfg(test)]
mod tests;
