//! Retention: bodies go first, whole rows later, in small transactions, so that the writer is never held for long.
//! What still waits to be sent stays, however old it is, and goes with its end.
//!
//! What is to go is looked for before a transaction begins, from where the last look ended; inside it rows go by their
//! keys alone. A step that took long is followed by a smaller one, so the disk decides how much is a step.

use std::{sync::Arc, time::Duration};

use domain::{
    UnixMs,
    id::{DeliveryId, encode},
    time::{DAY_MS, MINUTE_MS},
};

use crate::{
    clock,
    store::{
        cleaning::{self, AccountRetention, Kind, Past},
        error::StoreResult,
    },
};

use super::{Sender, left_behind, stride::Stride};

/// Most rows of one transaction.
const STEP_ROWS: u32 = 200;
/// Rows of one transaction at least, however slow the disk is.
const STEP_ROWS_MIN: u32 = 8;
/// How long a step may hold the writer.
pub const STEP_MS: u64 = 20;
const STRIDE: Stride = Stride { rows: (STEP_ROWS_MIN, STEP_ROWS), limit: Duration::from_millis(STEP_MS) };
/// Pages given back to the file system after a step, 4 KiB each.
const STEP_PAGES: u32 = 64;
/// Rest between two steps, so that events and outcomes go first.
const STEP_REST_MS: u64 = 50;
/// Time between two rounds.
const ROUND_MS: u64 = 10 * MINUTE_MS.unsigned_abs();
/// Days that hourly counts are kept.
const HOURS_DAYS: i64 = 400;

/// Cleans round after round until the sender stops, and takes up what was left behind.
pub(crate) async fn run(sender: Arc<Sender>) {
    while !sender.is_stopping() {
        if let Err(error) = left_behind::take_up(&sender, true).await {
            tracing::warn!(%error, "could not look for deliveries that were left behind; trying again later");
        }
        match clean(&sender, true).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "took away what is past retention"),
            Err(error) => tracing::warn!(%error, "could not take away what is past retention; trying again later"),
        }
        clock::sleep_ms(ROUND_MS).await;
    }
}

/// One round over all accounts; returns how many rows were stripped or deleted.
///
/// # Errors
/// When the database cannot be used. What was done stays done.
pub async fn clean(sender: &Sender, rests: bool) -> StoreResult<usize> {
    let mut round = Round { sender, rests, step_rows: STEP_ROWS };
    let mut rows = 0;
    for keeping in cleaning::accounts(&sender.db).await? {
        // Events go when the last of their deliveries has gone.
        for kind in [Kind::Bodies, Kind::Deliveries, Kind::Events] {
            rows += round.of(&keeping, kind).await?;
        }
    }
    round.hours().await?;
    Ok(rows)
}

struct Round<'a> {
    sender: &'a Sender,
    rests: bool,
    step_rows: u32,
}

impl Round<'_> {
    /// All that is past of one kind.
    async fn of(&mut self, keeping: &AccountRetention, kind: Kind) -> StoreResult<usize> {
        let now = self.sender.now();
        let longest = i64::from(self.sender.policies.now().retention_max_days);
        let longest = keeping.retention_max_days.map_or(longest, |days| days.min(longest));
        let bodies_before = days_before(now, keeping.bodies_days.min(longest));
        let rows_before = days_before(now, keeping.rows_days.min(longest));
        let (mut from, before) = match kind {
            Kind::Bodies => (keeping.bodies_cleaned.clone(), encode(bodies_before, 0)),
            Kind::Deliveries => {
                let oldest = DeliveryId::new(rows_before, 0);
                (String::new(), oldest.as_str().to_owned())
            }
            Kind::Events => (String::new(), encode(rows_before, 0)),
        };
        let mut rows = 0;
        while !self.sender.is_stopping() {
            let past = cleaning::past(&self.sender.db, kind, &keeping.id, (&from, &before), self.step_rows).await?;
            let Some(last) = past.last() else { break };
            from.clone_from(&last.key);
            rows += self.step(keeping, kind, &past).await?;
        }
        Ok(rows)
    }

    /// One transaction.
    async fn step(&mut self, keeping: &AccountRetention, kind: Kind, past: &[Past]) -> StoreResult<usize> {
        let db = &self.sender.db;
        let mut tx = db.begin().await?;
        let began = clock::stopwatch();
        let gone = cleaning::purge(&mut tx, kind, &keeping.id, past).await?;
        tx.commit().await?;
        let took = began.elapsed();
        self.sender.counters.clean.add(past.len(), took.as_secs_f64());
        self.step_rows = STRIDE.next(self.step_rows, past.len(), took);
        cleaning::give_back(db, STEP_PAGES).await?;
        self.rest().await;
        Ok(gone)
    }

    /// Hourly counts that nobody asks for any more.
    async fn hours(&self) -> StoreResult<()> {
        let before = self.sender.now().plus_ms(-HOURS_DAYS * DAY_MS);
        loop {
            let mut tx = self.sender.db.begin().await?;
            let gone = cleaning::delete_hours(&mut tx, before, STEP_ROWS).await?;
            tx.commit().await?;
            if gone < u64::from(STEP_ROWS) || self.sender.is_stopping() {
                return Ok(());
            }
            self.rest().await;
        }
    }

    async fn rest(&self) {
        if self.rests {
            clock::sleep_ms(STEP_REST_MS).await;
        }
    }
}

const fn days_before(now: UnixMs, days: i64) -> UnixMs {
    let at = now.plus_ms(-days * DAY_MS);
    if at.0 < 0 { UnixMs(0) } else { at }
}
