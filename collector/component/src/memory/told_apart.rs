//! Senders that are told apart by what their requests say, and not by their connection.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use super::Account;

/// Says who sends a request: a field of its metadata, which a gateway sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FairBy {
    /// Name of the field, in lower case. Requests with the same first value are of the same sender.
    pub metadata_key: String,
    /// Most senders that are known at once. What is beyond them is one sender, so that values that nobody has thought of
    /// take no memory.
    pub most: usize,
}

/// The senders of a budget that are known by a field.
pub(super) struct ToldApart {
    by: FairBy,
    /// Of this process alone, so that nobody can find values that are taken for another's.
    hasher: RandomState,
    known: Mutex<Known>,
    others: Arc<Account>,
}

#[derive(Default)]
struct Known {
    /// By the hash of the value, so that long ones take no memory either.
    accounts: HashMap<u64, Arc<Account>>,
    /// Senders that were not known, since it was last looked which of those that are have nothing any more.
    unknown: usize,
}

impl ToldApart {
    /// Nobody is known yet.
    pub(super) fn new(by: FairBy) -> Self {
        Self { by, hasher: RandomState::new(), known: Mutex::default(), others: Arc::new(Account::new(0)) }
    }

    pub(super) fn metadata_key(&self) -> &str {
        &self.by.metadata_key
    }

    /// The account of whom this value of the field names.
    pub(super) fn account(&self, value: &[u8]) -> Arc<Account> {
        let hash = self.hasher.hash_one(value);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = known.accounts.get(&hash) {
            return account.clone();
        }
        known.unknown += 1;
        if known.accounts.len() >= self.by.most {
            // Looking at all takes as long as they are many: so not for each.
            if known.unknown <= self.by.most / 8 {
                return self.others.clone();
            }
            known.unknown = 0;
            // Who holds anything has its account too.
            known.accounts.retain(|_, account| Arc::strong_count(account) > 1);
            if known.accounts.len() >= self.by.most {
                return self.others.clone();
            }
        }
        let account = Arc::new(Account::new(0));
        known.accounts.insert(hash, account.clone());
        account
    }

    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.known.lock().unwrap().accounts.len()
    }

    #[cfg(test)]
    pub(super) fn others(&self) -> &Arc<Account> {
        &self.others
    }
}
