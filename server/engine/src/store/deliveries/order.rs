//! Deliveries that fail give up the order of their call: later ones no longer wait for them.
//!
//! The first failure sets `order_until_ms`. Until then, later deliveries of the ordering key wait; afterwards, or once the
//! server has rejected it, `order_given_up` says why they don't. A paused endpoint is sent nothing, so the time of its
//! deliveries is reset and starts with their next failure.

use domain::UnixMs;
use serde::{Deserialize, Serialize};

use crate::store::{
    conditions::suspended,
    db::{Db, Tx, on, within},
    deliveries::ordering_keys::OrderingKey,
    error::StoreResult,
    sql::{Sql, json_list},
};

static FAILED: Sql = Sql::new(
    "UPDATE deliveries SET order_given_up = CASE WHEN order_given_up IS NOT NULL THEN order_given_up \
       WHEN r.rejected = 1 THEN 'rejected' WHEN COALESCE(order_until_ms, r.until_ms) <= $1 THEN 'no_success' END, \
     order_until_ms = CASE WHEN order_given_up IS NULL AND r.rejected = 0 AND COALESCE(order_until_ms, r.until_ms) > $1 \
       THEN COALESCE(order_until_ms, r.until_ms) END \
     FROM {rows r: id text, rejected bigint, until_ms bigint} WHERE deliveries.id = r.id \
     RETURNING endpoint_id, call_id, order_until_ms",
);
const EXPIRED: &str = "SELECT id, endpoint_id, call_id FROM deliveries WHERE order_until_ms IS NOT NULL \
     AND lease_owner IS NULL AND state IN ('queued', 'retrying') AND order_until_ms <= $1 ORDER BY order_until_ms LIMIT $2";
const NEXT: &str = "SELECT MIN(order_until_ms) FROM deliveries WHERE order_until_ms IS NOT NULL AND lease_owner IS NULL \
     AND state IN ('queued', 'retrying') AND order_until_ms > $1";
static GIVE_UP: Sql = Sql::new(concat!(
    "UPDATE deliveries SET order_until_ms = NULL, order_given_up = CASE WHEN endpoint_id IN ( \
       SELECT e.id FROM endpoints e WHERE e.state = 'active' AND e.account_id NOT IN ",
    suspended!(),
    ") THEN 'no_success' END WHERE id IN {list $1} AND state IN ('queued', 'retrying') AND lease_owner IS NULL \
     AND order_until_ms <= $2 RETURNING endpoint_id, call_id, order_given_up"
));

/// A delivery that failed and will be retried.
#[derive(Debug, Clone, Serialize)]
pub struct Failed {
    /// The delivery.
    pub id: String,
    /// 1 if the server rejected it.
    pub rejected: i64,
    /// Until when later deliveries wait for it, if this is its first failure; Unix milliseconds.
    pub until_ms: i64,
}

/// An ordering key of a delivery that failed.
#[derive(Debug, Clone, Deserialize, sqlx_macros::FromRow)]
pub struct FailedKey {
    /// The key.
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub key: OrderingKey,
    /// Until when later deliveries wait; none if they no longer do.
    pub order_until_ms: Option<i64>,
}

/// Notes failures. Returns the ordering keys.
pub async fn failed(tx: &mut Tx, rows: &[Failed], now: UnixMs) -> StoreResult<Vec<FailedKey>> {
    FAILED.read(tx, rows, &[now.0.into()]).await
}

/// A delivery that later ones have waited for long enough.
#[derive(Debug, Clone, sqlx_macros::FromRow)]
pub struct Expired {
    /// The delivery.
    pub id: String,
    /// Its ordering key.
    #[sqlx(flatten)]
    pub key: OrderingKey,
}

/// The first deliveries that later ones have waited for long enough, and when to check again if there are none.
pub async fn expired(db: &Db, now: UnixMs, limit: u32) -> StoreResult<(Vec<Expired>, Option<UnixMs>)> {
    let found: Vec<Expired> = on!(&db.readers, c =>
        sqlx::query_as(EXPIRED).bind(now.0).bind(i64::from(limit)).fetch_all(c).await?);
    if !found.is_empty() {
        return Ok((found, Some(now)));
    }
    let next: Option<i64> = on!(&db.readers, c => sqlx::query_scalar(NEXT).bind(now.0).fetch_one(c).await?);
    Ok((found, next.map(UnixMs)))
}

/// Gives up the order of these deliveries, where they are still retried. Returns the keys in which later ones may go.
/// Lock the keys first.
pub async fn give_up(tx: &mut Tx, expired: &[Expired], now: UnixMs) -> StoreResult<Vec<OrderingKey>> {
    type Row = (String, String, Option<String>);
    let (sql, ids) = (GIVE_UP.on(tx.dialect()), json_list(expired.iter().map(|expired| expired.id.as_str())));
    let rows: Vec<Row> = within!(tx, c => sqlx::query_as(sql).bind(ids).bind(now.0).fetch_all(c).await?);
    let given_up = rows.into_iter().filter(|(_, _, reason)| reason.is_some());
    Ok(given_up.map(|(endpoint_id, call_id, _)| OrderingKey { endpoint_id, call_id }).collect())
}
