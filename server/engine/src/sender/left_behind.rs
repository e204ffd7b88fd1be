//! Deliveries that nothing would ever move again. The transactions leave none, as far as we know; an earlier version did, and
//! what was accepted while its endpoint was being deleted comes after the deletion has looked.

use std::sync::Arc;

use domain::{UnixMs, time::MINUTE_MS};

use crate::{
    clock,
    store::{
        deliveries,
        error::StoreResult,
        jobs::{self, OrderingKey},
        left_behind,
    },
};

use super::Sender;

/// Deliveries that one step looks at.
const STEP_ROWS: u32 = 2_000;
/// Rest between two steps, so that events and outcomes go first.
const STEP_REST_MS: u64 = 50;
/// How long after its deletion an endpoint is looked at often.
const LATELY_MS: i64 = 10 * MINUTE_MS;

/// Makes the first due in each lane in which nothing is, and cancels what waits for deleted endpoints. Returns how many.
///
/// # Errors
/// When the database cannot be used. What was done stays done.
pub async fn take_up(sender: &Arc<Sender>, rests: bool) -> StoreResult<usize> {
    let mut moved = cancel_since(sender, UnixMs(0)).await?;
    let mut after = None;
    while !sender.is_stopping() {
        let parts = left_behind::step(&sender.db, after.as_ref(), STEP_ROWS).await?;
        let Some(last) = parts.last() else { break };
        after = Some(last.clone());
        // A lane that a step has cut in two may seem so; whoever hands on looks at all of it.
        let still: Vec<OrderingKey> = parts.into_iter().filter(|part| part.due == 0).map(|part| part.lane).collect();
        if !still.is_empty() {
            moved += promote_next(sender, &still).await?;
        }
        if rests {
            clock::sleep_ms(STEP_REST_MS).await;
        }
    }
    Ok(moved)
}

async fn promote_next(sender: &Arc<Sender>, lanes: &[OrderingKey]) -> StoreResult<usize> {
    let mut tx = sender.db.begin().await?;
    jobs::lock_ordering_keys(&mut tx, lanes.iter().cloned()).await?;
    let due = jobs::promote_next(&mut tx, lanes, None, sender.now()).await?.len();
    tx.commit().await?;
    if due > 0 {
        tracing::warn!(due, "took up deliveries that waited for nothing");
        sender.wake_at(sender.now());
    }
    Ok(due)
}

/// Cancels what waits for endpoints that were deleted lately. Returns how many.
///
/// # Errors
/// As [`take_up`].
pub async fn cancel_of_deleted(sender: &Sender) -> StoreResult<usize> {
    cancel_since(sender, sender.now().plus_ms(-LATELY_MS)).await
}

async fn cancel_since(sender: &Sender, since: UnixMs) -> StoreResult<usize> {
    let mut cancelled = 0;
    for (account, endpoint) in left_behind::of_deleted(&sender.db, since).await? {
        let mut tx = sender.db.begin().await?;
        cancelled += deliveries::cancel_of_endpoint(&mut tx, &account, &endpoint, sender.now()).await?;
        tx.commit().await?;
        let accounts = sender.changed([account.to_string()]);
        sender.tell_accounts(accounts).await;
    }
    Ok(usize::try_from(cancelled).unwrap_or(usize::MAX))
}
