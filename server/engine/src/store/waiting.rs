//! What waits in the database, in numbers, for those who run the installation.

use super::{
    db::{Db, on},
    error::StoreResult,
    suspended,
};

// All that have not ended, less the few that are in hand: each part walks one index in its order.
const NOW: &str = concat!(
    "SELECT CASE WHEN e.account_id IN ",
    suspended!(),
    " THEN 'held' ELSE e.state END, CAST(SUM(w.n) AS BIGINT), MIN(w.due_ms) FROM ( \
       SELECT endpoint_id, COUNT(*) AS n, CAST(NULL AS BIGINT) AS due_ms FROM deliveries \
         WHERE state IN ('queued', 'retrying') GROUP BY endpoint_id \
       UNION ALL SELECT endpoint_id, -COUNT(*), NULL FROM deliveries \
         WHERE state IN ('queued', 'retrying') AND lease_owner IS NOT NULL GROUP BY endpoint_id \
       UNION ALL SELECT endpoint_id, 0, MIN(due_ms) FROM deliveries \
         WHERE state IN ('queued', 'retrying') AND lease_owner IS NULL AND due_ms IS NOT NULL GROUP BY endpoint_id) w \
     JOIN endpoints e ON e.id = w.endpoint_id GROUP BY 1"
);

/// Deliveries that are in nobody's hands, those behind an earlier one of their call among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Of active endpoints.
    pub active: u64,
    /// Of paused and disabled ones, and of suspended accounts.
    pub held: u64,
    /// When the longest due of an active endpoint was or will be due, Unix milliseconds.
    pub oldest_due_ms: Option<i64>,
}

/// How it stands.
pub async fn now(db: &Db) -> StoreResult<Waiting> {
    let rows: Vec<(String, i64, Option<i64>)> = on!(&db.readers, c => sqlx::query_as(NOW).fetch_all(c).await?);
    let mut waiting = Waiting::default();
    for (state, count, due_ms) in rows {
        let count = count.unsigned_abs();
        if state == "active" {
            waiting.active += count;
            waiting.oldest_due_ms = due_ms;
        } else {
            waiting.held += count;
        }
    }
    Ok(waiting)
}
