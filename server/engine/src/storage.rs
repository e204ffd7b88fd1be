//! What accounts store, known without a query per event: each commit notes the bytes that it added, and a worker adds them to
//! the count of their hour and finds out which accounts are over their limit (decision 0013).

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError, RwLock},
};

use domain::{UnixMs, account::StorageLevel, time::HOUR_MS};

/// Bytes that were added to an account's hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Added {
    /// The account.
    pub(crate) account: String,
    /// When the event was accepted that they belong to.
    pub(crate) at: UnixMs,
    /// How many.
    pub(crate) bytes: usize,
}

/// Bytes by account and beginning of the hour.
pub(crate) type ByHour = HashMap<(String, i64), i64>;

/// What is known on this node.
#[derive(Debug, Default)]
pub(crate) struct Storage {
    noted: Mutex<ByHour>,
    /// Accounts over their limit.
    over: RwLock<HashMap<String, StorageLevel>>,
    /// Accounts whose bodies of the latest day were deleted early, at least in part.
    purged: RwLock<HashSet<String>>,
}

impl Storage {
    /// Notes what a commit has added.
    pub(crate) fn note(&self, added: impl IntoIterator<Item = Added>) {
        let mut noted = self.noted();
        for Added { account, at, bytes } in added {
            let hour = at.0 - at.0.rem_euclid(HOUR_MS);
            *noted.entry((account, hour)).or_default() += i64::try_from(bytes).unwrap_or(i64::MAX);
        }
    }

    /// Takes what was noted.
    pub(crate) fn take(&self) -> ByHour {
        std::mem::take(&mut *self.noted())
    }

    /// Puts back what could not be stored.
    pub(crate) fn put_back(&self, rest: impl IntoIterator<Item = ((String, i64), i64)>) {
        let mut noted = self.noted();
        rest.into_iter().for_each(|(key, bytes)| *noted.entry(key).or_default() += bytes);
    }

    /// The level of an account, as of the latest round.
    pub(crate) fn level(&self, account: &str) -> StorageLevel {
        let over = self.over.read().unwrap_or_else(PoisonError::into_inner);
        over.get(account).copied().unwrap_or_default()
    }

    /// The accounts over their limit.
    pub(crate) fn over(&self) -> Vec<String> {
        self.over.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// What a round has found out about an account.
    pub(crate) fn set(&self, account: &str, level: StorageLevel) {
        let mut over = self.over.write().unwrap_or_else(PoisonError::into_inner);
        if level >= StorageLevel::Over {
            over.insert(account.to_owned(), level);
        } else {
            over.remove(account);
        }
    }

    /// Whether bodies of this account's latest day may have been deleted already.
    pub(crate) fn is_purged_early(&self, account: &str) -> bool {
        self.purged.read().unwrap_or_else(PoisonError::into_inner).contains(account)
    }

    /// Retention is about to delete bodies of this account early.
    pub(crate) fn purge_early(&self, account: &str) {
        self.purged.write().unwrap_or_else(PoisonError::into_inner).insert(account.to_owned());
    }

    /// The accounts whose bodies were deleted early, by any node.
    pub(crate) fn set_purged_early(&self, accounts: HashSet<String>) {
        *self.purged.write().unwrap_or_else(PoisonError::into_inner) = accounts;
    }

    fn noted(&self) -> MutexGuard<'_, ByHour> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
