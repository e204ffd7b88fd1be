//! The delivery queue: add, claim, load, release.
//!
//! Theory of operation. An unfinished delivery is `queued` or `retrying`. `lease_owner` names the node that leases it;
//! only that node's outcome counts. `due_ms` is the time of the next attempt. It is NULL while the delivery waits for an
//! earlier one of its call and endpoint ([`super::ordering_keys`]), so a claim never overtakes.

use std::sync::Arc;

use domain::{
    UnixMs,
    id::{DeliveryId, Entropy, decode},
    retry::THROTTLED_MAX_MS,
};
use serde::{Deserialize, Serialize};

use crate::store::{
    conditions::suspended,
    db::{Db, Dialect, Tx, on, within},
    error::StoreResult,
    ops::parked::not_parked,
    sql::{Sql, json_list},
};

/// Considers the phone index's watermarks too: the rows may have been purged since, and a delivery below the watermark
/// would not be found.
const LATEST: &str = "SELECT MAX(id) FROM (SELECT MAX(id) AS id FROM deliveries \
                      UNION ALL SELECT place FROM numbers_followed WHERE what = 'deliveries' \
                      UNION ALL SELECT 'dlv_' || place FROM numbers_followed WHERE what = 'unsent') AS latest";
static ADD: Sql = Sql::new(
    "INSERT INTO deliveries (id, account_id, endpoint_id, event_id, seq, kind, call_id, caller, callee, test, state, \
     attempts, attempts_before, fresh_from_ms, created_ms, due_ms, lease_owner, proof) \
     SELECT r.id, r.account_id, r.endpoint_id, r.event_id, r.seq, r.kind, r.call_id, r.caller, r.callee, r.test, 'queued', \
     0, 0, r.created_ms, r.created_ms, r.due_ms, r.lease_owner, r.proof FROM {rows r: id text, account_id text, \
     endpoint_id text, event_id text, seq bigint, kind text, call_id text, caller text, callee text, test bigint, \
     created_ms bigint, due_ms bigint, lease_owner text, proof text}",
);
/// One probe of the due index per endpoint: a million waiting rows cost nothing.
const DUE_ENDPOINTS: &str = concat!(
    "SELECT id, CASE WHEN throttled_until_ms > due AND throttled_until_ms <= $1 THEN throttled_until_ms ELSE due END AS due, \
     rate_per_s, drain_per_s, state_since_ms, deliver_late, throttled_until_ms, account_id, url FROM (SELECT e.id AS id, e.account_id, e.url, \
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
       AND lease_owner IS NULL AND due_ms IS NOT NULL AND due_ms > $1 ORDER BY endpoint_id, call_id, id LIMIT $2 {serialise})",
);
static CLAIM: Sql = Sql::new(concat!(
    "UPDATE deliveries SET lease_owner = $1 WHERE id IN ( \
       SELECT id FROM deliveries WHERE endpoint_id = $2 AND state IN ('queued', 'retrying') AND lease_owner IS NULL \
       AND due_ms IS NOT NULL AND due_ms <= $3 AND ",
    not_parked!("deliveries", "deliveries.id"),
    " ORDER BY due_ms, id LIMIT $4 {skip_locked}) RETURNING id",
));
static SKIPPED: Sql = Sql::new(concat!(
    "SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE endpoint_id IN {list $1} AND state IN ('queued', 'retrying') \
     AND lease_owner IS NULL AND due_ms IS NOT NULL AND due_ms <= $2 AND ",
    not_parked!("deliveries", "deliveries.id"),
    " LIMIT 1) AS skipped",
));
const DUE: &str = concat!(
    "SELECT id FROM deliveries WHERE endpoint_id = $1 AND state IN ('queued', 'retrying') AND lease_owner IS NULL \
     AND due_ms IS NOT NULL AND due_ms <= $2 AND ",
    not_parked!("deliveries", "deliveries.id"),
    " ORDER BY due_ms, id LIMIT $3"
);
static LEASE: Sql = Sql::new(
    "UPDATE deliveries SET lease_owner = $2 WHERE id IN ( \
       SELECT id FROM deliveries WHERE id IN {list $1} AND lease_owner IS NULL \
       ORDER BY endpoint_id, call_id, id {serialise})",
);
static LOAD: Sql = Sql::new(
    "SELECT d.id, d.account_id, d.endpoint_id, d.event_id, d.kind, d.call_id, d.test, d.attempts, d.attempts_before, \
     d.fresh_from_ms, d.proof, e.payload, e.details, e.timestamp_s FROM deliveries d \
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
    /// The event's place in the order of acceptance; 0 on SQLite.
    pub seq: i64,
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

/// A leased delivery with what an attempt needs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, sqlx_macros::FromRow)]
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
    /// The details, likewise.
    pub details: Option<String>,
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
    ADD.write(tx, rows, &[]).await?;
    Ok(())
}

/// An active endpoint with unleased work.
#[derive(Debug, Clone, sqlx_macros::FromRow)]
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
    /// Its account.
    pub account_id: String,
    /// Where it is.
    pub url: String,
}

/// The active endpoints with unleased work, earliest first. A throttled one is due when its pause ends; one further away than
/// any pause came from a clock that has been set back since.
pub async fn due_endpoints(tx: &mut Tx, now: UnixMs) -> StoreResult<Vec<DueEndpoint>> {
    let latest = now.plus_ms(THROTTLED_MAX_MS);
    Ok(within!(tx, c => sqlx::query_as(DUE_ENDPOINTS).bind(latest.0).fetch_all(c).await?))
}

/// Makes up to `limit` deliveries due that were never attempted and whose due time came from a clock that has been set back
/// since. Returns how many.
pub async fn reset_future_due(tx: &mut Tx, now: UnixMs, limit: u32) -> StoreResult<u64> {
    let sql = RESET_FUTURE_DUE.on(tx.dialect());
    Ok(within!(tx, c => sqlx::query(sql).bind(now.0).bind(i64::from(limit)).execute(c).await?.rows_affected()))
}

/// Leases up to `limit` due deliveries of an endpoint, earliest first.
pub async fn claim(tx: &mut Tx, node: &str, endpoint: &str, now: UnixMs, limit: u32) -> StoreResult<Vec<String>> {
    let sql = CLAIM.on(tx.dialect());
    Ok(within!(tx, c => sqlx::query_scalar(sql)
        .bind(node).bind(endpoint).bind(now.0).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Whether claims of this transaction skipped due deliveries of these endpoints, of which they claimed all they could: other
/// transactions have locked them. Never on SQLite.
pub async fn has_skipped(tx: &mut Tx, endpoints: &[Arc<str>], now: UnixMs) -> StoreResult<bool> {
    if endpoints.is_empty() || tx.dialect() == Dialect::Sqlite {
        return Ok(false);
    }
    let (sql, list) = (SKIPPED.on(tx.dialect()), json_list(endpoints.iter().map(AsRef::as_ref)));
    let skipped: i64 = within!(tx, c => sqlx::query_scalar(sql).bind(list).bind(now.0).fetch_one(c).await?);
    Ok(skipped > 0)
}

/// The ids of up to `limit` due deliveries of an endpoint that are neither leased nor parked, earliest first.
pub async fn due(db: &Db, endpoint: &str, now: UnixMs, limit: u32) -> StoreResult<Vec<String>> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(DUE)
        .bind(endpoint).bind(now.0).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Leases these deliveries, as far as they are not leased.
pub async fn lease(tx: &mut Tx, node: &str, ids: &[String]) -> StoreResult<()> {
    let (sql, list) = (LEASE.on(tx.dialect()), json_list(ids.iter().map(String::as_str)));
    within!(tx, c => sqlx::query(sql).bind(list).bind(node).execute(c).await?.rows_affected());
    Ok(())
}

/// Loads deliveries with what an attempt needs, in order of acceptance.
pub async fn load(tx: &mut Tx, ids: &[String]) -> StoreResult<Vec<LoadedDelivery>> {
    LOAD.fetch(tx, &[json_list(ids.iter().map(String::as_str)).as_str().into()]).await
}

/// The ids of all deliveries that this node leases.
pub async fn leased(db: &Db, node: &str) -> StoreResult<Vec<String>> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(LEASED).bind(node).fetch_all(c).await?))
}

/// Releases deliveries that this node leases.
pub async fn release(tx: &mut Tx, node: &str, ids: &[String]) -> StoreResult<()> {
    RELEASE.execute(tx, &[json_list(ids.iter().map(String::as_str)).as_str().into(), node.into()]).await?;
    Ok(())
}
