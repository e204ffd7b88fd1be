//! Outcomes of attempts, in bulk: delivery states under the lease, and attempt rows.

use serde::Serialize;

use crate::store::{db::Tx, deliveries::ordering_keys::OrderingKey, error::StoreResult, sql::Sql};

// COALESCE keeps the planner from scanning all leases for each row: the row's id leads to its delivery. A delivery that
// expires without a further attempt keeps the failure of its latest one: that is why it is too late.
static FINISH: Sql = Sql::new(
    "UPDATE deliveries SET state = r.state, end_reason = r.end_reason, \
     cause = CASE WHEN r.state = 'expired' AND r.cause IS NULL THEN deliveries.cause ELSE r.cause END, \
     failure = CASE WHEN r.state = 'expired' AND r.cause IS NULL THEN deliveries.failure ELSE r.failure END, \
     status_code = CASE WHEN r.state = 'expired' AND r.cause IS NULL THEN deliveries.status_code ELSE r.status_code END, \
     duration_ms = CASE WHEN r.state = 'expired' AND r.cause IS NULL THEN deliveries.duration_ms ELSE r.duration_ms END, \
     attempts = r.attempts, attempts_before = r.attempts_before, due_ms = r.due_ms, finished_ms = r.finished_ms, lease_owner = NULL \
     FROM {rows r: id text, state text, end_reason text, cause text, failure text, status_code bigint, \
     duration_ms bigint, attempts bigint, attempts_before bigint, due_ms bigint, finished_ms bigint} \
     WHERE deliveries.id = r.id AND COALESCE(deliveries.lease_owner, '') = $1 RETURNING deliveries.id",
);
/// Its endpoint was deleted during the attempt: it stays cancelled, and keeps what is known about the attempt.
static FINISH_DELETED: Sql = Sql::new(
    "UPDATE deliveries SET cause = r.cause, failure = r.failure, status_code = r.status_code, \
     duration_ms = r.duration_ms, attempts = r.attempts \
     FROM {rows r: id text, cause text, failure text, status_code bigint, duration_ms bigint, attempts bigint} \
     WHERE deliveries.id = r.id AND deliveries.state = 'cancelled' AND deliveries.end_reason = 'endpoint_deleted' \
     AND deliveries.attempts = r.attempts - 1 RETURNING deliveries.id",
);
static ADD_ATTEMPTS: Sql = Sql::new(
    "INSERT INTO attempts (delivery_id, number, id, account_id, started_ms, duration_ms, timing, url, signature, \
     status_code, failure, response_head, response_body, response_cut) \
     SELECT r.delivery_id, r.number, r.id, r.account_id, r.started_ms, r.duration_ms, r.timing, r.url, r.signature, \
     r.status_code, r.failure, r.response_head, r.response_body, r.response_cut \
     FROM {rows r: delivery_id text, number bigint, id text, account_id text, started_ms bigint, duration_ms bigint, \
     timing text, url text, signature text, status_code bigint, failure text, response_head text, response_body text, \
     response_cut bigint} WHERE true ON CONFLICT (delivery_id, number) DO NOTHING",
);
// As many as a call may have open.
static CALL_ENDED: Sql = Sql::new(
    "SELECT r.endpoint_id, r.call_id FROM {rows r: endpoint_id text, call_id text} WHERE (SELECT 1 FROM ( \
       SELECT d.kind FROM deliveries d WHERE d.endpoint_id = r.endpoint_id AND d.call_id = r.call_id \
       AND d.state IN ('queued', 'retrying') LIMIT 1000) AS open WHERE open.kind = 'CallProcessed' LIMIT 1) = 1",
);
static THROTTLE: Sql = Sql::new(
    "UPDATE endpoints SET throttled_until_ms = r.until_ms FROM {rows r: id text, until_ms bigint} \
     WHERE endpoints.id = r.id AND COALESCE(endpoints.throttled_until_ms, 0) < r.until_ms",
);
/// The state of a delivery after an attempt, or after it expired without one.
#[derive(Debug, Clone, Serialize)]
pub struct Finish {
    /// The delivery.
    pub id: String,
    /// Its new stored state.
    pub state: &'static str,
    /// Why it ended, if it ended without success.
    pub end_reason: Option<&'static str>,
    /// Code of the cause of its latest failure.
    pub cause: Option<&'static str>,
    /// That failure as JSON.
    pub failure: Option<String>,
    /// HTTP status of the latest attempt.
    pub status_code: Option<i64>,
    /// Duration of the latest attempt.
    pub duration_ms: Option<i64>,
    /// Number of attempts so far.
    pub attempts: i64,
    /// Of these, those that don't count.
    pub attempts_before: i64,
    /// When the next is due.
    pub due_ms: Option<i64>,
    /// When it ended.
    pub finished_ms: Option<i64>,
}

/// An attempt to insert.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptRow {
    /// The delivery.
    pub delivery_id: String,
    /// 1, 2, …
    pub number: i64,
    /// Id.
    pub id: String,
    /// Whose it is.
    pub account_id: String,
    /// When it started.
    pub started_ms: i64,
    /// How long it took.
    pub duration_ms: i64,
    /// Where the time went, as JSON.
    pub timing: String,
    /// The URL used.
    pub url: String,
    /// The signature header that was sent.
    pub signature: String,
    /// HTTP status.
    pub status_code: Option<i64>,
    /// Why it failed, as JSON.
    pub failure: Option<String>,
    /// Response header lines.
    pub response_head: String,
    /// Stored part of the response body.
    pub response_body: String,
    /// 1 when the body was longer.
    pub response_cut: i64,
}

/// An endpoint whose server requested a pause.
#[derive(Debug, Clone, Serialize)]
pub struct ThrottledEndpoint {
    /// The endpoint.
    pub id: String,
    /// Until when.
    pub until_ms: i64,
}

/// Writes the states of deliveries that this node still leases. Returns their ids.
pub async fn finish(tx: &mut Tx, node: &str, rows: &[Finish]) -> StoreResult<Vec<String>> {
    let kept: Vec<(String,)> = FINISH.read(tx, rows, &[node.into()]).await?;
    Ok(kept.into_iter().map(|(id,)| id).collect())
}

/// Notes attempts at deliveries whose endpoints were deleted meanwhile. Returns the ids of these deliveries.
pub async fn finish_deleted(tx: &mut Tx, rows: &[&Finish]) -> StoreResult<Vec<String>> {
    let noted: Vec<(String,)> = FINISH_DELETED.read(tx, rows, &[]).await?;
    Ok(noted.into_iter().map(|(id,)| id).collect())
}

/// Inserts attempts.
pub async fn add_attempts(tx: &mut Tx, rows: &[AttemptRow]) -> StoreResult<()> {
    ADD_ATTEMPTS.write(tx, rows, &[]).await?;
    Ok(())
}

/// Which of these ordering keys have the end of their call waiting.
pub async fn call_ended(tx: &mut Tx, keys: &[OrderingKey]) -> StoreResult<Vec<OrderingKey>> {
    CALL_ENDED.read(tx, keys, &[]).await
}

/// Pauses the queues of endpoints, or extends their pauses. Rows are sorted by endpoint.
pub async fn throttle(tx: &mut Tx, rows: &[ThrottledEndpoint]) -> StoreResult<()> {
    THROTTLE.write(tx, rows, &[]).await?;
    Ok(())
}
