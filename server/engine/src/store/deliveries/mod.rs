//! Deliveries as users see them: rows, attempts, resend, cancel. [`queue`] has their processing.

pub mod backlog;
pub mod bulk_work;
pub mod job_work;
pub mod late_arrivals;
pub mod list;
pub mod order;
pub mod ordering_keys;
pub mod outcomes;
pub mod queue;
pub mod recovery_jobs;
pub mod recovery_work;
pub mod retention;
pub mod stuck;

use domain::{
    UnixMs,
    attempt::{Attempt, Timing},
    cause::{Cause, CauseFacts, Failure},
    delivery::{AttemptMark, DeliveryRow, MARKS_MAX, Status},
    event::EventKind,
    id::{AccountId, AttemptId, DeliveryId, EndpointId, EventId},
    order::OrderGivenUp,
    retry::{EndReason, RetryPolicy},
    target::TargetUrl,
};

use crate::store::{
    db::{Db, Tx, on, within},
    deliveries::ordering_keys::OrderingKey,
    error::{StoreError, StoreResult},
    sql::{Sql, json_list},
};

/// The columns of [`ShownRow`], shared with [`list`].
macro_rules! shown_columns {
    () => {
        "d.id, d.event_id, d.kind, d.call_id, d.caller, d.callee, d.endpoint_id, d.state, d.end_reason, d.order_given_up, \
         d.failure, d.status_code, d.duration_ms, d.attempts, d.attempts_before, d.created_ms, d.due_ms, d.finished_ms, d.test, \
         e.name AS endpoint_name, e.url AS endpoint_url, e.state AS endpoint_state, e.state_since_ms, e.deliver_late, \
         (SELECT a.suspended_ms FROM accounts a WHERE a.id = d.account_id) AS suspended_ms"
    };
}
pub(super) use shown_columns;

const ONE: &str = concat!(
    "SELECT ",
    shown_columns!(),
    " FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id \
     WHERE d.account_id = $1 AND d.id = $2"
);
static ATTEMPT_MARKS: Sql = Sql::new(
    "SELECT delivery_id, started_ms, duration_ms, CAST(CASE WHEN failure IS NULL THEN 1 ELSE 0 END AS BIGINT) FROM attempts \
     WHERE account_id = $2 AND delivery_id IN {list $1} \
     AND number > (SELECT d.attempts - $3 FROM deliveries d WHERE d.id = attempts.delivery_id) ORDER BY delivery_id, number",
);
const ATTEMPTS: &str = "SELECT id, number, started_ms, duration_ms, timing, url, signature, status_code, failure, \
    response_head, response_body, response_cut FROM attempts WHERE account_id = $1 AND delivery_id = $2 AND number <= $3 \
    ORDER BY number DESC LIMIT $4";
const RESEND: &str = "UPDATE deliveries SET state = 'queued', end_reason = NULL, attempts_before = attempts, \
    fresh_from_ms = $3, finished_ms = NULL, due_ms = $4, order_until_ms = NULL, order_given_up = NULL \
    WHERE account_id = $1 AND id = $2 AND state IN ('delivered', 'failed', 'expired', 'cancelled') \
    AND EXISTS (SELECT 1 FROM endpoints e WHERE e.id = deliveries.endpoint_id AND e.state <> 'deleted')";
const ENDED_BY_US: &str = "SELECT endpoint_id, call_id FROM deliveries WHERE account_id = $1 AND id = $2 \
    AND state = 'failed' AND cause = 'our_fault'";
const RETRY_NOW: &str = "UPDATE deliveries SET due_ms = $3 WHERE account_id = $1 AND id = $2 AND state = 'retrying' \
    AND lease_owner IS NULL AND due_ms IS NOT NULL";
const CANCEL: &str = "UPDATE deliveries SET state = 'cancelled', end_reason = 'cancelled', finished_ms = $3, due_ms = NULL \
    WHERE account_id = $1 AND id = $2 AND state IN ('queued', 'retrying') AND lease_owner IS NULL";
static UNFINISHED_OF_ENDPOINT: Sql = Sql::new(
    "SELECT call_id, id FROM deliveries WHERE account_id = $1 AND endpoint_id = $2 AND state IN ('queued', 'retrying') \
     AND (call_id, id) > ($3, $4) ORDER BY call_id, id LIMIT $5",
);
static CANCEL_WITH_ENDPOINT: Sql = Sql::new(
    "UPDATE deliveries SET state = 'cancelled', end_reason = 'endpoint_deleted', finished_ms = $2, due_ms = NULL, \
     lease_owner = NULL WHERE id IN ( \
       SELECT id FROM deliveries WHERE id IN {list $1} AND state IN ('queued', 'retrying') \
       ORDER BY endpoint_id, call_id, id {serialise})",
);

/// A delivery with its endpoint.
#[derive(sqlx_macros::FromRow)]
pub(super) struct ShownRow {
    pub(super) id: String,
    event_id: String,
    kind: String,
    call_id: String,
    caller: String,
    callee: String,
    endpoint_id: String,
    state: String,
    end_reason: Option<String>,
    order_given_up: Option<String>,
    failure: Option<String>,
    status_code: Option<i64>,
    duration_ms: Option<i64>,
    attempts: i64,
    attempts_before: i64,
    created_ms: i64,
    due_ms: Option<i64>,
    finished_ms: Option<i64>,
    test: i64,
    endpoint_name: String,
    endpoint_url: String,
    endpoint_state: String,
    state_since_ms: i64,
    suspended_ms: Option<i64>,
    deliver_late: i64,
}

impl ShownRow {
    /// The displayed status: deliveries waiting for a paused or disabled endpoint, or in a suspended account, are held.
    fn status(&self) -> Option<Status> {
        let status = Status::parse(&self.state)?;
        let holds = self.suspended_ms.is_some() || matches!(self.endpoint_state.as_str(), "paused" | "disabled");
        Some(if holds && !status.is_final() { Status::Held } else { status })
    }

    fn failure(&self, status: Status) -> Option<Failure> {
        let known: Option<Failure> = self.failure.as_deref().and_then(|json| serde_json::from_str(json).ok());
        match (status, known) {
            (Status::Delivered, _) => None,
            (Status::Held, _) => Some(match self.suspended_ms {
                Some(since_ms) => held(Cause::NotSentSuspended, since_ms),
                None => held(Cause::NotSentPaused, self.state_since_ms),
            }),
            (_, known) => known,
        }
    }
}

fn held(cause: Cause, since_ms: i64) -> Failure {
    Failure { cause, facts: CauseFacts { since: Some(UnixMs(since_ms)), ..CauseFacts::default() } }
}

pub(super) fn small(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or_default()
}

impl TryFrom<ShownRow> for DeliveryRow {
    type Error = StoreError;
    fn try_from(row: ShownRow) -> StoreResult<Self> {
        let corrupt = |column| StoreError::Corrupt { table: "deliveries", column, row: row.id.clone() };
        let status = row.status().ok_or_else(|| corrupt("state"))?;
        let kind = EventKind::parse(&row.kind).ok_or_else(|| corrupt("kind"))?;
        let failure = row.failure(status);
        Ok(Self {
            id: DeliveryId::parse(&row.id).map_err(|_| corrupt("id"))?,
            event_id: EventId::parse(&row.event_id).map_err(|_| corrupt("event_id"))?,
            kind,
            endpoint_id: EndpointId::parse(&row.endpoint_id).map_err(|_| corrupt("endpoint_id"))?,
            endpoint_host: TargetUrl::stored(row.endpoint_url).host(),
            endpoint_name: row.endpoint_name,
            call_id: row.call_id,
            caller: row.caller,
            callee: row.callee,
            status,
            end_reason: row.end_reason.as_deref().and_then(EndReason::parse),
            order_given_up: row.order_given_up.as_deref().and_then(OrderGivenUp::parse),
            failure,
            status_code: row.status_code.and_then(|code| u16::try_from(code).ok()),
            duration_ms: row.duration_ms.map(small),
            attempts: small(row.attempts),
            attempts_before: small(row.attempts_before),
            policy: RetryPolicy::of(kind, row.deliver_late != 0),
            created_at: UnixMs(row.created_ms),
            next_attempt_at: row.due_ms.filter(|_| status == Status::Retrying).map(UnixMs),
            finished_at: row.finished_ms.map(UnixMs),
            test: row.test != 0,
            beats: Vec::new(),
        })
    }
}

/// One delivery with its attempt marks.
pub async fn one(db: &Db, account: &AccountId, id: &DeliveryId) -> StoreResult<Option<DeliveryRow>> {
    let row: Option<ShownRow> =
        on!(&db.readers, c => sqlx::query_as(ONE).bind(account.as_str()).bind(id.as_str()).fetch_optional(c).await?);
    let Some(row) = row.map(DeliveryRow::try_from).transpose()? else { return Ok(None) };
    let mut rows = vec![row];
    add_attempt_marks(db, account, &mut rows).await?;
    Ok(rows.pop())
}

/// Adds the marks of the attempt timeline to rows: of each delivery's latest attempts, up to [`MARKS_MAX`].
pub async fn add_attempt_marks(db: &Db, account: &AccountId, rows: &mut [DeliveryRow]) -> StoreResult<()> {
    type Row = (String, i64, i64, i64);
    let sql = ATTEMPT_MARKS.on(db.dialect);
    let ids = json_list(rows.iter().map(|row| row.id.as_str()));
    let marks: Vec<Row> = on!(&db.readers, c => sqlx::query_as(sql).bind(ids).bind(account.as_str())
            .bind(i64::from(MARKS_MAX)).fetch_all(c).await?);
    for (delivery, started_ms, duration_ms, ok) in marks {
        if let Some(row) = rows.iter_mut().find(|row| row.id.as_str() == delivery) {
            row.beats.push(AttemptMark {
                started_at: UnixMs(started_ms),
                duration_ms: small(duration_ms),
                ok: ok != 0,
            });
        }
    }
    Ok(())
}

#[derive(sqlx_macros::FromRow)]
struct AttemptRow {
    id: String,
    number: i64,
    started_ms: i64,
    duration_ms: i64,
    timing: String,
    url: String,
    signature: String,
    status_code: Option<i64>,
    failure: Option<String>,
    response_head: String,
    response_body: String,
    response_cut: i64,
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = StoreError;
    fn try_from(row: AttemptRow) -> StoreResult<Self> {
        let id = AttemptId::parse(&row.id);
        let id = id.map_err(|_| StoreError::Corrupt { table: "attempts", column: "id", row: row.id })?;
        Ok(Self {
            id,
            number: small(row.number),
            started_at: UnixMs(row.started_ms),
            duration_ms: small(row.duration_ms),
            timing: serde_json::from_str::<Timing>(&row.timing).unwrap_or_default(),
            url: row.url,
            signature: row.signature,
            status_code: row.status_code.and_then(|code| u16::try_from(code).ok()),
            failure: row.failure.as_deref().and_then(|json| serde_json::from_str(json).ok()),
            response_head: row.response_head,
            response_body: row.response_body,
            response_cut: row.response_cut != 0,
        })
    }
}

/// Lists up to `limit` attempts of a delivery up to the one with this number, newest first.
pub async fn attempts(
    db: &Db,
    account: &AccountId,
    id: &DeliveryId,
    (up_to, limit): (u32, u32),
) -> StoreResult<Vec<Attempt>> {
    let rows: Vec<AttemptRow> = on!(&db.readers, c => sqlx::query_as(ATTEMPTS)
        .bind(account.as_str()).bind(id.as_str()).bind(i64::from(up_to)).bind(i64::from(limit)).fetch_all(c).await?);
    rows.into_iter().map(Attempt::try_from).collect()
}

/// Queues an ended delivery again with new attempts, due now unless its ordering key is busy. False if it has not ended,
/// or its endpoint was deleted.
pub async fn resend(
    tx: &mut Tx,
    account: &AccountId,
    id: &DeliveryId,
    key: OrderingKey,
    now: UnixMs,
) -> StoreResult<bool> {
    let due = if ordering_keys::busy(tx, &[key]).await?.is_empty() { Some(now.0) } else { None };
    let resent = within!(tx, c => sqlx::query(RESEND)
        .bind(account.as_str()).bind(id.as_str()).bind(now.0).bind(due).execute(c).await?.rows_affected());
    Ok(resent == 1)
}

/// Queues a delivery again that ended because of us, if its endpoint exists.
pub async fn resend_parked(tx: &mut Tx, account: &AccountId, id: &DeliveryId, now: UnixMs) -> StoreResult<()> {
    let key: Option<OrderingKey> = within!(&mut *tx, c => sqlx::query_as(ENDED_BY_US)
        .bind(account.as_str()).bind(id.as_str()).fetch_optional(c).await?);
    match key {
        Some(key) => resend(tx, account, id, key, now).await.map(drop),
        None => Ok(()),
    }
}

/// Makes a delivery that waits for its next attempt due now. False if it is not waiting for one.
pub async fn retry_now(tx: &mut Tx, account: &AccountId, id: &DeliveryId, now: UnixMs) -> StoreResult<bool> {
    change(tx, RETRY_NOW, account, id.as_str(), now).await.map(|rows| rows == 1)
}

/// Cancels a waiting delivery. False if it has ended or is leased.
pub async fn cancel(tx: &mut Tx, account: &AccountId, id: &DeliveryId, now: UnixMs) -> StoreResult<bool> {
    let cancelled = change(tx, CANCEL, account, id.as_str(), now).await? == 1;
    if cancelled {
        retention::purge_ended(tx, &[id.as_str()]).await?;
    }
    Ok(cancelled)
}

/// The next `limit` unfinished deliveries of an endpoint after this one, each with its call, in their order.
pub async fn unfinished_of_endpoint(
    db: &Db,
    account: &AccountId,
    id: &EndpointId,
    after: &(String, String),
    limit: u32,
) -> StoreResult<Vec<(String, String)>> {
    let sql = UNFINISHED_OF_ENDPOINT.on(db.dialect);
    Ok(on!(&db.readers, c => sqlx::query_as(sql)
        .bind(account.as_str()).bind(id.as_str()).bind(&after.0).bind(&after.1).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Cancels these deliveries of a deleted endpoint, including leased ones. Returns how many had not ended.
pub async fn cancel_with_endpoint(tx: &mut Tx, ids: &[&str], now: UnixMs) -> StoreResult<u64> {
    let (sql, list) = (CANCEL_WITH_ENDPOINT.on(tx.dialect()), json_list(ids.iter().copied()));
    let cancelled = within!(&mut *tx, c => sqlx::query(sql).bind(list).bind(now.0).execute(c).await?.rows_affected());
    retention::purge_ended(tx, ids).await?;
    Ok(cancelled)
}

async fn change(tx: &mut Tx, sql: &'static str, account: &AccountId, id: &str, now: UnixMs) -> StoreResult<u64> {
    Ok(within!(tx, c => sqlx::query(sql).bind(account.as_str()).bind(id).bind(now.0).execute(c).await?.rows_affected()))
}
