use std::path::Path;

use super::*;
use crate::contract::{Deprecated, Metric};
use crate::{notice, released};

fn snapshot() -> Contract {
    Contract::from_json(include_str!("../diff/snapshot.json")).unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn release(date: &str, contract: Contract) -> Release {
    Release { date: day(date), contract }
}

fn notice(id: &str, kind: Kind, what: &[&str]) -> Notice {
    let what = what.iter().map(|&path| path.to_owned()).collect();
    Notice { id: id.to_owned(), kind, what, ..Notice::default() }
}

/// What stands against the snapshot of 1.2.0, changed so and with this version, a year after its release.
fn objections(version: &str, change: impl Fn(&mut Contract), notices: &[Notice]) -> Vec<String> {
    let mut current = snapshot();
    current.version = version.parse().unwrap();
    change(&mut current);
    let review = review(&current, &[release("2026-01-01", snapshot())], notices, day("2027-01-01"));
    review.objections.iter().map(ToString::to_string).collect()
}

fn unit_of_size(contract: &mut Contract) {
    metric(contract, "send_size").unit = "KiBy".to_owned();
}

fn metric<'a>(contract: &'a mut Contract, name: &str) -> &'a mut Metric {
    contract.metrics.get_mut(name).unwrap()
}

#[test]
fn what_has_not_changed_may_be_released_and_so_may_the_first_one() {
    assert_eq!(objections("1.2.0", |_| {}, &[]), [""; 0]);
    let first = review(&snapshot(), &[], &[], day("2026-01-01"));
    assert_eq!((first.since, first.objections), (None, Vec::new()));
}

#[test]
fn a_forbidden_change_is_not_excused_by_a_notice_and_a_version() {
    let told = notice("gone", Kind::Breaking, &["metrics::failed"]);
    let [forbidden] = &objections("2.0.0", |new| drop(new.metrics.remove("failed")), &[told])[..] else {
        panic!("one objection")
    };
    assert!(forbidden.starts_with("forbidden: metrics::failed: "), "{forbidden}");
}

#[test]
fn a_breaking_change_needs_a_notice_that_says_so_and_a_version() {
    let untold = objections("1.2.0", unit_of_size, &[]);
    assert_eq!(untold.len(), 3, "{untold:#?}");
    assert!(
        untold[0].starts_with("nobody is told of this: metrics::send_size::unit: By → KiBy"),
        "{untold:#?}"
    );
    assert!(untold[0].ends_with("`what: [metrics::send_size::unit]`"), "{untold:#?}");
    assert_eq!(
        untold[2],
        "the version 1.2.0 is too low: the changes since 1.2.0 need minor growth, at least 1.3.0; set it in telemetry-schema/manifest.yaml"
    );
    let kind = notice("size", Kind::Additive, &["metrics::send_size"]);
    assert_eq!(objections("1.3.0", unit_of_size, &[kind]), ["changes/size.yaml: kind must be breaking"]);
    let told = notice("size", Kind::Breaking, &["metrics::send_size"]);
    assert_eq!(objections("1.3.0", unit_of_size, &[told]), [""; 0]);
}

#[test]
fn a_change_of_what_is_stable_needs_a_notice_even_when_nothing_breaks() {
    let lower = |new: &mut Contract| metric(new, "failed").annotations.contract.level = crate::Level::Basic;
    let untold = objections("1.3.0", lower, &[]);
    assert!(untold[0].starts_with("nobody is told of this: metrics::failed::level: "), "{untold:#?}");
    let told = notice("level", Kind::Additive, &["metrics::failed::level"]);
    assert_eq!(objections("1.3.0", lower, &[told]), [""; 0]);
    assert_eq!(objections("1.2.1", |new| metric(new, "failed").brief = "Lost.".to_owned(), &[]), [""; 0]);
}

#[test]
fn what_is_in_development_changes_without_a_notice() {
    let mut last = snapshot();
    metric(&mut last, "send_size").stability = Stability::Development;
    let mut current = last.clone();
    unit_of_size(&mut current);
    current.version = Version::new(1, 3, 0);
    let review = review(&current, &[release("2026-01-01", last)], &[], day("2026-01-02"));
    assert_eq!(review.objections, []);
}

#[test]
fn a_notice_of_nothing_is_an_orphan() {
    let orphan = notice("size", Kind::Breaking, &["metrics::send_size", "metrics::failed::unit"]);
    assert_eq!(
        objections("1.3.0", unit_of_size, &[orphan]),
        ["changes/size.yaml: nothing has changed at \"metrics::failed::unit\""]
    );
}

#[test]
fn what_is_new_or_deprecated_is_so_since_a_version_after_the_last_release() {
    let change = |since: Version| {
        move |new: &mut Contract| {
            let mut added = metric(new, "send_size").clone();
            added.annotations.contract.since = since.clone();
            new.metrics.insert("new".to_owned(), added);
            let size = metric(new, "send_size");
            size.deprecated = Some(Deprecated::Obsoleted { note: "Nothing needs it.".to_owned() });
            size.annotations.contract.deprecated_since = Some(since.clone());
        }
    };
    assert_eq!(
        objections("1.3.0", change(Version::new(1, 2, 0)), &[]),
        [
            "metrics::send_size::deprecated: deprecated_since must be a version after 1.2.0, which was released without it",
            "metrics::new: since must be a version after 1.2.0, which was released without it",
        ]
    );
    assert_eq!(objections("1.3.0", change(Version::new(1, 3, 0)), &[]), [""; 0]);
}

#[test]
fn what_is_stable_goes_a_year_after_the_release_that_deprecated_it() {
    let mut current = snapshot();
    current.version = Version::new(2, 0, 0);
    current.metrics.remove("accepted");
    let told = [notice("gone", Kind::Breaking, &["metrics::accepted"])];
    let mut before = snapshot();
    before.version = Version::new(1, 1, 0);
    metric(&mut before, "accepted").deprecated = None;
    let releases =
        [release("2025-06-01", before), release("2026-01-10", snapshot()), release("2026-08-01", snapshot())];
    let too_soon = Objection::TooSoon { path: "metrics::accepted".to_owned(), from: day("2027-01-10") };
    assert_eq!(review(&current, &releases, &told, day("2027-01-09")).objections, [too_soon]);
    assert_eq!(review(&current, &releases, &told, day("2027-01-10")).objections, []);
}

#[test]
fn what_is_beta_goes_after_a_release_that_deprecated_it() {
    let told = [notice("gone", Kind::Breaking, &["metrics::send_size"])];
    let unannounced = objections("1.3.0", |new| drop(new.metrics.remove("send_size")), &told);
    assert_eq!(
        unannounced,
        [
            "metrics::send_size was deprecated in no release before: deprecate it, release, and remove it later"
        ]
    );
    let mut last = snapshot();
    let size = metric(&mut last, "send_size");
    size.deprecated = Some(Deprecated::Obsoleted { note: "Nothing needs it.".to_owned() });
    size.annotations.contract.deprecated_since = Some(Version::new(1, 2, 0));
    size.annotations.contract.removed_in = Some(Version::new(1, 3, 0));
    let mut current = last.clone();
    current.version = Version::new(1, 3, 0);
    current.metrics.remove("send_size");
    let review = review(&current, &[release("2026-01-01", last)], &told, day("2026-01-02"));
    assert_eq!(review.objections, []);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long ago a release was is asked of the calendar")]
fn the_contract_of_the_tree_may_follow_the_last_release() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let current = crate::load(folder).unwrap_or_else(|error| panic!("{error}"));
    let releases = released::load(&folder.join("released")).unwrap_or_else(|error| panic!("{error}"));
    let notices = notice::load(&folder.join("changes")).unwrap_or_else(|error| panic!("{error}"));
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let today = Date::of_days(u32::try_from(since_epoch.as_secs() / 86_400).unwrap());
    let review = review(&current, &releases, &notices, today);
    let told: Vec<String> = review.objections.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "see `cargo xtask contract check`:\n{}", told.join("\n"));
}
