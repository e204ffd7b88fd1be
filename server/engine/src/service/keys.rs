//! The instance key takes its turn: what older keys have sealed is sealed again, in small steps beside a running server.

use std::collections::BTreeMap;

use domain::{
    actor::Actor,
    audit::{Change, Deed},
    error::Result,
};

use crate::{
    Engine, clock,
    key_ring::KeyId,
    store::{
        audit::{Entry, OPS_CHAIN},
        error::StoreResult,
        nodes,
        sealed::{self, COLUMNS, Changed, Column, Stored},
    },
    vault::DecryptError,
};

/// Rows of one step. A step is one short transaction.
const STEP_ROWS: u32 = 50;
/// Rows that are only counted, in one step.
const COUNT_ROWS: u32 = 500;
/// Rest between two steps, in milliseconds, so that the server's writer is never kept waiting for more than one.
const STEP_REST_MS: u64 = 10;

/// What has been sealed, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyUsage {
    /// How many texts, by the key that sealed them.
    pub keys: BTreeMap<KeyId, u64>,
    /// Texts that name no key.
    pub nameless: u64,
    /// The keys by which something was sealed that lasts, and whether the key of that name is here and opens any of it.
    pub opens: BTreeMap<KeyId, bool>,
}

impl KeyUsage {
    /// All texts.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.keys.values().sum::<u64>() + self.nameless
    }

    /// The texts of this key.
    #[must_use]
    pub fn by(&self, key: KeyId) -> u64 {
        self.keys.get(&key).copied().unwrap_or_default()
    }

    /// Texts that are not of this key.
    #[must_use]
    pub fn not_by(&self, key: KeyId) -> u64 {
        self.all() - self.by(key)
    }

    /// Keys that something lasting was sealed with and that are not here, or are others under the same name. One value
    /// that does not open says nothing: it may have been moved or changed.
    pub fn closed(&self) -> impl Iterator<Item = KeyId> {
        self.opens.iter().filter(|(_, opens)| !**opens).map(|(key, _)| *key)
    }

    fn count(&mut self, sealed: &str) {
        match KeyId::of(sealed) {
            Some(key) => *self.keys.entry(key).or_default() += 1,
            None => self.nameless += 1,
        }
    }

    fn tried(&mut self, sealed: &str, opens: impl FnOnce() -> bool) {
        if let Some(key) = KeyId::of(sealed) {
            let before = self.opens.entry(key).or_default();
            *before = *before || opens();
        }
    }
}

/// What one pass over everything did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Values that were sealed again.
    pub resealed: u64,
    /// Values that are not sealed with the current key yet: somebody worked on them.
    pub left: u64,
    /// Values that do not open with any key that is known.
    pub closed: u64,
}

impl Engine {
    /// Counts what is sealed, by key, and tries the keys that are here.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sealed_by(&self) -> StoreResult<KeyUsage> {
        let mut counted = KeyUsage::default();
        for column in &COLUMNS {
            let mut after = String::new();
            loop {
                let page = sealed::page(self.db(), column, &after, COUNT_ROWS).await?;
                for stored in &page {
                    for text in column.texts(&stored.text) {
                        counted.count(&text);
                        if column.is_durable() {
                            counted.tried(&text, || self.vault().open(&text, &stored.bound_to).is_ok());
                        }
                    }
                }
                let Some(last) = page.last() else { break };
                after.clone_from(&last.place);
            }
        }
        Ok(counted)
    }

    /// Seals again what is not sealed with the current key, once through everything. Each step stands by itself, so
    /// that whoever is stopped in the middle goes on by beginning again. `told` hears how many more were done.
    ///
    /// # Errors
    /// When the database cannot be used; what was done stays done.
    pub async fn reseal(&self, mut told: impl FnMut(u64) + Send) -> StoreResult<Pass> {
        let mut pass = Pass::default();
        for column in &COLUMNS {
            let mut after = String::new();
            loop {
                let page = sealed::page(self.db(), column, &after, STEP_ROWS).await?;
                let Some(last) = page.last() else { break };
                after.clone_from(&last.place);
                let done = self.reseal_page(column, page, &mut pass).await?;
                if done > 0 {
                    told(done);
                    clock::sleep_ms(STEP_REST_MS).await;
                }
            }
        }
        Ok(pass)
    }

    async fn reseal_page(&self, column: &'static Column, page: Vec<Stored>, pass: &mut Pass) -> StoreResult<u64> {
        let current = self.vault().current();
        let old = page
            .into_iter()
            .filter(|stored| column.texts(&stored.text).iter().any(|text| KeyId::of(text) != Some(current)));
        let mut changed = Vec::new();
        for stored in old {
            match self.resealed(column, &stored) {
                Ok(becomes) => changed.push(Changed { place: stored.place, was: stored.text, becomes }),
                Err(error) => {
                    tracing::error!(%error, column = column.name, row = %stored.place);
                    pass.closed += 1;
                }
            }
        }
        if changed.is_empty() {
            return Ok(0);
        }
        let mut tx = self.db().begin().await?;
        let done = sealed::write(&mut tx, column, &changed).await?;
        tx.commit().await?;
        pass.resealed += done;
        pass.left += (changed.len() as u64).saturating_sub(done);
        Ok(done)
    }

    fn resealed(&self, column: &Column, stored: &Stored) -> std::result::Result<String, DecryptError> {
        let again = |sealed: &str| {
            let open = self.vault().open(sealed, &stored.bound_to)?;
            Ok(self.vault().seal(&open, &stored.bound_to))
        };
        column.replaced(&stored.text, again)
    }

    /// Puts on record that another key seals from now on, or that old ones have left.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be written.
    pub async fn record_key_change(&self, actor: &Actor, changes: Vec<Change>) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let entry = Entry::new(self.next_id(), self.now(), OPS_CHAIN, Deed::KeyRotated).by(actor);
        self.note(&mut tx, entry.with(changes)).await?;
        Ok(tx.commit().await?)
    }

    /// How many servers work on this database.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn nodes_alive(&self) -> StoreResult<u64> {
        nodes::alive(self.db(), self.now()).await
    }
}
