//! Lets the next event of a call go when an earlier one has failed for long enough.

use std::sync::Arc;

use domain::UnixMs;

use crate::store::{
    deliveries::{order, ordering_keys},
    error::StoreResult,
};

use super::sender::Sender;

/// Most deliveries of one transaction.
const STEP_ROWS: u32 = 256;

/// Gives up the order of deliveries that others have waited for long enough. Returns when to check again.
pub(super) async fn give_up(sender: &Arc<Sender>, now: UnixMs) -> StoreResult<Option<UnixMs>> {
    let (expired, again) = order::expired(&sender.context.db, now, STEP_ROWS).await?;
    if expired.is_empty() {
        return Ok(again);
    }
    let mut tx = sender.context.db.begin().await?;
    ordering_keys::lock(&mut tx, expired.iter().map(|expired| expired.key.clone())).await?;
    let keys = order::give_up(&mut tx, &expired, now).await?;
    ordering_keys::promote_next(&mut tx, &keys, None, now).await?;
    tx.commit().await?;
    Ok(again)
}
