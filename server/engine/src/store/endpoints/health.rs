//! The health of endpoints after their attempts, and the states that follow from it.

use domain::{UnixMs, endpoint::Evidence};
use serde::{Deserialize, Serialize};

use crate::store::{
    db::Tx,
    error::StoreResult,
    sql::{Param, Sql, json_list},
};

// While attempts fail, the latest attempt is the latest failure: a failure on a later day than that one adds a day.
static HEALTH: Sql = Sql::new(
    "UPDATE endpoints SET \
     failures_in_row = CASE WHEN r.success_ms IS NULL THEN endpoints.failures_in_row + r.failures ELSE r.failures END, \
     failing_since_ms = CASE WHEN r.failures = 0 THEN NULL \
       WHEN r.success_ms IS NULL AND endpoints.failing_since_ms IS NOT NULL THEN endpoints.failing_since_ms \
       ELSE r.failed_first_ms END, \
     failing_days = CASE WHEN r.failures = 0 THEN 0 \
       WHEN r.success_ms IS NULL AND endpoints.failing_since_ms IS NOT NULL THEN endpoints.failing_days + \
         CASE WHEN (r.attempt_ms - endpoints.failing_since_ms) / 86400000 \
           > (endpoints.last_attempt_ms - endpoints.failing_since_ms) / 86400000 THEN 1 ELSE 0 END \
       ELSE 1 END, \
     proven = CASE WHEN r.success_ms IS NULL THEN endpoints.proven ELSE 1 END, \
     last_success_ms = COALESCE(r.success_ms, endpoints.last_success_ms), \
     last_attempt_ms = r.attempt_ms, \
     last_failure = CASE WHEN r.failures = 0 THEN NULL ELSE r.failure END, \
     warned = CASE WHEN r.success_ms IS NULL THEN endpoints.warned ELSE 0 END \
     FROM {rows r: endpoint_id text, success_ms bigint, failures bigint, failed_first_ms bigint, attempt_ms bigint, \
     failure text} WHERE endpoints.id = r.endpoint_id",
);
static PAUSE_GONE: Sql = Sql::new(
    "UPDATE endpoints SET state = 'paused', pause_reason = 'gone', state_since_ms = $2, version = version + 1 \
     WHERE id IN {list $1} AND state = 'active' RETURNING id, account_id, name",
);
static DISABLE: Sql = Sql::new(
    "UPDATE endpoints SET state = 'disabled', state_since_ms = $2, version = version + 1 \
     WHERE id IN {list $1} AND state = 'active' AND failing_since_ms <= $3 AND failures_in_row >= $4 \
     AND failing_days >= $5 AND warned = $6 AND warned_ms <= $7 RETURNING id, account_id, name",
);
static WARN: Sql = Sql::new(
    "UPDATE endpoints SET warned = $2, warned_ms = $6 WHERE id IN {list $1} AND state = 'active' AND warned < $2 \
     AND failing_since_ms <= $3 AND failures_in_row >= $4 AND failing_days >= $5 RETURNING id, account_id, name",
);

/// Summary of one endpoint's attempts in a batch.
#[derive(Debug, Clone, Serialize)]
pub struct HealthChange {
    /// The endpoint.
    pub endpoint_id: String,
    /// Latest success in the batch.
    pub success_ms: Option<i64>,
    /// Failures since that success, or in the whole batch.
    pub failures: i64,
    /// When the first of these failed.
    pub failed_first_ms: Option<i64>,
    /// Latest attempt.
    pub attempt_ms: i64,
    /// Latest failure as JSON.
    pub failure: Option<String>,
}

/// An endpoint whose state changed automatically.
#[derive(Debug, Clone, Deserialize, sqlx_macros::FromRow)]
pub struct ChangedEndpoint {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub account_id: String,
    /// Its name.
    pub name: String,
}

/// The warnings about consecutive failures, in the order in which they are given.
#[derive(Debug, Clone, Copy)]
pub enum WarningLevel {
    /// The endpoint is failing.
    First = 1,
    /// For a day.
    Second = 2,
    /// The last one before it is disabled.
    Last = 3,
}

/// Counts successes and failures of endpoints.
pub async fn update(tx: &mut Tx, rows: &[HealthChange]) -> StoreResult<()> {
    HEALTH.write(tx, rows, &[]).await?;
    Ok(())
}

/// Pauses the active ones of these endpoints, which responded with 410 Gone. Returns them.
pub async fn pause_gone(tx: &mut Tx, endpoints: &[&str], now: UnixMs) -> StoreResult<Vec<ChangedEndpoint>> {
    PAUSE_GONE.fetch(tx, &[json_list(endpoints.iter().copied()).as_str().into(), now.0.into()]).await
}

/// Disables the active ones of these endpoints whose failures amount to `evidence`, and that got their last warning at
/// `warned_by` or earlier. Returns them.
pub async fn disable(
    tx: &mut Tx,
    endpoints: &[&str],
    evidence: Evidence,
    warned_by: UnixMs,
    now: UnixMs,
) -> StoreResult<Vec<ChangedEndpoint>> {
    let list = json_list(endpoints.iter().copied());
    let (attempts, days) = (i64::from(evidence.attempts), i64::from(evidence.days));
    let (began, level) = (evidence.latest_start(now).0, WarningLevel::Last as i64);
    let numbers = [now.0, began, attempts, days, level, warned_by.0].map(Param::from);
    DISABLE.fetch(tx, &[&[list.as_str().into()], &numbers[..]].concat()).await
}

/// Raises the warning level of those of these endpoints whose failures amount to `evidence`. Returns the ones that were
/// below it.
pub async fn warn(
    tx: &mut Tx,
    endpoints: &[&str],
    level: WarningLevel,
    evidence: Evidence,
    now: UnixMs,
) -> StoreResult<Vec<ChangedEndpoint>> {
    let list = json_list(endpoints.iter().copied());
    let (attempts, days) = (i64::from(evidence.attempts), i64::from(evidence.days));
    let numbers = [level as i64, evidence.latest_start(now).0, attempts, days, now.0].map(Param::from);
    WARN.fetch(tx, &[&[list.as_str().into()], &numbers[..]].concat()).await
}
