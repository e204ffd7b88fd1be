//! Stores how much accounts have added to what they store, and finds out which are over their limit (decision 0013).

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use domain::time::DAY_MS;

use crate::{
    context::Context,
    store::{
        accounts::storage::{self, HourBytes},
        error::StoreResult,
    },
};

use super::worker::{Pause, Worker};

/// Time between two rounds: how long an account may be over its limit before anything follows from it.
const ROUND_MS: u64 = 10_000;
/// Most rows of one transaction, and accounts of one query.
const STEP_ROWS: usize = 500;

/// Measures what accounts store.
pub struct StoredBytes(pub(super) Arc<Context>);

#[async_trait]
impl Worker for StoredBytes {
    fn name(&self) -> &'static str {
        "stored_bytes"
    }

    async fn tick(&self) -> StoreResult<Pause> {
        let mut accounts: BTreeSet<String> = self.0.storage.over().into_iter().collect();
        accounts.extend(self.add().await?);
        let accounts: Vec<String> = accounts.into_iter().collect();
        for step in accounts.chunks(STEP_ROWS) {
            let levels = storage::levels(&self.0.db, step).await?;
            step.iter().for_each(|id| self.0.storage.set(id, levels.get(id).copied().unwrap_or_default()));
        }
        let purged = storage::purged_since(&self.0.db, self.0.now().plus_ms(-DAY_MS)).await?;
        self.0.storage.set_purged_early(purged.into_iter().collect());
        Ok(Pause::Fixed(ROUND_MS))
    }

    fn first_after_ms(&self) -> u64 {
        ROUND_MS
    }
}

impl StoredBytes {
    /// Adds what was noted since the last round, when the node stops.
    pub(crate) async fn flush(&self) -> StoreResult<()> {
        self.add().await.map(drop)
    }

    /// Adds what was noted to the hours. Returns the accounts.
    async fn add(&self) -> StoreResult<Vec<String>> {
        let mut noted: Vec<_> = self.0.storage.take().into_iter().collect();
        // In one order on all nodes.
        noted.sort_unstable();
        let accounts = noted.iter().map(|((account, _), _)| account.clone()).collect();
        while !noted.is_empty() {
            let step = &noted[..noted.len().min(STEP_ROWS)];
            if let Err(error) = self.add_step(step).await {
                self.0.storage.put_back(noted);
                return Err(error);
            }
            noted.drain(..noted.len().min(STEP_ROWS));
        }
        Ok(accounts)
    }

    async fn add_step(&self, step: &[((String, i64), i64)]) -> StoreResult<()> {
        let row = |((account, hour), bytes): &((String, i64), i64)| HourBytes {
            account_id: account.clone(),
            hour_ms: *hour,
            bytes: *bytes,
        };
        let mut tx = self.0.db.begin().await?;
        storage::add(&mut tx, &step.iter().map(row).collect::<Vec<_>>()).await?;
        tx.commit().await
    }
}
