//! Retention: bodies are deleted first, whole rows later, in small transactions, so that the writer is never held for long.
//! What still waits to be sent stays, however old it is, and is deleted when it ends.
//!
//! Expired rows are looked up before a transaction begins, from where the last lookup ended; inside it they are deleted by
//! key. A slow step is followed by a smaller one, so the disk decides the size of a step.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    UnixMs,
    account::{Limit, hours_that_fit},
    id::{DeliveryId, encode},
    time::{DAY_MS, HOUR_MS, MINUTE_MS},
};

use crate::{
    clock,
    context::Context,
    parking::Parking,
    store::{
        accounts::storage,
        db::Db,
        deliveries::retention::{self, AccountRetention, ExpiredRow, Kind},
        error::StoreResult,
    },
};

use super::{
    adaptive_batch::{AdaptiveBatch, Pacing},
    worker::{Pause, Worker},
};

/// Most rows of one transaction.
const STEP_ROWS: u32 = 200;
/// Fewest rows of one transaction, however slow the disk is.
const STEP_ROWS_MIN: u32 = 8;
/// How long a step may hold the writer.
pub const STEP_MS: u64 = 20;
const BATCH: AdaptiveBatch = AdaptiveBatch { rows: (STEP_ROWS_MIN, STEP_ROWS), limit: Duration::from_millis(STEP_MS) };
/// Pages returned to the file system after a step, 4 KiB each.
const STEP_PAGES: u32 = 64;
/// Time between two rounds.
const ROUND_MS: u64 = 10 * MINUTE_MS.unsigned_abs();
/// Days that hourly counts are kept.
const HOURS_DAYS: i64 = 400;

/// Deletes what is past its retention.
pub struct Retention(pub(super) Arc<Context>);

#[async_trait]
impl Worker for Retention {
    fn name(&self) -> &'static str {
        "retention"
    }

    async fn tick(&self) -> StoreResult<Pause> {
        let rows = self.round(Pacing::Spaced).await?;
        if rows > 0 {
            tracing::info!(rows, "deleted what is past retention");
        }
        Ok(Pause::Fixed(ROUND_MS))
    }

    fn retry_after_ms(&self) -> u64 {
        ROUND_MS
    }
}

impl Retention {
    /// One round over all accounts; returns how many rows were stripped or deleted.
    ///
    /// # Errors
    /// When the database cannot be used. What was committed stays.
    pub async fn round(&self, pacing: Pacing) -> StoreResult<usize> {
        let parking = Parking::of(&self.0, self.name()).await?;
        let mut round = Round { context: &self.0, parking, pacing, step_rows: STEP_ROWS };
        let mut rows = 0;
        for account in retention::accounts(&self.0.db).await? {
            let stored = storage::hours(&self.0.db, &account.id).await?;
            let before = round.before(&account, &stored);
            // Events are deleted after the last of their deliveries.
            for kind in [Kind::Bodies, Kind::Deliveries, Kind::Events] {
                rows += round.purge(&account, kind, before).await?;
            }
            round.recount(&account, &stored, before.bodies).await?;
        }
        round.purge_hours().await?;
        Ok(rows)
    }
}

struct Round<'a> {
    context: &'a Context,
    parking: Parking<'a>,
    pacing: Pacing,
    step_rows: u32,
}

impl Round<'_> {
    /// Before when bodies and rows of an account are deleted. Bodies go early if more are stored than the account may.
    fn before(&self, account: &AccountRetention, stored: &[Hour]) -> Before {
        let now = self.context.now();
        let longest = i64::from(self.context.policies.now().retention_max_days);
        let longest = account.retention_max_days.map_or(longest, |days| days.min(longest));
        let bodies = days_before(now, account.bodies_days.min(longest));
        let early = first_hour_that_fits(now, account.stored_mb_max, stored);
        if early > bodies {
            self.context.storage.purge_early(&account.id);
        }
        Before { bodies: bodies.max(early), rows: days_before(now, account.rows_days.min(longest)) }
    }

    /// Everything of one kind that has expired.
    async fn purge(&mut self, account: &AccountRetention, kind: Kind, before: Before) -> StoreResult<usize> {
        let (mut from, before) = match kind {
            Kind::Bodies => (account.bodies_cleaned.clone(), encode(before.bodies, 0)),
            Kind::Deliveries => {
                let oldest = DeliveryId::new(before.rows, 0);
                (String::new(), oldest.as_str().to_owned())
            }
            Kind::Events => (String::new(), encode(before.rows, 0)),
        };
        let mut rows = 0;
        while !self.context.is_stopping() {
            let db = &self.context.db;
            let expired = retention::expired(db, kind, &account.id, (&from, &before), self.step_rows).await?;
            let Some(last) = expired.last() else { break };
            from.clone_from(&last.key);
            rows += self.step(account, kind, &expired).await?;
        }
        Ok(rows)
    }

    /// Counts what is left of the hours whose bodies were deleted: what still waits to be sent.
    async fn recount(&self, account: &AccountRetention, stored: &[Hour], before: UnixMs) -> StoreResult<()> {
        let db = &self.context.db;
        for (hour, bytes) in stored.iter().filter(|(hour, _)| hour.plus_ms(HOUR_MS) <= before) {
            let left = storage::waiting(db, &account.id, *hour).await?;
            if left == *bytes || self.context.is_stopping() {
                continue;
            }
            let mut tx = db.begin().await?;
            storage::set(&mut tx, &account.id, *hour, left).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// One transaction, unless one of the rows has to be found that cannot be purged.
    async fn step(&mut self, account: &AccountRetention, kind: Kind, expired: &[ExpiredRow]) -> StoreResult<usize> {
        let (db, began) = (&self.context.db, clock::stopwatch());
        let purge = |rows| purge(db, account, kind, rows);
        let purged = self.parking.all(expired, |row| &row.id, Some(&account.id), purge).await?;
        let took = began.elapsed();
        self.context.counters.clean.add(expired.len(), took.as_secs_f64());
        self.step_rows = BATCH.next(self.step_rows, expired.len(), took);
        retention::give_back(db, STEP_PAGES).await?;
        self.pacing.rest().await;
        Ok(purged)
    }

    /// Hourly counts that no page shows any more.
    async fn purge_hours(&self) -> StoreResult<()> {
        let before = self.context.now().plus_ms(-HOURS_DAYS * DAY_MS);
        loop {
            let mut tx = self.context.db.begin().await?;
            let purged = retention::delete_hours(&mut tx, before, STEP_ROWS).await?;
            tx.commit().await?;
            if purged < u64::from(STEP_ROWS) || self.context.is_stopping() {
                return Ok(());
            }
            self.pacing.rest().await;
        }
    }
}

async fn purge(db: &Db, account: &AccountRetention, kind: Kind, rows: Vec<&ExpiredRow>) -> StoreResult<usize> {
    let mut tx = db.begin().await?;
    let purged = retention::purge(&mut tx, kind, &account.id, &rows).await?;
    tx.commit().await?;
    Ok(purged)
}

/// When an hour begins, and the bytes stored of it.
type Hour = (UnixMs, u64);

/// Before when bodies and whole rows are deleted.
#[derive(Debug, Clone, Copy)]
struct Before {
    bodies: UnixMs,
    rows: UnixMs,
}

/// When the first of the newest hours begins whose bodies fit into the account's limit. The present one's are kept in any case.
fn first_hour_that_fits(now: UnixMs, most_mb: Option<i64>, stored: &[Hour]) -> UnixMs {
    let most_mb = most_mb.and_then(|most| u32::try_from(most).ok()).unwrap_or(Limit::StoredMb.default());
    let present = UnixMs(now.0 - now.0.rem_euclid(HOUR_MS));
    let newest = stored.first().is_none_or(|(hour, _)| *hour < present).then_some((present, 0));
    let (hours, bytes): (Vec<UnixMs>, Vec<u64>) = newest.into_iter().chain(stored.iter().copied()).unzip();
    hours.get(hours_that_fit(&bytes, most_mb)).map_or(UnixMs(0), |hour| hour.plus_ms(HOUR_MS))
}

const fn days_before(now: UnixMs, days: i64) -> UnixMs {
    let at = now.plus_ms(-days * DAY_MS);
    if at.0 < 0 { UnixMs(0) } else { at }
}
