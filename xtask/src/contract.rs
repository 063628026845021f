//! `cargo xtask contract`: reviews the telemetry contract against its last release, and releases it.

mod freeze;
mod observed;
mod running;

use std::path::PathBuf;

use etalon_telemetry_schema::Contract;
use etalon_telemetry_schema::notice::{self, Notice};
use etalon_telemetry_schema::released::{self, Date, Release};
use etalon_telemetry_schema::review::{Review, review};

use crate::command::{Places, say};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "usage: cargo xtask contract <task>

tasks:
  check              tell what has changed since the last release, and what must be done before the next one
  freeze VERSION     release the contract as it is: write it down, with what the program serves and pushes, for good
  freeze VERSION --again
                     the same, in place of the last release, as long as that is not published
  publish VERSION    say that the release is published, so that it is not frozen again
";

/// The contract of the tree, and what it is reviewed with.
struct Tree {
    places: Places,
    current: Contract,
    releases: Vec<Release>,
    notices: Vec<Notice>,
    today: Date,
}

/// Runs the task that is named.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["check"] => check(&Tree::load()?),
        ["freeze", version] => freeze::run(&Tree::load()?, version),
        ["freeze", version, "--again"] => freeze::again(&Places::find()?, version),
        ["publish", version] => freeze::publish(&Places::find()?, version),
        _ => Err(USAGE.into()),
    }
}

impl Tree {
    fn load() -> Result<Self> {
        let places = Places::find()?;
        let folder = places.root.join("telemetry-schema");
        Ok(Self {
            current: etalon_telemetry_schema::load(&folder)?,
            releases: released::load(&folder.join("released"))?,
            notices: notice::load(&folder.join("changes"))?,
            today: today(),
            places,
        })
    }

    fn released(&self) -> PathBuf {
        self.places.root.join("telemetry-schema/released")
    }

    fn review(&self) -> Review {
        review(&self.current, &self.releases, &self.notices, self.today)
    }
}

#[expect(clippy::disallowed_methods, reason = "a release bears the day of the calendar")]
fn today() -> Date {
    const DAY: u64 = 24 * 60 * 60;
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Date::of_days(u32::try_from(since_epoch.as_secs() / DAY).unwrap_or_default())
}

fn check(tree: &Tree) -> Result<()> {
    let review = tree.review();
    match &review.since {
        None => say("no version of the contract has been released"),
        Some(since) if review.changes.is_empty() => say(&format!("nothing has changed since {since}")),
        Some(since) => {
            for change in &review.changes {
                say(&format!("{:9}  {:5}  {change}", change.verdict, change.bump));
            }
            let least = review.bump.from(since);
            say(&format!("since {since}: needs a {} step, to {least} or later", review.bump));
        }
    }
    objections(&review)
}

/// Nothing, when there are none.
fn objections(review: &Review) -> Result<()> {
    if review.objections.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = review.objections.iter().map(ToString::to_string).collect();
    Err(format!("the contract cannot be released like this:\n  {}", told.join("\n  ")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_released_is_not_released_again() {
        let tree = Tree::load().unwrap();
        for release in &tree.releases {
            let version = release.contract.version.to_string();
            let refused = freeze::run(&tree, &version).unwrap_err().to_string();
            let told = format!("{version} has been released: what is released stays as it is; ");
            assert!(refused.starts_with(&told), "{refused}");
        }
    }

    #[test]
    fn only_the_version_of_the_manifest_is_released() {
        let refused = freeze::run(&Tree::load().unwrap(), "99.0.0").unwrap_err().to_string();
        assert!(refused.starts_with("telemetry-schema/manifest.yaml says "), "{refused}");
    }
}
