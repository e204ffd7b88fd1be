//! The lists: deliveries and events under a filter, newest first, paged by key.
//!
//! A filter turns into conditions that are present only where something is asked, so that each list walks the index
//! that fits. Values are always bound; only fixed texts are joined.

use domain::{
    UnixMs,
    delivery::{COUNT_MAX, DeliveryCounts, DeliveryRow, Status},
    event::{EventFilter, EventRow},
    filter::DeliveryFilter,
    id::{AccountId, EndpointId},
    phone,
    query::page_size,
};
use sqlx::AssertSqlSafe;

use super::{
    conditions::{Bind, Conditions, bound},
    db::{Db, on},
    deliveries::{ShownRow, shown_columns, small},
    error::StoreResult,
    events, suspended,
};

/// Whether what waits may be sent.
macro_rules! receives {
    () => {
        concat!("e.state = 'active' AND d.account_id NOT IN ", suspended!())
    };
}

/// One page of deliveries, newest first, with one row more than the page where there is a next.
pub async fn deliveries(
    db: &Db,
    account: &AccountId,
    filter: &DeliveryFilter,
    now: UnixMs,
) -> StoreResult<Vec<DeliveryRow>> {
    let mut conditions = delivery_conditions(account, filter, now);
    if let Some(cursor) = &filter.cursor {
        conditions.text("d.id < ?", cursor);
    }
    let sql = format!(
        concat!(
            "SELECT ",
            shown_columns!(),
            " FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id \
             WHERE {} ORDER BY d.id DESC LIMIT {}"
        ),
        conditions.sql,
        page_size(filter.limit) + 1
    );
    let rows: Vec<ShownRow> = on!(&db.readers, c =>
        bound!(sqlx::query_as(AssertSqlSafe(sql)), conditions.binds).fetch_all(c).await?);
    rows.into_iter().map(DeliveryRow::try_from).collect()
}

/// How many deliveries match, exact up to [`COUNT_MAX`].
pub async fn delivery_counts(
    db: &Db,
    account: &AccountId,
    filter: &DeliveryFilter,
    now: UnixMs,
) -> StoreResult<DeliveryCounts> {
    let conditions = delivery_conditions(account, filter, now);
    let sql = format!(
        concat!(
            "SELECT COUNT(*), CAST(COALESCE(SUM(failed), 0) AS BIGINT), CAST(COALESCE(SUM(retrying), 0) AS BIGINT) FROM ( \
         SELECT CASE WHEN d.state = 'failed' THEN 1 ELSE 0 END AS failed, \
         CASE WHEN d.state = 'retrying' AND ",
            receives!(),
            " THEN 1 ELSE 0 END AS retrying \
         FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id WHERE {} ORDER BY d.id DESC LIMIT {}) AS found"
        ),
        conditions.sql,
        COUNT_MAX + 1
    );
    let (matching, failed, retrying): (i64, i64, i64) = on!(&db.readers, c =>
        bound!(sqlx::query_as(AssertSqlSafe(sql)), conditions.binds).fetch_one(c).await?);
    Ok(DeliveryCounts { matching: small(matching), failed: small(failed), retrying: small(retrying) })
}

fn delivery_conditions(account: &AccountId, filter: &DeliveryFilter, now: UnixMs) -> Conditions {
    let mut conditions = Conditions::of(account.as_str(), "d.account_id");
    if !filter.statuses.is_empty() {
        let any: Vec<&str> = filter.statuses.iter().map(|status| status_condition(*status)).collect();
        conditions.fixed(&format!("({})", any.join(" OR ")));
    }
    if !filter.kinds.is_empty() {
        let any: Vec<String> = filter.kinds.iter().map(|kind| format!("'{}'", kind.as_str())).collect();
        conditions.fixed(&format!("d.kind IN ({})", any.join(", ")));
    }
    if let Some(endpoint) = &filter.endpoint {
        conditions.text("d.endpoint_id = ?", endpoint.as_str());
    }
    if let Some(cause) = filter.cause {
        conditions.text("d.state <> 'delivered' AND d.cause = ?", cause.code());
    }
    if let Some(call) = &filter.call {
        conditions.text("d.call_id = ?", call);
    }
    if let Some(test) = filter.test {
        conditions.number("d.test = ?", i64::from(test));
    }
    if let Some(text) = &filter.text {
        text_condition(&mut conditions, text);
    }
    let (from, to) = filter.span(now);
    for (condition, at) in [("d.created_ms >= ?", from), ("d.created_ms < ?", to)] {
        if let Some(at) = at {
            conditions.number(condition, at.0);
        }
    }
    conditions
}

const fn status_condition(status: Status) -> &'static str {
    match status {
        Status::Delivered => "d.state = 'delivered'",
        Status::Failed => "d.state = 'failed'",
        Status::Expired => "d.state = 'expired'",
        Status::Cancelled => "d.state = 'cancelled'",
        Status::Held => concat!(
            "(d.state IN ('queued', 'retrying') AND (e.state IN ('paused', 'disabled') OR d.account_id IN ",
            suspended!(),
            "))"
        ),
        Status::Queued => concat!("(d.state = 'queued' AND d.lease_owner IS NULL AND ", receives!(), ")"),
        Status::Sending => {
            concat!("(d.state IN ('queued', 'retrying') AND d.lease_owner IS NOT NULL AND ", receives!(), ")")
        }
        Status::Retrying => concat!("(d.state = 'retrying' AND d.lease_owner IS NULL AND ", receives!(), ")"),
    }
}

/// Free text is an id, a call, or a whole phone number in any of its spellings.
fn text_condition(conditions: &mut Conditions, text: &str) {
    let text = text.trim();
    if text.starts_with("dlv_") {
        conditions.text("d.id = ?", text);
    } else if text.starts_with("ep_") {
        conditions.text("d.endpoint_id = ?", text);
    } else if domain::payload::is_uuid(text) {
        conditions.text("d.call_id = ?", &text.to_ascii_lowercase());
    } else {
        let spellings = if text.contains(|c: char| c.is_ascii_digit()) { phone::spellings(text) } else { Vec::new() };
        conditions.text("(d.caller = ?", text);
        conditions.or_text("d.callee = ?", text);
        for number in spellings {
            conditions.or_text("d.caller = ?", &number);
            conditions.or_text("d.callee = ?", &number);
        }
        conditions.or_text("d.event_id = ?)", text);
    }
}

/// One page of events, newest first, each with its position, and one row more than the page where there is a next.
pub async fn events(db: &Db, account: &AccountId, filter: &EventFilter) -> StoreResult<Vec<(String, EventRow)>> {
    #[derive(sqlx::FromRow)]
    struct Positioned {
        position: String,
        #[sqlx(flatten)]
        row: events::ShownRow,
    }
    let conditions = event_conditions(account, filter);
    let sql = format!(
        "SELECT position, id, kind, call_id, caller, callee, timestamp_s, created_ms, test, deliveries FROM events \
         WHERE {} ORDER BY position DESC LIMIT {}",
        conditions.sql,
        page_size(filter.limit) + 1
    );
    let rows: Vec<Positioned> = on!(&db.readers, c =>
        bound!(sqlx::query_as(AssertSqlSafe(sql)), conditions.binds).fetch_all(c).await?);
    rows.into_iter().map(|row| Ok((row.position, EventRow::try_from(row.row)?))).collect()
}

fn event_conditions(account: &AccountId, filter: &EventFilter) -> Conditions {
    let mut conditions = Conditions::of(account.as_str(), "account_id");
    if !filter.kinds.is_empty() {
        let any: Vec<String> = filter.kinds.iter().map(|kind| format!("'{}'", kind.as_str())).collect();
        conditions.fixed(&format!("kind IN ({})", any.join(", ")));
    }
    if let Some(call) = &filter.call {
        conditions.text("call_id = ?", call);
    }
    if filter.not_sent {
        conditions.fixed("deliveries = 0");
    }
    if let Some(cursor) = &filter.cursor {
        conditions.text("position < ?", cursor);
    }
    conditions
}

/// Deliveries of an endpoint that have not ended, exact up to [`COUNT_MAX`].
pub async fn waiting(db: &Db, account: &AccountId, endpoint: &EndpointId) -> StoreResult<u32> {
    let mut conditions = Conditions::of(account.as_str(), "account_id");
    conditions.text("endpoint_id = ?", endpoint.as_str());
    conditions.fixed("state IN ('queued', 'retrying')");
    let where_ = conditions.sql;
    let sql =
        format!("SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE {where_} LIMIT {}) AS found", COUNT_MAX + 1);
    let n: i64 = on!(&db.readers, c =>
        bound!(sqlx::query_scalar(AssertSqlSafe(sql)), conditions.binds).fetch_one(c).await?);
    Ok(small(n))
}
