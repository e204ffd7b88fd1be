//! Rotation of the instance key: values sealed by older keys are sealed again, in small steps beside a running server.

use std::collections::BTreeMap;

use domain::{
    actor::Actor,
    audit::{AuditAction, Change},
    error::Result,
};

use crate::{
    Engine, clock,
    key_ring::KeyId,
    store::{
        audit::{Entry, OPS_CHAIN},
        credentials::sealed::{self, COLUMNS, Column, Resealed, Stored},
        error::StoreResult,
        nodes,
    },
    vault::DecryptError,
};

/// Rows per step. A step is one short transaction.
const STEP_ROWS: u32 = 50;
/// Rows per step of a column whose values are large: each is in memory a few times.
const STEP_ROWS_LARGE: u32 = 4;
/// Rows per step when counting.
const COUNT_ROWS: u32 = 500;
/// Pause between steps, in milliseconds, so that the server's writer never waits for more than one step.
const STEP_PAUSE_MS: u64 = 10;

/// Sealed values by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyUsage {
    /// Number of values by the key that sealed them.
    pub keys: BTreeMap<KeyId, u64>,
    /// Values that name no key.
    pub nameless: u64,
    /// The keys that sealed durable values, and whether the configured key of that id can open any of them.
    pub opens: BTreeMap<KeyId, bool>,
}

impl KeyUsage {
    /// Number of all values.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.keys.values().sum::<u64>() + self.nameless
    }

    /// Number of values of this key.
    #[must_use]
    pub fn by(&self, key: KeyId) -> u64 {
        self.keys.get(&key).copied().unwrap_or_default()
    }

    /// Number of values of other keys.
    #[must_use]
    pub fn not_by(&self, key: KeyId) -> u64 {
        self.all() - self.by(key)
    }

    /// Keys of durable values that are missing, or differ under the same id. A single value that cannot be opened does not
    /// count: it may have been moved or changed.
    pub fn closed(&self) -> impl Iterator<Item = KeyId> {
        self.opens.iter().filter(|(_, opens)| !**opens).map(|(key, _)| *key)
    }

    fn count(&mut self, sealed: &str) {
        match KeyId::of(sealed) {
            Some(key) => *self.keys.entry(key).or_default() += 1,
            None => self.nameless += 1,
        }
    }

    fn test(&mut self, sealed: &str, opens: impl FnOnce() -> bool) {
        if let Some(key) = KeyId::of(sealed) {
            let before = self.opens.entry(key).or_default();
            *before = *before || opens();
        }
    }
}

/// Result of one pass over all values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Values sealed again.
    pub resealed: u64,
    /// Values not sealed with the current key yet, because their rows were locked or changed.
    pub left: u64,
    /// Values that no known key can open.
    pub closed: u64,
}

impl Engine {
    /// Counts sealed values by key, and tests the configured keys.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sealed_by(&self) -> StoreResult<KeyUsage> {
        let mut counted = KeyUsage::default();
        for column in &COLUMNS {
            let mut after = String::new();
            loop {
                let page = self.counted_page(column, &after).await?;
                for stored in &page {
                    for text in column.texts(&stored.text) {
                        counted.count(&text);
                        if column.is_durable() {
                            counted.test(&text, || self.vault().open(&text, &stored.bound_to).is_ok());
                        }
                    }
                }
                let Some(last) = page.last() else { break };
                after.clone_from(&last.place);
            }
        }
        Ok(counted)
    }

    /// Values to count. Of large ones, which need not open, only what names their key is read.
    async fn counted_page(&self, column: &Column, after: &str) -> StoreResult<Vec<Stored>> {
        if column.is_large() {
            return sealed::beginnings(self.db(), column, after, COUNT_ROWS).await;
        }
        sealed::page(self.db(), column, after, COUNT_ROWS).await
    }

    /// Seals all values with the current key that are not yet. Each step commits, so an interrupted run can be repeated.
    /// `progress` gets the number of values of each step.
    ///
    /// # Errors
    /// Database errors; committed steps remain.
    pub async fn reseal(&self, mut progress: impl FnMut(u64) + Send) -> StoreResult<Pass> {
        let mut pass = Pass::default();
        for column in &COLUMNS {
            let rows = if column.is_large() { STEP_ROWS_LARGE } else { STEP_ROWS };
            let mut after = String::new();
            loop {
                let page = sealed::page(self.db(), column, &after, rows).await?;
                let Some(last) = page.last() else { break };
                after.clone_from(&last.place);
                let done = self.reseal_page(column, page, &mut pass).await?;
                if done > 0 {
                    progress(done);
                    clock::sleep_ms(STEP_PAUSE_MS).await;
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
                Ok(becomes) => changed.push(Resealed { place: stored.place, was: stored.text, becomes }),
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

    /// Records that a new key is current, or that old keys were retired.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be written.
    pub async fn record_key_change(&self, actor: &Actor, changes: Vec<Change>) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let entry = Entry::new(self.next_id(), self.now(), OPS_CHAIN, AuditAction::KeyRotated).by(actor);
        self.record(&mut tx, entry.with(changes)).await?;
        Ok(tx.commit().await?)
    }

    /// Number of live servers on this database.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn nodes_alive(&self) -> StoreResult<u64> {
        nodes::alive(self.db(), self.now()).await
    }
}
