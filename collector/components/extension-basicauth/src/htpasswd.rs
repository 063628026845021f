//! Tables of users and passwords: a line `user:password` for each, with the password mostly hashed.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::password::{Password, PasswordError};

/// Credentials of which a table remembers that they are right, so that slow hashes are computed once.
const VERIFIED_MAX: usize = 1024;

/// Users and their passwords.
#[derive(Debug, Default)]
pub(crate) struct Table {
    users: HashMap<String, Password>,
    /// Fingerprints of credentials that were found to be right.
    verified: Mutex<HashSet<[u8; 32]>>,
}

/// A line is not one of an htpasswd file. Neither the name nor the password is shown: in a mistyped line
/// nobody knows which is which.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    #[error("line {line}: expected <user>:<password>")]
    NoColon { line: usize },
    #[error("line {line}: {source}")]
    Password { line: usize, source: PasswordError },
}

/// Reads a table. Blank lines, and those that begin with `#`, are skipped; of two lines of one user, the
/// later one counts.
pub(crate) fn parse(text: &str) -> Result<Table, LineError> {
    let mut users = HashMap::new();
    for (index, line) in text.lines().enumerate() {
        let (line, number) = (line.trim(), index + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (user, password) = line.split_once(':').ok_or(LineError::NoColon { line: number })?;
        let password = password.parse().map_err(|source| LineError::Password { line: number, source })?;
        users.insert(user.to_owned(), password);
    }
    Ok(Table { users, verified: Mutex::default() })
}

impl Table {
    /// With the users of `other` too, whose passwords win.
    pub(crate) fn overridden_by(mut self, other: &Self) -> Self {
        self.users.extend(other.users.iter().map(|(user, password)| (user.clone(), password.clone())));
        self
    }

    /// Whether these credentials have been found to be right before.
    pub(crate) fn is_verified(&self, user: &str, password: &[u8]) -> bool {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.contains(&fingerprint(user, password))
    }

    /// Whether the password is that of the user. This may take a tenth of a second of computing, whether
    /// there is such a user or not.
    pub(crate) fn verify(&self, user: &str, password: &[u8]) -> bool {
        let known = self.users.get(user);
        // For one who is not known, the time is spent on somebody else.
        let Some(expected) = known.or_else(|| self.users.values().next()) else { return false };
        let right = expected.matches(password) && known.is_some();
        if right {
            let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
            if verified.len() >= VERIFIED_MAX {
                verified.clear();
            }
            verified.insert(fingerprint(user, password));
        }
        right
    }

    /// Whether there is anybody to let in.
    pub(crate) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }
}

fn fingerprint(user: &str, password: &[u8]) -> [u8; 32] {
    let digest = Sha256::new().chain_update((user.len() as u64).to_be_bytes()).chain_update(user);
    digest.chain_update(password).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_users_and_the_last_line_of_a_user_counts() {
        let table = parse("# staff\n\nann:a\n bob:b:c \nann:z\n").unwrap();
        assert!(table.verify("ann", b"z") && !table.verify("ann", b"a"));
        assert!(table.verify("bob", b"b:c"), "only the first colon separates");
        assert!(!table.verify("eve", b"z") && !table.verify("", b""));
        assert!(!parse("").unwrap().verify("ann", b"a"));
        let error = parse("ann:a\nsecret").unwrap_err().to_string();
        assert_eq!(error, "line 2: expected <user>:<password>");
    }

    #[test]
    fn one_table_overrides_another() {
        let table = parse("ann:a\nbob:b").unwrap().overridden_by(&parse("ann:z").unwrap());
        assert!(table.verify("ann", b"z") && !table.verify("ann", b"a") && table.verify("bob", b"b"));
    }

    #[test]
    fn what_was_right_is_remembered_and_what_was_wrong_is_not() {
        let table = parse("ann:a").unwrap();
        assert!(!table.is_verified("ann", b"a"));
        assert!(table.verify("ann", b"a") && !table.verify("ann", b"b"));
        assert!(table.is_verified("ann", b"a"));
        assert!(!table.is_verified("ann", b"b") && !table.is_verified("an", b"na"));
    }
}
