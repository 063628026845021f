//! The contracts that this program carries, by name.
//!
//! A name is that of a contract and, after a slash, that of one of its expositions: `current`, `0.1.0`,
//! `0.1.0/prometheus-suffixed`, `otelcol@0.128/explicit`. Without a slash, the exposition is the contract's default one.

mod released;

use std::fmt;

use crate::contract::Contract;
use crate::exposition::Exposition;
use crate::upstream;

use released::RELEASED;

/// The name of the contract of the program itself.
pub const CURRENT: &str = "current";

/// What the names of the Go collector's contracts begin with; its version follows.
pub const OTELCOL: &str = "otelcol@";

/// A contract that is carried, as its canonical JSON.
struct Carried {
    name: &'static str,
    json: &'static str,
}

const OF_PROGRAM: Carried = Carried { name: CURRENT, json: include_str!("../resolved/current.json") };

/// The current one, and every release, the oldest first.
fn carried() -> impl Iterator<Item = &'static Carried> {
    std::iter::once(&OF_PROGRAM).chain(RELEASED)
}

/// A name that stands for nothing.
#[derive(Debug, thiserror::Error)]
pub enum UnknownContract {
    /// No contract has it.
    #[error(
        "no contract is called {name:?}{}; known are {}, and {OTELCOL}VERSION", Near(.nearest), .known.join(", ")
    )]
    Contract {
        /// What was asked for.
        name: String,
        /// What may have been meant.
        nearest: Option<String>,
        /// What may be asked for.
        known: Vec<String>,
    },
    /// The contract is there, but does not have this exposition.
    #[error("contract {contract} has no exposition {name:?}{}; known are {}", Near(.nearest), .known.join(", "))]
    Exposition {
        /// The contract.
        contract: String,
        /// What was asked for.
        name: String,
        /// What may have been meant.
        nearest: Option<String>,
        /// What may be asked for.
        known: Vec<String>,
    },
    /// It is not one of the Go collector's.
    #[error(transparent)]
    Otelcol(#[from] upstream::FindError),
}

struct Near<'a>(&'a Option<String>);

/// The names of the project's own contracts, without their expositions.
pub fn names() -> impl Iterator<Item = &'static str> {
    carried().map(|carried| carried.name)
}

/// The contract of a name, and the exposition that the name asks for. An empty name is [`CURRENT`].
///
/// # Errors
/// No contract, or no exposition of it, is called so.
pub fn find(name: &str) -> Result<(Contract, Exposition), UnknownContract> {
    let (asked, exposition) = match name.split_once('/') {
        Some((contract, exposition)) => (contract, Some(exposition)),
        None => (name, None),
    };
    if let Some(version) = asked.strip_prefix(OTELCOL) {
        let found = upstream::find(version, exposition)?;
        return Ok((found.contract.clone(), found.exposition.clone()));
    }
    let asked = if asked.is_empty() { CURRENT } else { asked };
    let found = carried().find(|carried| carried.name == asked).ok_or_else(|| unknown(asked))?;
    let contract = Contract::from_json(found.json).expect("a test reads every contract that is carried");
    let found = match exposition {
        None => contract.expositions.first(),
        Some(id) => contract.exposition(id),
    };
    match found.cloned() {
        Some(exposition) => Ok((contract, exposition)),
        None => Err(without_exposition(asked, exposition.unwrap_or_default(), &contract)),
    }
}

/// The name of the contract of a version that a collector says it keeps.
///
/// # Errors
/// The program does not carry it.
pub fn name_of_version(version: &str) -> Result<&'static str, UnknownContract> {
    if find(CURRENT)?.0.version.to_string() == version {
        return Ok(CURRENT);
    }
    names().find(|name| *name == version && *name != CURRENT).ok_or_else(|| unknown(version))
}

fn unknown(asked: &str) -> UnknownContract {
    UnknownContract::Contract {
        name: asked.to_owned(),
        nearest: etalon_conf::nearest(asked, names()).map(str::to_owned),
        known: names().map(str::to_owned).collect(),
    }
}

fn without_exposition(contract: &str, asked: &str, found: &Contract) -> UnknownContract {
    let known = || found.expositions.iter().map(|exposition| exposition.id.as_str());
    UnknownContract::Exposition {
        contract: contract.to_owned(),
        name: asked.to_owned(),
        nearest: etalon_conf::nearest(asked, known()).map(str::to_owned),
        known: known().map(str::to_owned).collect(),
    }
}

impl fmt::Display for Near<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(word) => write!(f, "; did you mean {word:?}?"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contract_that_is_carried_can_be_read_and_is_canonical() {
        for Carried { name, json } in carried() {
            let (contract, exposition) = find(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(contract.to_json(), *json, "{name}");
            assert_eq!(contract.expositions.first(), Some(&exposition), "{name}");
        }
    }

    #[test]
    fn no_name_is_the_current_contract_and_a_slash_picks_the_exposition() {
        let (contract, default) = find("").unwrap();
        assert_eq!(find(CURRENT).unwrap().0, contract);
        for exposition in &contract.expositions {
            assert_eq!(find(&format!("/{}", exposition.id)).unwrap().1, *exposition);
            assert_eq!(find(&format!("current/{}", exposition.id)).unwrap().1, *exposition);
        }
        assert_eq!(default.id, "prometheus");
    }

    #[test]
    fn a_release_of_the_go_collector_is_found_by_its_version() {
        let (contract, exposition) = find("otelcol@0.128/explicit").unwrap();
        assert_eq!((contract.name.as_str(), exposition.id.as_str()), ("otelcol", "explicit"));
        assert!(find("otelcol@0.128").unwrap().1.id != "explicit");
        assert!(matches!(find("otelcol@new"), Err(UnknownContract::Otelcol(_))));
    }

    #[test]
    fn a_collector_s_version_is_found_and_nothing_but_a_version() {
        let current = find(CURRENT).unwrap().0.version.to_string();
        assert_eq!(name_of_version(&current).unwrap(), CURRENT);
        for carried in names().filter(|name| *name != CURRENT && *name != current) {
            assert_eq!(name_of_version(carried).unwrap(), carried);
        }
        for other in ["", "9.9.9", "current", "0.1.0/prometheus", "otelcol@0.128"] {
            assert!(matches!(name_of_version(other), Err(UnknownContract::Contract { .. })), "{other}");
        }
    }

    #[test]
    fn an_unknown_name_is_told_with_what_is_near_and_what_is_known() {
        let told = |name| find(name).unwrap_err().to_string();
        assert!(
            told("curent").starts_with(
                "no contract is called \"curent\"; did you mean \"current\"?; known are current"
            ),
            "{}",
            told("curent")
        );
        assert!(
            told("current/promethues").starts_with(
                "contract current has no exposition \"promethues\"; did you mean \"prometheus\"?; known are prometheus, "
            ),
            "{}",
            told("current/promethues")
        );
        assert!(
            told("9.9.9").starts_with("no contract is called \"9.9.9\"; known are "),
            "{}",
            told("9.9.9")
        );
    }
}
