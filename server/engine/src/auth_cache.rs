//! Caches what authentication reads from the database for a moment, so that a thousand requests a second read it once.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::{UnixMs, actor::Actor, connector::Connector, id::AccountId, time::SECOND_MS};

/// How long an entry is valid. After a token is revoked on one node, other nodes accept it for this long.
const ENTRY_VALID_MS: i64 = 2 * SECOND_MS;
/// Most entries of each kind.
const ENTRIES_MAX: usize = 10_000;

/// Recently read tokens and accounts.
#[derive(Debug, Default)]
pub(crate) struct AuthCache {
    /// Actors of valid tokens, by token hash.
    pub(crate) actors: Recent<Actor>,
    /// Account ids by id or reference. Accounts are never deleted.
    pub(crate) accounts: Recent<AccountId>,
    /// Platform connectors, by id.
    pub(crate) connectors: Recent<Connector>,
}

/// Values by key, each valid for [`ENTRY_VALID_MS`].
#[derive(Debug)]
pub(crate) struct Recent<T>(Mutex<HashMap<String, (UnixMs, T)>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Recent<T> {
    pub(crate) fn get(&self, key: &str, now: UnixMs) -> Option<T> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).filter(|(at, _)| now.since_ms(*at).abs() < ENTRY_VALID_MS).map(|(_, value)| value.clone())
    }

    /// Removes an entry.
    pub(crate) fn remove(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Removes all entries.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn put(&self, key: String, now: UnixMs, value: &T) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ENTRIES_MAX {
            known.clear();
        }
        known.insert(key, (now, value.clone()));
    }
}
