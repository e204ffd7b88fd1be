//! Loads whole calls: their events, the payload of their end, and the states of their deliveries.

use std::collections::HashMap;

use domain::{
    call::CallRow,
    delivery::Status,
    event::{EventKind, EventRow},
    id::AccountId,
};

use crate::store::{
    db::{Db, on},
    error::StoreResult,
    events::ShownRow,
    sql::{Sql, json_list},
};

// Sorted by an expression, so that the index of calls is used, and not the one that is in order.
static EVENTS: Sql = Sql::new(
    "SELECT position, id, kind, call_id, caller, callee, timestamp_s, created_ms, test, deliveries FROM events \
     WHERE account_id = $1 AND call_id IN {list $2} ORDER BY '' || position LIMIT 10000",
);
static DELIVERIES: Sql = Sql::new(
    "SELECT d.id, d.event_id, d.state, CAST(CASE WHEN e.state IN ('paused', 'disabled') OR a.suspended_ms IS NOT NULL \
     THEN 1 ELSE 0 END AS BIGINT) AS held FROM deliveries d CROSS JOIN endpoints e CROSS JOIN accounts a \
     WHERE e.id = d.endpoint_id AND a.id = d.account_id AND d.account_id = $1 AND d.event_id IN {list $2} LIMIT 50000",
);
/// Payloads of this size, in bytes, or less are read: that of a call's end has about 500, and a page shows 250 calls.
const END_MAX_BYTES: i64 = 16 * 1_024;
static ENDS: Sql = Sql::new(
    "SELECT call_id, payload FROM events WHERE account_id = $1 AND id IN {list $2} AND OCTET_LENGTH(payload) <= $3",
);
const OF_EVENT: &str = "SELECT call_id FROM events WHERE account_id = $1 AND id = $2";
const OF_DELIVERY: &str = "SELECT call_id FROM deliveries WHERE account_id = $1 AND id = $2";

/// A delivery's stored state.
#[derive(Debug, Clone, sqlx_macros::FromRow)]
pub struct StoredState {
    /// The delivery.
    pub id: String,
    /// Its event.
    pub event_id: String,
    /// Its state as stored.
    pub state: String,
    held: i64,
}

impl StoredState {
    fn status(&self) -> Option<Status> {
        let waits = matches!(self.state.as_str(), "queued" | "retrying");
        if waits && self.held != 0 { Some(Status::Held) } else { Status::parse(&self.state) }
    }
}

/// A call as it is stored.
#[derive(Debug, Clone, Default)]
pub struct LoadedCall {
    /// Its events, oldest first.
    pub events: Vec<EventRow>,
    /// Their positions.
    pub positions: Vec<String>,
    /// Their deliveries.
    pub deliveries: Vec<StoredState>,
    payload: Option<String>,
}

impl LoadedCall {
    /// All of it together.
    #[must_use]
    pub fn row(&self) -> Option<CallRow> {
        let statuses: Vec<Status> = self.deliveries.iter().filter_map(StoredState::status).collect();
        CallRow::of(&self.events, self.payload.as_deref(), &statuses)
    }
}

/// These calls of an account, by id; those that it doesn't have are missing.
pub async fn load(db: &Db, account: &AccountId, calls: &[&str]) -> StoreResult<HashMap<String, LoadedCall>> {
    #[derive(sqlx_macros::FromRow)]
    struct Positioned {
        position: String,
        #[sqlx(flatten)]
        row: ShownRow,
    }
    let (events, list) = (EVENTS.on(db.dialect), json_list(calls.iter().copied()));
    let rows: Vec<Positioned> =
        on!(&db.readers, c => sqlx::query_as(events).bind(account.as_str()).bind(&list).fetch_all(c).await?);
    let mut loaded: HashMap<String, LoadedCall> = HashMap::new();
    let mut call_of: HashMap<String, String> = HashMap::new();
    for Positioned { position, row } in rows {
        let event = EventRow::try_from(row)?;
        call_of.insert(event.id.to_string(), event.call_id.clone());
        let call = loaded.entry(event.call_id.clone()).or_default();
        call.events.push(event);
        call.positions.push(position);
    }
    let (deliveries, list) = (DELIVERIES.on(db.dialect), json_list(call_of.keys().map(String::as_str)));
    let rows: Vec<StoredState> =
        on!(&db.readers, c => sqlx::query_as(deliveries).bind(account.as_str()).bind(&list).fetch_all(c).await?);
    for row in rows {
        if let Some(call) = call_of.get(&row.event_id).and_then(|id| loaded.get_mut(id)) {
            call.deliveries.push(row);
        }
    }
    add_ends(db, account, &mut loaded).await?;
    Ok(loaded)
}

/// Adds the payload of each call's latest end.
async fn add_ends(db: &Db, account: &AccountId, loaded: &mut HashMap<String, LoadedCall>) -> StoreResult<()> {
    let is_end = |event: &&EventRow| event.kind == EventKind::CallProcessed;
    let ends =
        json_list(loaded.values().filter_map(|call| call.events.iter().rfind(is_end)).map(|end| end.id.as_str()));
    let sql = ENDS.on(db.dialect);
    let rows: Vec<(String, String)> = on!(&db.readers, c => sqlx::query_as(sql).bind(account.as_str()).bind(&ends)
        .bind(END_MAX_BYTES).fetch_all(c).await?);
    for (call, payload) in rows {
        if let Some(call) = loaded.get_mut(&call) {
            call.payload = Some(payload);
        }
    }
    Ok(())
}

/// The call of an event.
pub async fn of_event(db: &Db, account: &AccountId, id: &str) -> StoreResult<Option<String>> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(OF_EVENT).bind(account.as_str()).bind(id).fetch_optional(c).await?))
}

/// The call of a delivery.
pub async fn of_delivery(db: &Db, account: &AccountId, id: &str) -> StoreResult<Option<String>> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(OF_DELIVERY).bind(account.as_str()).bind(id).fetch_optional(c).await?))
}
