//! Events: bulk insert, and lookup by id.

pub mod asked_number;
pub mod call_candidates;
pub mod call_rows;
pub mod list;
pub mod phone_again;
pub mod phone_index;
pub mod phone_search;

use domain::{
    UnixMs,
    error::Result as DomainResult,
    event::EventRow,
    id::{AccountId, EventId},
};
use serde::{Deserialize, Serialize};

use crate::store::{
    db::{Db, Dialect, Tx, on},
    error::{StoreError, StoreResult},
    sql::{Sql, json_list},
};

macro_rules! add {
    () => {
        "INSERT INTO events (account_id, id, position, kind, call_id, caller, callee, timestamp_s, payload, details, digest, \
         test, deliveries, created_ms) \
         SELECT r.account_id, r.id, r.position, r.kind, r.call_id, r.caller, r.callee, r.timestamp_s, r.payload, \
         r.details, r.digest, r.test, r.deliveries, r.created_ms FROM {rows r: account_id text, id text, position text, kind text, \
         call_id text, caller text, callee text, timestamp_s bigint, payload text, details text, digest text, test bigint, \
         deliveries bigint, created_ms bigint}"
    };
}
static ADD: Sql = Sql::new(add!());
// The sequence numbers the rows in the order in which they are bound.
static ADD_NUMBERED: Sql = Sql::new(concat!(add!(), " RETURNING seq"));
static SEEN: Sql = Sql::new(
    "SELECT e.account_id, e.id, e.digest, e.deliveries FROM {rows r: account_id text, id text} \
     JOIN events e ON e.account_id = r.account_id AND e.id = r.id",
);
// Both databases know the length of a text without reading it.
static PAYLOAD_SIZES: Sql = Sql::new(
    "SELECT d.id, d.endpoint_id, CAST(COALESCE(OCTET_LENGTH(e.payload), 0) + COALESCE(OCTET_LENGTH(e.details), 0) \
     AS BIGINT) AS bytes FROM deliveries d \
     JOIN events e ON e.account_id = d.account_id AND e.id = d.event_id WHERE d.id IN {list $1} ORDER BY d.due_ms, d.id",
);
const ONE: &str = "SELECT id, kind, call_id, caller, callee, timestamp_s, created_ms, test, deliveries, payload, \
                   details FROM events WHERE account_id = $1 AND id = $2";

/// An event to insert; one row of the bulk insert.
#[derive(Debug, Clone, Serialize)]
pub struct NewEventRow {
    /// Its account.
    pub account_id: String,
    /// Id, generated or chosen by the platform.
    pub id: String,
    /// Sorts by acceptance.
    pub position: String,
    /// Kind by name.
    pub kind: &'static str,
    /// The call.
    pub call_id: String,
    /// Caller.
    pub caller: String,
    /// Callee.
    pub callee: String,
    /// Unix seconds of the event itself.
    pub timestamp_s: i64,
    /// Compact JSON in contract order.
    pub payload: String,
    /// Compact JSON beside it.
    pub details: Option<String>,
    /// Digest that detects a different body under the same id.
    pub digest: String,
    /// 1 for a test.
    pub test: i64,
    /// Number of deliveries.
    pub deliveries: i64,
    /// When it was accepted.
    pub created_ms: i64,
}

impl NewEventRow {
    /// Bytes of its payload and details.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.payload.len() + self.details.as_ref().map_or(0, String::len)
    }
}

/// Inserts events. Returns the place of each in the order of acceptance; 0 on SQLite, where ids have that order.
pub async fn add(tx: &mut Tx, rows: &[NewEventRow]) -> StoreResult<Vec<i64>> {
    if tx.dialect() == Dialect::Sqlite {
        ADD.write(tx, rows, &[]).await?;
        return Ok(vec![0; rows.len()]);
    }
    let numbered: Vec<(i64,)> = ADD_NUMBERED.read(tx, rows, &[]).await?;
    Ok(numbered.into_iter().map(|(seq,)| seq).collect())
}

/// An event that was already accepted under the same id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, sqlx_macros::FromRow)]
pub struct Seen {
    /// Whose it is.
    pub account_id: String,
    /// Id.
    pub id: String,
    /// Digest of its body.
    pub digest: String,
    /// Number of deliveries.
    pub deliveries: i64,
}

/// Which of these (account, id) pairs have been accepted already.
pub async fn seen(tx: &mut Tx, pairs: &[(String, String)]) -> StoreResult<Vec<Seen>> {
    #[derive(Serialize)]
    struct Pair<'a> {
        account_id: &'a str,
        id: &'a str,
    }
    let pairs: Vec<Pair<'_>> = pairs.iter().map(|(account_id, id)| Pair { account_id, id }).collect();
    SEEN.read(tx, &pairs, &[]).await
}

/// Payload size of a delivery.
#[derive(Debug, Clone, Deserialize, sqlx_macros::FromRow)]
pub struct PayloadSize {
    /// The delivery.
    pub id: String,
    /// Its endpoint.
    pub endpoint_id: String,
    /// Bytes of its payload and details; 0 once purged.
    pub bytes: i64,
}

/// Payload sizes of these deliveries, the earliest due first.
pub async fn payload_sizes(tx: &mut Tx, deliveries: &[String]) -> StoreResult<Vec<PayloadSize>> {
    PAYLOAD_SIZES.fetch(tx, &[json_list(deliveries.iter().map(String::as_str)).as_str().into()]).await
}

/// An event as lists and pages display it.
#[derive(sqlx_macros::FromRow)]
pub(super) struct ShownRow {
    id: String,
    kind: String,
    call_id: String,
    caller: String,
    callee: String,
    timestamp_s: i64,
    created_ms: i64,
    test: i64,
    deliveries: i64,
    #[sqlx(default)]
    payload: Option<String>,
    #[sqlx(default)]
    details: Option<String>,
}

impl TryFrom<ShownRow> for EventRow {
    type Error = StoreError;
    fn try_from(row: ShownRow) -> StoreResult<Self> {
        let corrupt = |column| StoreError::Corrupt { table: "events", column, row: row.id.clone() };
        let id: DomainResult<EventId> = EventId::parse(&row.id);
        Ok(Self {
            id: id.map_err(|_| corrupt("id"))?,
            kind: domain::event::EventKind::parse(&row.kind).ok_or_else(|| corrupt("kind"))?,
            call_id: row.call_id,
            caller: row.caller,
            callee: row.callee,
            timestamp: row.timestamp_s,
            accepted_at: UnixMs(row.created_ms),
            test: row.test != 0,
            deliveries: u32::try_from(row.deliveries).unwrap_or_default(),
        })
    }
}

/// What an event carries, until it is past retention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The payload.
    pub payload: Option<String>,
    /// The details.
    pub details: Option<String>,
}

/// One event with its content.
pub async fn one(db: &Db, account: &AccountId, id: &EventId) -> StoreResult<Option<(EventRow, Content)>> {
    let row: Option<ShownRow> =
        on!(&db.readers, c => sqlx::query_as(ONE).bind(account.as_str()).bind(id.as_str()).fetch_optional(c).await?);
    row.map(|mut row| {
        let content = Content { payload: row.payload.take(), details: row.details.take() };
        Ok((EventRow::try_from(row)?, content))
    })
    .transpose()
}
