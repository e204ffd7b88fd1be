//! How many deliveries are waiting in the database.

use domain::{
    delivery::COUNT_MAX,
    id::{AccountId, EndpointId},
};
use sqlx::AssertSqlSafe;

use crate::store::{
    conditions::{Bind, Conditions, bound, suspended},
    db::{Db, on},
    deliveries::small,
    error::StoreResult,
};

// All unfinished deliveries minus the few that are leased: each part scans one index in order.
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

/// Unleased deliveries, including those that wait behind an earlier one of their call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Of active endpoints.
    pub active: u64,
    /// Of paused and disabled ones, and of suspended accounts.
    pub held: u64,
    /// When the oldest due delivery of an active endpoint was or will be due, Unix milliseconds.
    pub oldest_due_ms: Option<i64>,
}

/// Counts the backlog.
pub async fn count(db: &Db) -> StoreResult<Backlog> {
    let rows: Vec<(String, i64, Option<i64>)> = on!(&db.readers, c => sqlx::query_as(NOW).fetch_all(c).await?);
    let mut backlog = Backlog::default();
    for (state, count, due_ms) in rows {
        let count = count.unsigned_abs();
        if state == "active" {
            backlog.active += count;
            backlog.oldest_due_ms = due_ms;
        } else {
            backlog.held += count;
        }
    }
    Ok(backlog)
}

/// Unfinished deliveries of an endpoint, exact up to [`COUNT_MAX`].
pub async fn of_endpoint(db: &Db, account: &AccountId, endpoint: &EndpointId) -> StoreResult<u32> {
    let mut conditions = Conditions::of(account.as_str(), "account_id");
    conditions.text("endpoint_id = ?", endpoint.as_str());
    conditions.fixed("state IN ('queued', 'retrying')");
    let where_ = conditions.sql;
    let sql =
        format!("SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE {where_} LIMIT {}) AS found", COUNT_MAX + 1);
    let n: i64 = on!(&db.readers, c =>
        bound!(sqlx::query_scalar(AssertSqlSafe(sql)), conditions.binds).fetch_one(c).await?);
    Ok(small(n))
}

/// The same for each endpoint of an account, in one statement.
pub async fn of_account(db: &Db, account: &AccountId) -> StoreResult<Vec<(String, u32)>> {
    let sql = format!(
        "SELECT e.id, (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries d WHERE d.endpoint_id = e.id \
         AND d.state IN ('queued', 'retrying') LIMIT {}) AS found) AS waiting \
         FROM endpoints e WHERE e.account_id = $1 AND e.state <> 'deleted'",
        COUNT_MAX + 1
    );
    let rows: Vec<(String, i64)> = on!(&db.readers, c =>
        sqlx::query_as(AssertSqlSafe(sql)).bind(account.as_str()).fetch_all(c).await?);
    Ok(rows.into_iter().map(|(endpoint, n)| (endpoint, small(n))).collect())
}
