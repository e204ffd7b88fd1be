//! Answers of the database that are valid for a moment, so that a thousand requests a second ask it once.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::{UnixMs, actor::Actor, id::AccountId, time::SECOND_MS};

/// How long what was found is auth_cache without asking the database: after a token is revoked through one node, others
/// let it in for this long.
const BELIEVED_MS: i64 = 2 * SECOND_MS;
/// Most things of a kind that are auth_cache at once.
const BELIEVED_MAX: usize = 10_000;

/// What was found in the database a moment ago, so that a thousand requests a second ask for it once.
#[derive(Debug, Default)]
pub(crate) struct AuthCache {
    /// Tokens that were valid, by hash.
    pub(crate) actors: Recent<Actor>,
    /// Accounts by what a platform calls them. Accounts never change hands and are never deleted.
    pub(crate) accounts: Recent<AccountId>,
}

/// Values by key, each auth_cache for [`BELIEVED_MS`].
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
        known.get(key).filter(|(at, _)| now.since_ms(*at).abs() < BELIEVED_MS).map(|(_, value)| value.clone())
    }

    /// Forgets what is no longer true.
    pub(crate) fn forget(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn put(&self, key: String, now: UnixMs, value: &T) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= BELIEVED_MAX {
            known.clear();
        }
        known.insert(key, (now, value.clone()));
    }
}
