//! Memory that data takes: counted in bytes, and reserved before the data is there.

mod told_apart;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use smallvec::SmallVec;

use crate::{Code, Failure, Origin, Outcome};

pub use told_apart::FairBy;
use told_apart::ToldApart;

/// Budgets that hold for the same data: seldom more than one.
pub type Budgets = SmallVec<[MemoryBudget; 1]>;

/// An amount of memory that is given away in parts and comes back with their owners. Cloning shares it.
#[derive(Clone)]
pub struct MemoryBudget(Arc<Budget>);

struct Budget {
    limits: MemoryLimits,
    /// Bytes that are reserved.
    reserved: AtomicUsize,
    /// How many accounts hold anything.
    senders: AtomicUsize,
    /// Whether more than this budget knows of has been found to be in use.
    overdrawn: AtomicBool,
    /// Who is not told apart by the connection.
    told_apart: Option<ToldApart>,
    refused: Box<dyn Fn(NoRoom) + Send + Sync>,
}

/// The limits of a budget, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimits {
    /// No more than this is reserved at once.
    pub hard: usize,
    /// Beyond this, a sender gets nothing more that has its share of it already. At most `hard`.
    pub soft: usize,
}

/// Why there is no room in a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// A single request is larger than the budget, so that there never will be.
    #[error("the request needs {bytes} bytes of memory, and the memory limit is {limit} bytes")]
    TooLarge {
        /// What the request needs, as far as it is known.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Everything is in use.
    #[error("data refused due to high memory usage")]
    Full,
    /// Much is in use, and the sender has its share of it.
    #[error("data refused due to high memory usage, of which this sender has its share")]
    Share,
    /// The process takes more memory than it should, whatever is known to be in use.
    #[error("data refused due to high memory usage of the process")]
    Process,
}

/// Who reserves, as far as fairness is concerned: a connection, unless the budget tells senders apart by a field of their
/// metadata and the request has it. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Sender(Arc<Mutex<SmallVec<[Arc<Account>; 1]>>>);

/// What one sender holds of one budget.
#[derive(Debug)]
struct Account {
    /// Address of the budget; 0 when the budget knows the account itself.
    budget: usize,
    held: AtomicUsize,
}

/// Bytes of budgets that are given back when this is dropped. It begins with none.
#[derive(Debug, Default)]
pub struct Reserved {
    parts: SmallVec<[Part; 1]>,
    bytes: usize,
}

#[derive(Debug)]
struct Part {
    budget: MemoryBudget,
    account: Option<Arc<Account>>,
    bytes: usize,
}

/// What a batch holds of memory budgets, until its last clone is dropped.
#[derive(Clone, Debug, Default)]
pub struct Memory(SmallVec<[Arc<Reserved>; 1]>);

impl MemoryBudget {
    /// A budget of which nothing is reserved. `refused` is called each time when it has no room.
    pub fn new(limits: MemoryLimits, refused: impl Fn(NoRoom) + Send + Sync + 'static) -> Self {
        Self::fair_by(limits, None, refused)
    }

    /// As [`new`](Self::new). Requests that have the field of `by` are of whom it names.
    pub fn fair_by(
        limits: MemoryLimits,
        by: Option<FairBy>,
        refused: impl Fn(NoRoom) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Budget {
            limits,
            reserved: AtomicUsize::new(0),
            senders: AtomicUsize::new(0),
            overdrawn: AtomicBool::new(false),
            told_apart: by.map(ToldApart::new),
            refused: Box::new(refused),
        }))
    }

    /// Its limits.
    pub fn limits(&self) -> MemoryLimits {
        self.0.limits
    }

    /// Bytes that are reserved.
    pub fn reserved(&self) -> usize {
        self.0.reserved.load(Ordering::Relaxed)
    }

    /// Says whether the process takes more memory than it should. As long as it does, and anything is reserved that
    /// may come back, nothing more is.
    pub fn overdraw(&self, overdrawn: bool) {
        self.0.overdrawn.store(overdrawn, Ordering::Relaxed);
    }

    fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

impl Account {
    fn new(budget: usize) -> Self {
        Self { budget, held: AtomicUsize::new(0) }
    }
}

impl Budget {
    /// Reserves `more` bytes for a request that has `own` of them already.
    fn take(&self, account: Option<&Account>, own: usize, more: usize) -> Result<(), NoRoom> {
        let MemoryLimits { hard, soft } = self.limits;
        if own.saturating_add(more) > hard {
            return Err(NoRoom::TooLarge { bytes: own.saturating_add(more), limit: hard });
        }
        let held = account.map_or(0, |account| self.charge(account, more));
        let fits = |reserved: usize| {
            let after = reserved.saturating_add(more);
            // What the process has beyond the reservations does not go away by refusing.
            if self.overdrawn.load(Ordering::Relaxed) && reserved > own {
                return Err(NoRoom::Process);
            }
            if after > hard {
                return Err(NoRoom::Full);
            }
            // A sender that holds nothing else gets in whatever its share.
            let share = soft / self.senders.load(Ordering::Relaxed).max(1);
            if after > soft && held > own && held.saturating_add(more) > share {
                return Err(NoRoom::Share);
            }
            Ok(after)
        };
        let mut why = NoRoom::Full;
        let updated = self.reserved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |reserved| {
            fits(reserved).map_err(|reason| why = reason).ok()
        });
        if updated.is_ok() {
            return Ok(());
        }
        if let Some(account) = account {
            self.credit(account, more);
        }
        Err(why)
    }

    fn give_back(&self, account: Option<&Account>, bytes: usize) {
        self.reserved.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(account) = account {
            self.credit(account, bytes);
        }
    }

    /// Adds to an account, and returns what it held before.
    fn charge(&self, account: &Account, bytes: usize) -> usize {
        let held = account.held.fetch_add(bytes, Ordering::Relaxed);
        if held == 0 && bytes > 0 {
            self.senders.fetch_add(1, Ordering::Relaxed);
        }
        held
    }

    fn credit(&self, account: &Account, bytes: usize) {
        let held = account.held.fetch_sub(bytes, Ordering::Relaxed);
        if held == bytes && bytes > 0 {
            self.senders.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Sender {
    fn account(&self, budget: &MemoryBudget) -> Arc<Account> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = accounts.iter().find(|account| account.budget == budget.address()) {
            return known.clone();
        }
        // One of a budget that is gone, after a reload, holds nothing.
        accounts.retain(|account| account.held.load(Ordering::Relaxed) > 0 || Arc::strong_count(account) > 1);
        let account = Arc::new(Account::new(budget.address()));
        accounts.push(account.clone());
        account
    }
}

impl Reserved {
    /// Nothing yet of any of `budgets`, each of which counts once. Who has no `sender` has no share, but the limit.
    pub fn of(budgets: Budgets, sender: Option<&Sender>) -> Self {
        Self::told_apart(budgets, sender, &|_| None)
    }

    /// As [`of`](Self::of), for a request of which `field` tells the first value of its metadata of a name in lower case.
    pub fn told_apart<'a>(
        budgets: Budgets,
        sender: Option<&Sender>,
        field: &dyn Fn(&str) -> Option<&'a [u8]>,
    ) -> Self {
        let mut parts: SmallVec<[Part; 1]> = SmallVec::new();
        for budget in budgets {
            if !parts.iter().any(|part| part.budget == budget) {
                let named =
                    budget.0.told_apart.as_ref().and_then(|senders| {
                        field(senders.metadata_key()).map(|value| senders.account(value))
                    });
                let account = named.or_else(|| sender.map(|sender| sender.account(&budget)));
                parts.push(Part { budget, account, bytes: 0 });
            }
        }
        Self { parts, bytes: 0 }
    }

    /// Bytes that are reserved, of each budget.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is no budget to reserve of, so that any number of bytes is had for nothing.
    pub fn is_free(&self) -> bool {
        self.parts.is_empty()
    }

    /// Reserves so many bytes in all, of each budget, or gives back what is more.
    ///
    /// # Errors
    /// There is no room in one of the budgets. What was reserved before still is.
    pub fn resize(&mut self, bytes: usize) -> Result<(), NoRoom> {
        for part in &mut self.parts {
            part.resize(bytes)?;
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Part {
    fn resize(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let (budget, account) = (&*self.budget.0, self.account.as_deref());
        match bytes.checked_sub(self.bytes) {
            Some(0) => {}
            Some(more) => budget.take(account, self.bytes, more).inspect_err(|why| (budget.refused)(*why))?,
            None => budget.give_back(account, self.bytes - bytes),
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.budget.0.give_back(self.account.as_deref(), self.bytes);
    }
}

impl Memory {
    /// Adds what has been reserved. It is what it is from now on.
    pub fn add(&mut self, reserved: Reserved) {
        if !reserved.is_free() {
            self.0.push(Arc::new(reserved));
        }
    }

    /// Adds what another batch holds, which becomes part of the same data.
    pub fn join(&mut self, other: &Self) {
        for reserved in &other.0 {
            // Parts of one request come one after the other.
            if !self.0.last().is_some_and(|last| Arc::ptr_eq(last, reserved)) {
                self.0.push(reserved.clone());
            }
        }
    }

    /// Whether any of it is of this budget.
    pub fn is_of(&self, budget: &MemoryBudget) -> bool {
        self.0.iter().flat_map(|reserved| &reserved.parts).any(|part| part.budget == *budget)
    }
}

impl NoRoom {
    /// What it means for the data.
    pub fn outcome(self) -> Outcome {
        let failure = |code| Failure::new(code, self.to_string()).from_origin(Origin::FullMemory);
        match self {
            Self::TooLarge { .. } => Outcome::Permanent(failure(Code::ResourceExhausted)),
            Self::Full | Self::Share | Self::Process => Outcome::Refused(failure(Code::Unavailable)),
        }
    }
}

/// Whether both are one and the same.
impl PartialEq for MemoryBudget {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for MemoryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBudget")
            .field("limits", &self.0.limits)
            .field("reserved", &self.reserved())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
