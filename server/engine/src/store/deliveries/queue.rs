//! The delivery queue: add, claim, load, promote the next of an ordering key, release.
//!
//! Theory of operation. An unfinished delivery is `queued` or `retrying`. `lease_owner` names the node that leases it;
//! only that node's outcome counts. `due_ms` is the time of the next attempt. It is NULL while an earlier delivery of the
//! same call and endpoint (its ordering key) is unfinished, so a claim never overtakes. The transaction that ends a
//! delivery promotes the next one of its ordering key.
//!
//! A transaction that ends a delivery, or adds one behind it, first locks the unfinished deliveries of the ordering key.
//! Otherwise, on PostgreSQL, one transaction could look before the other has ended and commit after it has promoted, and
//! the new delivery would never become due. Deliveries are always locked in the order of endpoint, call and id, so
//! transactions cannot deadlock.

use std::collections::HashSet;

use domain::{
    UnixMs,
    id::{DeliveryId, Entropy, decode},
    retry::THROTTLED_MAX_MS,
};
use serde::Serialize;

use crate::store::{
    conditions::suspended,
    db::{Db, Dialect, Tx, on, within},
    error::StoreResult,
    sql::{BindRows as _, Sql, json_list},
};

/// Considers the phone index's watermarks too: the rows may have been purged since, and a delivery below the watermark
/// would not be found.
const LATEST: &str = "SELECT MAX(id) FROM (SELECT MAX(id) AS id FROM deliveries \
                      UNION ALL SELECT place FROM numbers_followed WHERE what = 'deliveries' \
                      UNION ALL SELECT 'dlv_' || place FROM numbers_followed WHERE what = 'unsent') AS latest";
static ADD: Sql = Sql::new(
    "INSERT INTO deliveries (id, account_id, endpoint_id, event_id, kind, call_id, caller, callee, test, state, attempts, \
     attempts_before, fresh_from_ms, created_ms, due_ms, lease_owner, proof) \
     SELECT r.id, r.account_id, r.endpoint_id, r.event_id, r.kind, r.call_id, r.caller, r.callee, r.test, 'queued', 0, 0, \
     r.created_ms, r.created_ms, r.due_ms, r.lease_owner, r.proof FROM {rows r: id text, account_id text, endpoint_id text, \
     event_id text, kind text, call_id text, caller text, callee text, test bigint, created_ms bigint, due_ms bigint, \
     lease_owner text, proof text}",
);
static BUSY_KEYS: Sql = Sql::new(
    "SELECT DISTINCT d.endpoint_id, d.call_id FROM {rows r: endpoint_id text, call_id text} \
     JOIN deliveries d ON d.endpoint_id = r.endpoint_id AND d.call_id = r.call_id \
     WHERE d.state IN ('queued', 'retrying')",
);
static LOCK_KEYS: Sql = Sql::new(
    "SELECT d.endpoint_id, d.call_id FROM {rows r: endpoint_id text, call_id text} \
     JOIN deliveries d ON d.endpoint_id = r.endpoint_id AND d.call_id = r.call_id \
     WHERE d.state IN ('queued', 'retrying') ORDER BY d.endpoint_id, d.call_id, d.id {serialise}",
);
static SUPERSEDE: Sql = Sql::new(
    "UPDATE deliveries SET state = 'expired', end_reason = 'superseded', finished_ms = $1, due_ms = NULL \
     WHERE state = 'retrying' AND lease_owner IS NULL AND kind <> 'CallProcessed' AND id IN ( \
       SELECT d.id FROM {rows r: endpoint_id text, call_id text} \
       JOIN deliveries d ON d.endpoint_id = r.endpoint_id AND d.call_id = r.call_id \
       JOIN endpoints e ON e.id = d.endpoint_id \
       WHERE d.state IN ('queued', 'retrying') AND e.deliver_late = 0) \
     RETURNING endpoint_id, call_id",
);
/// One probe of the due index per endpoint: a million waiting rows cost nothing.
const DUE_ENDPOINTS: &str = concat!(
    "SELECT id, CASE WHEN throttled_until_ms > due AND throttled_until_ms <= $1 THEN throttled_until_ms ELSE due END AS due, \
     rate_per_s, drain_per_s, state_since_ms, deliver_late, throttled_until_ms FROM (SELECT e.id AS id, \
     e.rate_per_s, e.drain_per_s, e.state_since_ms, e.deliver_late, e.throttled_until_ms, (SELECT MIN(d.due_ms) FROM deliveries d WHERE d.endpoint_id = e.id \
     AND d.state IN ('queued', 'retrying') AND d.lease_owner IS NULL AND d.due_ms IS NOT NULL) AS due \
     FROM endpoints e WHERE e.state = 'active' AND e.account_id NOT IN ",
    suspended!(),
    ") AS waiting \
     WHERE due IS NOT NULL ORDER BY 2"
);
/// A delivery that was never attempted is due at once. A later time came from a clock that has been set back since.
static RESET_FUTURE_DUE: Sql = Sql::new(
    "UPDATE deliveries SET due_ms = $1 WHERE id IN ( \
       SELECT id FROM deliveries WHERE state IN ('queued', 'retrying') AND state = 'queued' \
       AND lease_owner IS NULL AND due_ms IS NOT NULL AND due_ms > $1 ORDER BY endpoint_id, call_id, id {serialise})",
);
static CLAIM: Sql = Sql::new(
    "UPDATE deliveries SET lease_owner = $1 WHERE id IN ( \
       SELECT id FROM deliveries WHERE endpoint_id = $2 AND state IN ('queued', 'retrying') AND lease_owner IS NULL \
       AND due_ms IS NOT NULL AND due_ms <= $3 ORDER BY due_ms, id LIMIT $4 {skip_locked}) RETURNING id",
);
/// A resent delivery, whose id is older than those in progress, also waits until nothing of its ordering key is due.
static PROMOTE_NEXT: Sql = Sql::new(
    "UPDATE deliveries SET due_ms = $1, lease_owner = $2 WHERE id IN ( \
       SELECT MIN(d.id) FROM {rows r: endpoint_id text, call_id text} \
       JOIN deliveries d ON d.endpoint_id = r.endpoint_id AND d.call_id = r.call_id \
       WHERE d.state IN ('queued', 'retrying') GROUP BY d.endpoint_id, d.call_id HAVING COUNT(d.due_ms) = 0) \
     AND due_ms IS NULL AND lease_owner IS NULL RETURNING id",
);
static LOAD: Sql = Sql::new(
    "SELECT d.id, d.account_id, d.endpoint_id, d.event_id, d.kind, d.call_id, d.test, d.attempts, d.attempts_before, \
     d.fresh_from_ms, d.proof, e.payload, e.timestamp_s FROM deliveries d \
     JOIN events e ON e.account_id = d.account_id AND e.id = d.event_id \
     WHERE d.id IN {list $1} ORDER BY d.id",
);
const LEASED: &str = "SELECT id FROM deliveries WHERE state IN ('queued', 'retrying') AND lease_owner = $1";
static RELEASE: Sql = Sql::new(
    "UPDATE deliveries SET lease_owner = NULL WHERE id IN ( \
       SELECT id FROM deliveries WHERE id IN {list $1} AND COALESCE(lease_owner, '') = $2 \
       ORDER BY endpoint_id, call_id, id {serialise})",
);

/// A delivery to insert; one row of the bulk insert.
#[derive(Debug, Clone, Serialize)]
pub struct NewDelivery {
    /// Id; sorts by acceptance.
    pub id: String,
    /// Whose it is.
    pub account_id: String,
    /// Where it goes.
    pub endpoint_id: String,
    /// What it carries.
    pub event_id: String,
    /// Kind by name.
    pub kind: &'static str,
    /// The call.
    pub call_id: String,
    /// Caller.
    pub caller: String,
    /// Callee.
    pub callee: String,
    /// 1 for a test.
    pub test: i64,
    /// When the event was accepted.
    pub created_ms: i64,
    /// Time of its first attempt; none behind an earlier one of its ordering key.
    pub due_ms: Option<i64>,
    /// The node that leases it at once.
    pub lease_owner: Option<String>,
    /// The credential that it tests, if it carries the next one.
    pub proof: Option<&'static str>,
}

/// An ordering key: the deliveries of one call to one endpoint are sent one after the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, sqlx::FromRow)]
pub struct OrderingKey {
    /// The endpoint.
    pub endpoint_id: String,
    /// The call.
    pub call_id: String,
}

/// A leased delivery with what an attempt needs.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LoadedDelivery {
    /// Id.
    pub id: String,
    /// Whose it is.
    pub account_id: String,
    /// Where it goes.
    pub endpoint_id: String,
    /// What it carries; the `webhook-id`.
    pub event_id: String,
    /// Kind by name.
    pub kind: String,
    /// The call.
    pub call_id: String,
    /// 1 for a test.
    pub test: i64,
    /// Number of attempts so far.
    pub attempts: i64,
    /// Number of attempts before the latest resend.
    pub attempts_before: i64,
    /// When the event was accepted, or resent.
    pub fresh_from_ms: i64,
    /// The credential that it tests.
    pub proof: Option<String>,
    /// The payload; `None` once purged by retention.
    pub payload: Option<String>,
    /// Unix seconds of the event itself.
    pub timestamp_s: i64,
}

/// Time and entropy of the greatest id ever used.
pub async fn latest(db: &Db) -> StoreResult<Option<(UnixMs, Entropy)>> {
    let id: Option<String> = on!(&db.readers, c => sqlx::query_scalar(LATEST).fetch_one(c).await?);
    Ok(id.and_then(|id| decode(id.strip_prefix(DeliveryId::PREFIX)?)))
}

/// Inserts deliveries.
pub async fn add(tx: &mut Tx, rows: &[NewDelivery]) -> StoreResult<()> {
    ADD.write(tx, rows).await?;
    Ok(())
}

/// Which of these ordering keys have an unfinished delivery. None of those deliveries ends before this transaction does.
pub async fn busy_ordering_keys(tx: &mut Tx, keys: &[OrderingKey]) -> StoreResult<HashSet<OrderingKey>> {
    // Most ordering keys are free and need no lock.
    let mut found: Vec<OrderingKey> = BUSY_KEYS.read(tx, keys).await?;
    if tx.dialect() == Dialect::Sqlite {
        return Ok(found.into_iter().collect());
    }
    let mut busy = HashSet::new();
    while !found.is_empty() {
        let locked = lock_ordering_keys(tx, found.clone()).await?;
        // In the others, everything seen before has ended. Something else may have been added behind it.
        found.retain(|key| !locked.contains(key));
        busy.extend(locked);
        found = BUSY_KEYS.read(tx, &found).await?;
    }
    Ok(busy)
}

/// Locks the unfinished deliveries of these ordering keys, and returns the keys that have any. Does nothing on SQLite,
/// which has one writer.
pub async fn lock_ordering_keys(
    tx: &mut Tx,
    keys: impl IntoIterator<Item = OrderingKey>,
) -> StoreResult<HashSet<OrderingKey>> {
    if tx.dialect() == Dialect::Sqlite {
        return Ok(HashSet::new());
    }
    let mut keys: Vec<OrderingKey> = keys.into_iter().collect();
    keys.sort_unstable();
    keys.dedup();
    Ok(LOCK_KEYS.read(tx, &keys).await?.into_iter().collect())
}

/// Expires the call-start events that wait for a retry although their call has ended. Returns the ordering keys of those.
pub async fn supersede(tx: &mut Tx, ended_calls: &[OrderingKey], now: UnixMs) -> StoreResult<Vec<OrderingKey>> {
    let mut ended = Vec::new();
    for part in SUPERSEDE.parts(tx.dialect(), ended_calls) {
        let (sql, rows) = part?;
        ended.extend(
            within!(&mut *tx, c: Of => sqlx::query_as::<Of, _>(sql).rows(rows).bind(now.0).fetch_all(c).await?),
        );
    }
    Ok(ended)
}

/// An active endpoint with unleased work.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DueEndpoint {
    /// The endpoint.
    pub id: String,
    /// When its earliest delivery is due.
    pub due: i64,
    /// Most events per second.
    pub rate_per_s: Option<i64>,
    /// Most held events per second.
    pub drain_per_s: Option<i64>,
    /// When it was last resumed, or created.
    pub state_since_ms: i64,
    /// 1 if events are sent however late.
    pub deliver_late: i64,
    /// Until when its server requested a pause, at the latest.
    pub throttled_until_ms: Option<i64>,
}

/// The active endpoints with unleased work, earliest first. A throttled one is due when its pause ends; one further away than
/// any pause came from a clock that has been set back since.
pub async fn due_endpoints(tx: &mut Tx, now: UnixMs) -> StoreResult<Vec<DueEndpoint>> {
    let latest = now.plus_ms(THROTTLED_MAX_MS);
    Ok(within!(tx, c => sqlx::query_as(DUE_ENDPOINTS).bind(latest.0).fetch_all(c).await?))
}

/// Makes deliveries due that were never attempted and whose due time came from a clock that has been set back since.
pub async fn reset_future_due(tx: &mut Tx, now: UnixMs) -> StoreResult<u64> {
    let sql = RESET_FUTURE_DUE.on(tx.dialect());
    Ok(within!(tx, c => sqlx::query(sql).bind(now.0).execute(c).await?.rows_affected()))
}

/// Leases up to `limit` due deliveries of an endpoint, earliest first.
pub async fn claim(tx: &mut Tx, node: &str, endpoint: &str, now: UnixMs, limit: u32) -> StoreResult<Vec<String>> {
    let sql = CLAIM.on(tx.dialect());
    Ok(within!(tx, c => sqlx::query_scalar(sql)
        .bind(node).bind(endpoint).bind(now.0).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Makes the first waiting delivery of each of these ordering keys due, and leases it if `node` is given. Skips keys
/// that already have one due or leased.
pub async fn promote_next(
    tx: &mut Tx,
    keys: &[OrderingKey],
    node: Option<&str>,
    now: UnixMs,
) -> StoreResult<Vec<String>> {
    let mut due = Vec::new();
    for part in PROMOTE_NEXT.parts(tx.dialect(), keys) {
        let (sql, rows) = part?;
        due.extend(within!(&mut *tx, c: Of => sqlx::query_scalar::<Of, String>(sql)
            .rows(rows).bind(now.0).bind(node).fetch_all(c).await?));
    }
    Ok(due)
}

/// Loads deliveries with what an attempt needs, in order of acceptance.
pub async fn load(tx: &mut Tx, ids: &[String]) -> StoreResult<Vec<LoadedDelivery>> {
    let (sql, list) = (LOAD.on(tx.dialect()), json_list(ids.iter().map(String::as_str)));
    Ok(within!(tx, c => sqlx::query_as(sql).bind(list).fetch_all(c).await?))
}

/// The ids of all deliveries that this node leases.
pub async fn leased(db: &Db, node: &str) -> StoreResult<Vec<String>> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(LEASED).bind(node).fetch_all(c).await?))
}

/// Releases deliveries that this node leases.
pub async fn release(tx: &mut Tx, node: &str, ids: &[String]) -> StoreResult<()> {
    let (sql, list) = (RELEASE.on(tx.dialect()), json_list(ids.iter().map(String::as_str)));
    within!(tx, c => sqlx::query(sql).bind(list).bind(node).execute(c).await?.rows_affected());
    Ok(())
}
