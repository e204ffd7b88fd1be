//! Deliveries as work: adding, claiming, loading, handing on within a lane, releasing.
//!
//! Theory of operation. A delivery that has not ended is `queued` or `retrying`. `lease_owner` names the node that
//! has it in its hands; only that node's outcome counts. `due_ms` says when it may be tried; it is NULL while an
//! earlier delivery of the same call and endpoint (its lane) has not ended, so a claim never overtakes. Ending one
//! hands on to the next of its lane in the same transaction.
//!
//! Whoever ends a delivery and whoever comes to wait behind it first lock what has not ended in the lane. Without that,
//! on Postgres, one could look before the other has ended and commit after it has handed on, and nobody would ever make it due.
//! Many are always locked in the order of endpoint, call and id, so that two transactions never wait for each other.

use std::collections::HashSet;

use domain::{
    UnixMs,
    id::{DeliveryId, Entropy, decode},
};
use serde::Serialize;

use super::{
    db::{Db, Dialect, Tx, on, within},
    error::StoreResult,
    json_list,
    sql::{BindRows as _, Sql},
    suspended,
};

/// Also behind what was followed: it may have been taken away since, and a delivery before the mark would not be found.
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
static BUSY_LANES: Sql = Sql::new(
    "SELECT DISTINCT d.endpoint_id, d.call_id FROM {rows r: endpoint_id text, call_id text} \
     JOIN deliveries d ON d.endpoint_id = r.endpoint_id AND d.call_id = r.call_id \
     WHERE d.state IN ('queued', 'retrying')",
);
static LOCK_LANES: Sql = Sql::new(
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
/// One probe of the due index per endpoint: a million rows that wait cost nothing.
const DUE_ENDPOINTS: &str = concat!(
    "SELECT id, due, rate_per_s, drain_per_s, state_since_ms, deliver_late FROM (SELECT e.id AS id, \
     e.rate_per_s, e.drain_per_s, e.state_since_ms, e.deliver_late, (SELECT MIN(d.due_ms) FROM deliveries d WHERE d.endpoint_id = e.id \
     AND d.state IN ('queued', 'retrying') AND d.lease_owner IS NULL AND d.due_ms IS NOT NULL) AS due \
     FROM endpoints e WHERE e.state = 'active' AND e.account_id NOT IN ",
    suspended!(),
    ") AS waiting \
     WHERE due IS NOT NULL ORDER BY due"
);
/// What was never tried is due at once. A later time was reckoned by a clock that has been set back since.
static DUE_AFTER_ALL: Sql = Sql::new(
    "UPDATE deliveries SET due_ms = $1 WHERE id IN ( \
       SELECT id FROM deliveries WHERE state IN ('queued', 'retrying') AND state = 'queued' \
       AND lease_owner IS NULL AND due_ms IS NOT NULL AND due_ms > $1 ORDER BY endpoint_id, call_id, id {serialise})",
);
static CLAIM: Sql = Sql::new(
    "UPDATE deliveries SET lease_owner = $1 WHERE id IN ( \
       SELECT id FROM deliveries WHERE endpoint_id = $2 AND state IN ('queued', 'retrying') AND lease_owner IS NULL \
       AND due_ms IS NOT NULL AND due_ms <= $3 ORDER BY due_ms, id LIMIT $4 {skip_locked}) RETURNING id",
);
/// Also one that was resent, and so has an older id than what is under way, waits until nothing of its lane is due.
static HAND_ON: Sql = Sql::new(
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

/// A delivery to be added; one row of the bulk insertion.
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
    /// When it may be tried; none behind an earlier one of its lane.
    pub due_ms: Option<i64>,
    /// The node that takes it in hand at once.
    pub lease_owner: Option<String>,
    /// Which credential it proves, for a test that carries the next one.
    pub proof: Option<&'static str>,
}

/// A lane: the deliveries of one call to one endpoint, which go out one after the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, sqlx::FromRow)]
pub struct OrderingKey {
    /// The endpoint.
    pub endpoint_id: String,
    /// The call.
    pub call_id: String,
}

/// A delivery in a sender's hands.
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
    /// Attempts made so far.
    pub attempts: i64,
    /// Attempts made before the latest resend.
    pub attempts_before: i64,
    /// When the event was accepted, or resent.
    pub fresh_from_ms: i64,
    /// Which credential it proves.
    pub proof: Option<String>,
    /// The payload; none once it is past retention.
    pub payload: Option<String>,
    /// Unix seconds of the event itself.
    pub timestamp_s: i64,
}

/// Time and entropy of the greatest id.
pub async fn latest(db: &Db) -> StoreResult<Option<(UnixMs, Entropy)>> {
    let id: Option<String> = on!(&db.readers, c => sqlx::query_scalar(LATEST).fetch_one(c).await?);
    Ok(id.and_then(|id| decode(id.strip_prefix(DeliveryId::PREFIX)?)))
}

/// Adds deliveries.
pub async fn add(tx: &mut Tx, rows: &[NewDelivery]) -> StoreResult<()> {
    ADD.write(tx, rows).await?;
    Ok(())
}

/// Which of these lanes have a delivery that has not ended. None of those ends before this transaction does.
pub async fn busy_ordering_keys(tx: &mut Tx, lanes: &[OrderingKey]) -> StoreResult<HashSet<OrderingKey>> {
    // Most lanes are free, and nothing is locked for them.
    let mut found: Vec<OrderingKey> = BUSY_LANES.read(tx, lanes).await?;
    if tx.dialect() == Dialect::Sqlite {
        return Ok(found.into_iter().collect());
    }
    let mut busy = HashSet::new();
    while !found.is_empty() {
        let locked = lock_ordering_keys(tx, found.clone()).await?;
        // In the others all has ended that was there when we looked. Something else may have come behind it.
        found.retain(|lane| !locked.contains(lane));
        busy.extend(locked);
        found = BUSY_LANES.read(tx, &found).await?;
    }
    Ok(busy)
}

/// Locks what has not ended in these lanes, and returns those in which there is something. On SQLite nobody else writes, and
/// nothing is asked.
pub async fn lock_ordering_keys(
    tx: &mut Tx,
    lanes: impl IntoIterator<Item = OrderingKey>,
) -> StoreResult<HashSet<OrderingKey>> {
    if tx.dialect() == Dialect::Sqlite {
        return Ok(HashSet::new());
    }
    let mut lanes: Vec<OrderingKey> = lanes.into_iter().collect();
    lanes.sort_unstable();
    lanes.dedup();
    Ok(LOCK_LANES.read(tx, &lanes).await?.into_iter().collect())
}

/// Ends the news that wait for a retry in lanes whose call has ended. Returns the lanes in which something ended.
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
    /// When its earliest is due.
    pub due: i64,
    /// Most events per second.
    pub rate_per_s: Option<i64>,
    /// Most held events per second.
    pub drain_per_s: Option<i64>,
    /// When it was last resumed, or made.
    pub state_since_ms: i64,
    /// 1 when calls are sent however late.
    pub deliver_late: i64,
}

/// The active endpoints with unleased work, earliest first.
pub async fn due_endpoints(tx: &mut Tx) -> StoreResult<Vec<DueEndpoint>> {
    Ok(within!(tx, c => sqlx::query_as(DUE_ENDPOINTS).fetch_all(c).await?))
}

/// Makes due what was never tried and waits for a time that a clock named which has been set back since.
pub async fn reset_future_due(tx: &mut Tx, now: UnixMs) -> StoreResult<u64> {
    let sql = DUE_AFTER_ALL.on(tx.dialect());
    Ok(within!(tx, c => sqlx::query(sql).bind(now.0).execute(c).await?.rows_affected()))
}

/// Takes up to `limit` due deliveries of an endpoint in hand, earliest first.
pub async fn claim(tx: &mut Tx, node: &str, endpoint: &str, now: UnixMs, limit: u32) -> StoreResult<Vec<String>> {
    let sql = CLAIM.on(tx.dialect());
    Ok(within!(tx, c => sqlx::query_scalar(sql)
        .bind(node).bind(endpoint).bind(now.0).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Makes the first delivery that waits in each of these lanes due, and takes it in hand (`node` given).
/// A lane in which one is due already, or in somebody's hands, stays as it is.
pub async fn promote_next(
    tx: &mut Tx,
    lanes: &[OrderingKey],
    node: Option<&str>,
    now: UnixMs,
) -> StoreResult<Vec<String>> {
    let mut due = Vec::new();
    for part in HAND_ON.parts(tx.dialect(), lanes) {
        let (sql, rows) = part?;
        due.extend(within!(&mut *tx, c: Of => sqlx::query_scalar::<Of, String>(sql)
            .rows(rows).bind(now.0).bind(node).fetch_all(c).await?));
    }
    Ok(due)
}

/// Loads deliveries with what an attempt needs, in the order of acceptance.
pub async fn load(tx: &mut Tx, ids: &[String]) -> StoreResult<Vec<LoadedDelivery>> {
    let (sql, list) = (LOAD.on(tx.dialect()), json_list(ids.iter().map(String::as_str)));
    Ok(within!(tx, c => sqlx::query_as(sql).bind(list).fetch_all(c).await?))
}

/// Everything that is leased to this node.
pub async fn leased(db: &Db, node: &str) -> StoreResult<Vec<String>> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(LEASED).bind(node).fetch_all(c).await?))
}

/// Lets go of deliveries that are in this node's hands.
pub async fn release(tx: &mut Tx, node: &str, ids: &[String]) -> StoreResult<()> {
    let (sql, list) = (RELEASE.on(tx.dialect()), json_list(ids.iter().map(String::as_str)));
    within!(tx, c => sqlx::query(sql).bind(list).bind(node).execute(c).await?.rows_affected());
    Ok(())
}
