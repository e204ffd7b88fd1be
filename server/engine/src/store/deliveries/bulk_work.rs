//! Retries and resends of many deliveries: those that match a filter, or that were selected.
//!
//! A retry makes deliveries due that wait for a later time. Those that wait behind an earlier delivery of their call stay
//! behind it and follow it: the order of a call is never changed.

use domain::{
    UnixMs,
    filter::DeliveryFilter,
    id::{AccountId, DeliveryId, EndpointId, JobId},
    recover::{JobAction, RECOVER_MAX},
};

use crate::store::{
    db::{Db, Tx, on, within},
    deliveries::{
        list::{self, Ascending, Wanted},
        ordering_keys::{self, OrderingKey},
        recovery_work::{Found, delivery_key, distinct_keys},
        small,
    },
    error::StoreResult,
    sql::{Sql, json_list},
};

/// The selected ones to which the action applies: unfinished ones of a receiving endpoint to retry, ended ones with a payload
/// to resend.
macro_rules! listed {
    () => {
        "FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id WHERE d.account_id = $2 AND d.id IN {list $1} \
         AND d.id > $3 AND (($4 = 'retry' AND d.state IN ('queued', 'retrying') AND e.state = 'active' \
         AND (SELECT a.suspended_ms FROM accounts a WHERE a.id = d.account_id) IS NULL) \
         OR ($4 = 'resend' AND d.state IN ('delivered', 'failed', 'expired', 'cancelled') AND d.finished_ms <= $5 \
         AND e.state <> 'deleted' AND EXISTS (SELECT 1 FROM events ev WHERE ev.account_id = d.account_id \
         AND ev.id = d.event_id AND ev.payload IS NOT NULL)))"
    };
}
static LISTED: Sql = Sql::new(concat!("SELECT d.id, d.endpoint_id, d.call_id ", listed!(), " ORDER BY d.id LIMIT $6"));
static COUNT_LISTED: Sql = Sql::new(concat!("SELECT COUNT(*) ", listed!()));
const COUNT_WAITING: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE account_id = $1 AND endpoint_id = $2 \
    AND state IN ('queued', 'retrying') AND created_ms < $3 LIMIT $4) AS waiting";
const LATER: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE account_id = $1 AND endpoint_id = $2 \
    AND state IN ('queued', 'retrying') AND state = 'retrying' AND lease_owner IS NULL AND due_ms IS NOT NULL \
    AND due_ms > $3 LIMIT 1) AS later";
/// One that is being sent keeps its due time; all are marked, so that the job can tell what became of them.
static RETRY: Sql = Sql::new(
    "UPDATE deliveries SET recovered_by = $3, due_ms = CASE WHEN state = 'retrying' AND lease_owner IS NULL \
     AND due_ms > $2 THEN $2 ELSE due_ms END WHERE state IN ('queued', 'retrying') AND id IN ( \
       SELECT id FROM deliveries WHERE id IN {list $1} AND state IN ('queued', 'retrying') \
       ORDER BY endpoint_id, call_id, id {serialise}) RETURNING id",
);
static RESEND: Sql = Sql::new(
    "UPDATE deliveries SET state = 'queued', end_reason = NULL, attempts_before = attempts, fresh_from_ms = $2, \
     finished_ms = NULL, due_ms = NULL, order_until_ms = NULL, order_given_up = NULL, recovered_by = $3 \
     WHERE id IN {list $1} AND finished_ms <= $4 AND state IN ('delivered', 'failed', 'expired', 'cancelled') \
     AND EXISTS (SELECT 1 FROM endpoints e WHERE e.id = deliveries.endpoint_id AND e.state <> 'deleted') RETURNING id",
);

/// Many deliveries, and what to do with them.
pub struct Bulk<'a> {
    /// The account.
    pub account: &'a AccountId,
    /// Retry or resend.
    pub action: JobAction,
    /// The deliveries.
    pub selection: Selection<'a>,
    /// When the job started: events accepted, and deliveries ended, later are not included.
    pub began: UnixMs,
}

/// Which deliveries.
pub enum Selection<'a> {
    /// These.
    Listed(&'a [DeliveryId]),
    /// Those that match this filter, which searches no number.
    Matching(DeliveryFilter),
}

impl Bulk<'_> {
    fn ascending<'a>(&'a self, filter: &'a DeliveryFilter, after: &'a str) -> Ascending<'a> {
        let wanted = Wanted { filter, number: None };
        Ascending { account: self.account, wanted, resend: self.action != JobAction::Retry, after, began: self.began }
    }
}

/// Counts the deliveries. [`RECOVER_MAX`] plus one means "more".
pub async fn count(db: &Db, bulk: &Bulk<'_>) -> StoreResult<u32> {
    match &bulk.selection {
        Selection::Listed(ids) => {
            let (sql, ids) = (COUNT_LISTED.on(db.dialect), json_list(ids.iter().map(DeliveryId::as_str)));
            let n: i64 = on!(&db.readers, c => sqlx::query_scalar(sql).bind(ids).bind(bulk.account.as_str()).bind("")
                .bind(bulk.action.as_str()).bind(bulk.began.0).fetch_one(c).await?);
            Ok(small(n))
        }
        Selection::Matching(filter) => list::count_ascending(db, &bulk.ascending(filter, ""), RECOVER_MAX + 1).await,
    }
}

/// Counts what waits for an endpoint, whether it is active or not. [`RECOVER_MAX`] plus one means "more".
pub async fn count_waiting(db: &Db, account: &AccountId, endpoint: &EndpointId, began: UnixMs) -> StoreResult<u32> {
    let sql = COUNT_WAITING;
    let n: i64 = on!(&db.readers, c => sqlx::query_scalar(sql).bind(account.as_str()).bind(endpoint.as_str())
        .bind(began.0).bind(i64::from(RECOVER_MAX) + 1).fetch_one(c).await?);
    Ok(small(n))
}

/// Whether any delivery of an endpoint waits for a later time.
pub async fn any_waits_for_later(
    db: &Db,
    account: &AccountId,
    endpoint: &EndpointId,
    now: UnixMs,
) -> StoreResult<bool> {
    let n: i64 = on!(&db.readers, c => sqlx::query_scalar(LATER).bind(account.as_str()).bind(endpoint.as_str())
        .bind(now.0).fetch_one(c).await?);
    Ok(n > 0)
}

/// The next deliveries after a position, oldest first.
pub async fn find(db: &Db, bulk: &Bulk<'_>, after: &str, limit: u32) -> StoreResult<Vec<Found>> {
    let after = delivery_key(after);
    let rows: Vec<(String, String, String)> = match &bulk.selection {
        Selection::Listed(ids) => {
            let (sql, ids) = (LISTED.on(db.dialect), json_list(ids.iter().map(DeliveryId::as_str)));
            on!(&db.readers, c => sqlx::query_as(sql).bind(ids).bind(bulk.account.as_str()).bind(&after)
                .bind(bulk.action.as_str()).bind(bulk.began.0).bind(i64::from(limit)).fetch_all(c).await?)
        }
        Selection::Matching(filter) => list::ascending(db, &bulk.ascending(filter, &after), limit).await?,
    };
    let found = |(id, endpoint_id, call_id)| Found::delivery(id, OrderingKey { endpoint_id, call_id });
    Ok(rows.into_iter().map(found).collect())
}

/// Retries or resends them. Returns how many still needed it.
pub async fn apply(tx: &mut Tx, bulk: &Bulk<'_>, job: &JobId, found: &[Found], now: UnixMs) -> StoreResult<usize> {
    let ids = json_list(found.iter().filter_map(Found::delivery_id));
    if bulk.action == JobAction::Retry {
        let sql = RETRY.on(tx.dialect());
        let retried: Vec<String> = within!(tx, c =>
            sqlx::query_scalar(sql).bind(ids).bind(now.0).bind(job.as_str()).fetch_all(c).await?);
        return Ok(retried.len());
    }
    let mut keys = distinct_keys(found);
    let busy = ordering_keys::busy(tx, &keys).await?;
    let sql = RESEND.on(tx.dialect());
    let resent: Vec<String> = within!(tx, c => sqlx::query_scalar(sql)
        .bind(ids).bind(now.0).bind(job.as_str()).bind(bulk.began.0).fetch_all(c).await?);
    keys.retain(|key| !busy.contains(key));
    ordering_keys::promote_next(tx, &keys, None, now).await?;
    Ok(resent.len())
}
