//! Indexes phone numbers again that an earlier build has indexed by another key, in steps that hold the writer shortly.
//!
//! It only adds entries, and a step moves the place from which it was read: nothing is lost or done twice, whichever node does
//! it and wherever it stops. Once the table of places is empty there is nothing to do any more.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::time::HOUR_MS;

use crate::{
    clock,
    context::Context,
    store::{
        error::StoreResult,
        events::{
            phone_again::{self, Again},
            phone_index,
        },
    },
};

use super::{
    adaptive_batch::Pacing,
    phone_indexer::{BATCH, STEP_ROWS_MIN},
    worker::{Pause, Worker},
};

/// Polls this rarely once everything is indexed again.
const POLL_MS: u64 = HOUR_MS.unsigned_abs();

/// Indexes phone numbers again.
pub struct PhoneReindexer(pub(super) Arc<Context>);

#[async_trait]
impl Worker for PhoneReindexer {
    fn name(&self) -> &'static str {
        "phone_reindexer"
    }

    async fn tick(&self) -> StoreResult<Pause> {
        self.round(Pacing::Spaced).await?;
        Ok(Pause::Fixed(POLL_MS))
    }
}

impl PhoneReindexer {
    /// Works until everything is indexed again. Returns how many rows it has read.
    ///
    /// # Errors
    /// When the database cannot be used; steps that were committed stay.
    pub async fn round(&self, pacing: Pacing) -> StoreResult<usize> {
        let (mut rows, mut step_rows) = (0, STEP_ROWS_MIN);
        while let Some(again) = phone_again::first(&self.0.db).await? {
            if self.0.is_stopping() {
                break;
            }
            let (found, took) = self.step(&again, step_rows).await?;
            rows += found;
            step_rows = BATCH.next(step_rows, found, took);
            pacing.rest().await;
        }
        Ok(rows)
    }

    async fn step(&self, again: &Again, limit: u32) -> StoreResult<(usize, Duration)> {
        let rows = phone_again::next(&self.0.db, again, limit).await?;
        let mut tx = self.0.db.begin().await?;
        let began = clock::stopwatch();
        let moved = match rows.last() {
            Some(last) => phone_again::advance(&mut tx, again, &last.place).await?,
            None => phone_again::finish(&mut tx, again).await?,
        };
        if moved {
            phone_index::add(&mut tx, &rows).await?;
        }
        tx.commit().await?;
        Ok((rows.len(), began.elapsed()))
    }
}
