//! Hourly delivery counts of endpoints.

use domain::{
    UnixMs,
    id::{AccountId, EndpointId},
    tally::{BUCKETS, Histogram, Tally},
};
use serde::Serialize;

use crate::store::{
    db::{Db, Tx, on},
    error::StoreResult,
    sql::Sql,
};

static ADD: Sql = Sql::new(
    "INSERT INTO endpoint_hours (endpoint_id, hour_ms, account_id, delivered, retrying, failed, expired, upto_5, \
     upto_10, upto_25, upto_50, upto_100, upto_250, upto_500, upto_1000, upto_2500, upto_5000, upto_10000, longer) \
     SELECT r.endpoint_id, r.hour_ms, r.account_id, r.delivered, r.retrying, r.failed, r.expired, r.c0, r.c1, r.c2, \
     r.c3, r.c4, r.c5, r.c6, r.c7, r.c8, r.c9, r.c10, r.c11 FROM {rows r: endpoint_id text, hour_ms bigint, \
     account_id text, delivered bigint, retrying bigint, failed bigint, expired bigint, c0 bigint, c1 bigint, \
     c2 bigint, c3 bigint, c4 bigint, c5 bigint, c6 bigint, c7 bigint, c8 bigint, c9 bigint, c10 bigint, \
     c11 bigint} WHERE true ON CONFLICT (endpoint_id, hour_ms) DO UPDATE SET \
     delivered = endpoint_hours.delivered + excluded.delivered, retrying = endpoint_hours.retrying + excluded.retrying, \
     failed = endpoint_hours.failed + excluded.failed, expired = endpoint_hours.expired + excluded.expired, \
     upto_5 = endpoint_hours.upto_5 + excluded.upto_5, upto_10 = endpoint_hours.upto_10 + excluded.upto_10, \
     upto_25 = endpoint_hours.upto_25 + excluded.upto_25, upto_50 = endpoint_hours.upto_50 + excluded.upto_50, \
     upto_100 = endpoint_hours.upto_100 + excluded.upto_100, upto_250 = endpoint_hours.upto_250 + excluded.upto_250, \
     upto_500 = endpoint_hours.upto_500 + excluded.upto_500, upto_1000 = endpoint_hours.upto_1000 + excluded.upto_1000, \
     upto_2500 = endpoint_hours.upto_2500 + excluded.upto_2500, \
     upto_5000 = endpoint_hours.upto_5000 + excluded.upto_5000, \
     upto_10000 = endpoint_hours.upto_10000 + excluded.upto_10000, longer = endpoint_hours.longer + excluded.longer",
);
/// The counts of an hour.
macro_rules! counts {
    () => {
        "h.hour_ms, h.delivered, h.retrying, h.failed, h.expired, h.upto_5, h.upto_10, h.upto_25, h.upto_50, \
         h.upto_100, h.upto_250, h.upto_500, h.upto_1000, h.upto_2500, h.upto_5000, h.upto_10000, h.longer"
    };
}

const OF_ENDPOINT: &str = concat!(
    "SELECT ",
    counts!(),
    " FROM endpoint_hours h WHERE h.account_id = $1 AND h.endpoint_id = $2 AND h.hour_ms >= $3 ORDER BY h.hour_ms"
);
/// Joins through the endpoints, whose ids begin the hours' key.
const OF_ACCOUNT: &str = concat!(
    "SELECT h.endpoint_id, ",
    counts!(),
    " FROM endpoints e CROSS JOIN endpoint_hours h \
     WHERE e.account_id = $1 AND h.endpoint_id = e.id AND h.account_id = e.account_id AND h.hour_ms >= $2"
);

/// Counts to add to an endpoint's hour.
#[derive(Debug, Clone, Serialize)]
pub struct HourRow {
    endpoint_id: String,
    hour_ms: i64,
    account_id: String,
    delivered: u64,
    retrying: u64,
    failed: u64,
    expired: u64,
    c0: u64,
    c1: u64,
    c2: u64,
    c3: u64,
    c4: u64,
    c5: u64,
    c6: u64,
    c7: u64,
    c8: u64,
    c9: u64,
    c10: u64,
    c11: u64,
}

impl HourRow {
    /// The counts of this endpoint for the hour that begins at `hour`.
    #[must_use]
    pub fn new(account: &str, endpoint: &str, hour: UnixMs, tally: &Tally) -> Self {
        let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11] = tally.durations.0;
        Self {
            endpoint_id: endpoint.to_owned(),
            hour_ms: hour.0,
            account_id: account.to_owned(),
            delivered: tally.delivered,
            retrying: tally.retrying,
            failed: tally.failed,
            expired: tally.expired,
            c0,
            c1,
            c2,
            c3,
            c4,
            c5,
            c6,
            c7,
            c8,
            c9,
            c10,
            c11,
        }
    }
}

/// Adds counts to hours.
pub async fn add(tx: &mut Tx, rows: &[HourRow]) -> StoreResult<()> {
    ADD.write(tx, rows, &[]).await?;
    Ok(())
}

#[derive(sqlx_macros::FromRow)]
struct Stored {
    hour_ms: i64,
    delivered: i64,
    retrying: i64,
    failed: i64,
    expired: i64,
    upto_5: i64,
    upto_10: i64,
    upto_25: i64,
    upto_50: i64,
    upto_100: i64,
    upto_250: i64,
    upto_500: i64,
    upto_1000: i64,
    upto_2500: i64,
    upto_5000: i64,
    upto_10000: i64,
    longer: i64,
}

impl From<Stored> for (UnixMs, Tally) {
    fn from(row: Stored) -> Self {
        let cells: [i64; BUCKETS] = [
            row.upto_5,
            row.upto_10,
            row.upto_25,
            row.upto_50,
            row.upto_100,
            row.upto_250,
            row.upto_500,
            row.upto_1000,
            row.upto_2500,
            row.upto_5000,
            row.upto_10000,
            row.longer,
        ];
        let tally = Tally {
            delivered: row.delivered.unsigned_abs(),
            retrying: row.retrying.unsigned_abs(),
            failed: row.failed.unsigned_abs(),
            expired: row.expired.unsigned_abs(),
            durations: Histogram(cells.map(i64::unsigned_abs)),
        };
        (UnixMs(row.hour_ms), tally)
    }
}

/// An endpoint's hours from `since`, oldest first, without empty hours.
pub async fn of_endpoint(
    db: &Db,
    account: &AccountId,
    endpoint: &EndpointId,
    since: UnixMs,
) -> StoreResult<Vec<(UnixMs, Tally)>> {
    let rows: Vec<Stored> = on!(&db.readers, c => sqlx::query_as(OF_ENDPOINT)
        .bind(account.as_str()).bind(endpoint.as_str()).bind(since.0).fetch_all(c).await?);
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The hours of all endpoints of an account from `since`, each with its endpoint, unordered.
pub async fn of_account(db: &Db, account: &AccountId, since: UnixMs) -> StoreResult<Vec<(String, UnixMs, Tally)>> {
    #[derive(sqlx_macros::FromRow)]
    struct OfEndpoint {
        endpoint_id: String,
        #[sqlx(flatten)]
        hour: Stored,
    }
    let rows: Vec<OfEndpoint> = on!(&db.readers, c =>
        sqlx::query_as(OF_ACCOUNT).bind(account.as_str()).bind(since.0).fetch_all(c).await?);
    let hour = |row: OfEndpoint| {
        let (hour, tally) = row.hour.into();
        (row.endpoint_id, hour, tally)
    };
    Ok(rows.into_iter().map(hour).collect())
}
