//! Retention: bodies go first, whole rows later, in small transactions, so that the writer is never held for long.
//! What still waits to be sent stays, however old it is.

use std::sync::Arc;

use domain::{
    UnixMs,
    id::{DeliveryId, encode},
    time::{DAY_MS, MINUTE_MS},
};

use crate::{
    clock,
    store::{
        cleaning::{self, Keeping},
        error::StoreResult,
    },
};

use super::Sender;

/// Rows of one transaction: few enough to take some milliseconds.
const STEP_ROWS: u32 = 200;
/// Pages given back to the file system after a step, 4 KiB each.
const STEP_PAGES: u32 = 256;
/// Rest between two steps, so that events and outcomes go first.
const STEP_REST_MS: u64 = 50;
/// Time between two rounds.
const ROUND_MS: u64 = 10 * MINUTE_MS.unsigned_abs();
/// Days that hourly counts are kept.
const HOURS_DAYS: i64 = 400;

/// Cleans round after round until the sender stops.
pub(crate) async fn run(sender: Arc<Sender>) {
    while !sender.is_stopping() {
        match clean(&sender, true).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "took away what is past retention"),
            Err(error) => tracing::warn!(%error, "could not take away what is past retention; trying again later"),
        }
        clock::rest_ms(ROUND_MS).await;
    }
}

/// One round over all accounts; returns how many rows were stripped or deleted.
///
/// # Errors
/// When the database cannot be used. What was done stays done.
pub async fn clean(sender: &Sender, rests: bool) -> StoreResult<usize> {
    let mut rows = 0;
    for mut keeping in cleaning::accounts(&sender.db).await? {
        loop {
            let done = step(sender, &mut keeping).await?;
            rows += done;
            if done == 0 || sender.is_stopping() {
                break;
            }
            cleaning::give_back(&sender.db, STEP_PAGES).await?;
            if rests {
                clock::rest_ms(STEP_REST_MS).await;
            }
        }
    }
    let mut tx = sender.db.begin().await?;
    cleaning::delete_hours(&mut tx, sender.now().plus_ms(-HOURS_DAYS * DAY_MS)).await?;
    tx.commit().await?;
    Ok(rows)
}

/// One transaction for one account.
async fn step(sender: &Sender, keeping: &mut Keeping) -> StoreResult<usize> {
    let now = sender.now();
    let longest = i64::from(sender.policies.now().retention_max_days);
    let longest = keeping.retention_max_days.map_or(longest, |days| days.min(longest));
    let bodies_before = encode(days_before(now, keeping.bodies_days.min(longest)), 0);
    let rows_before = days_before(now, keeping.rows_days.min(longest));
    let mut tx = sender.db.begin().await?;
    let (stripped, reached) =
        cleaning::strip(&mut tx, &keeping.id, &keeping.bodies_cleaned, &bodies_before, STEP_ROWS).await?;
    let oldest = DeliveryId::new(rows_before, 0);
    let deliveries = cleaning::delete_deliveries(&mut tx, &keeping.id, oldest.as_str(), STEP_ROWS).await?;
    // Events go when the last of their deliveries has gone.
    let events = if deliveries == 0 {
        cleaning::delete_events(&mut tx, &keeping.id, &encode(rows_before, 0), STEP_ROWS).await?
    } else {
        0
    };
    tx.commit().await?;
    if let Some(reached) = reached {
        keeping.bodies_cleaned = reached;
    }
    Ok(stripped + deliveries + events)
}

const fn days_before(now: UnixMs, days: i64) -> UnixMs {
    let at = now.plus_ms(-days * DAY_MS);
    if at.0 < 0 { UnixMs(0) } else { at }
}
