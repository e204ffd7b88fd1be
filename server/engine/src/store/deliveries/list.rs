//! The filtered list of deliveries, newest first, paged by key.
//!
//! A filter becomes conditions that are present only where it asks for something, so that each list uses the index that
//! fits. Values are always bound; only constant SQL is concatenated.

use domain::{
    UnixMs,
    delivery::{COUNT_MAX, DeliveryCounts, DeliveryRow, Status},
    filter::DeliveryFilter,
    id::{AccountId, DeliveryId},
    query::page_size,
    time::HOUR_MS,
};
use sqlx::AssertSqlSafe;

use crate::store::{
    conditions::{Bind, Conditions, bound, suspended},
    db::{Db, Dialect, on},
    deliveries::{ShownRow, shown_columns, small},
    error::StoreResult,
    events::phone_search::{self, NumberSearch},
};

/// Whether waiting deliveries may be sent.
macro_rules! may_be_sent {
    () => {
        concat!("e.state = 'active' AND d.account_id NOT IN ", suspended!())
    };
}

/// The deliveries that are wanted.
pub struct Wanted<'a> {
    /// The filter.
    pub filter: &'a DeliveryFilter,
    /// The number that its text is, if that is one.
    pub number: Option<NumberSearch>,
}

/// The number that a filter searches for, if that is what its text is.
#[must_use]
pub fn wanted_number(filter: &DeliveryFilter) -> Option<&str> {
    filter.text.as_deref().map(str::trim).filter(|text| SearchTerm::by(text) == SearchTerm::Number)
}

/// One page of deliveries, newest first. Returns one extra row if there is a next page.
pub async fn page(db: &Db, account: &AccountId, wanted: &Wanted<'_>, now: UnixMs) -> StoreResult<Vec<DeliveryRow>> {
    let filter = wanted.filter;
    let mut conditions = delivery_conditions(account, wanted, now);
    if let Some(cursor) = &filter.cursor {
        conditions.id_range("<", cursor);
    }
    let limit = page_size(filter.limit) + 1;
    let sql = format!(
        concat!(
            "SELECT ",
            shown_columns!(),
            " FROM deliveries d CROSS JOIN endpoints e WHERE e.id = d.endpoint_id AND {} ORDER BY d.id DESC LIMIT {}"
        ),
        found(&mut conditions, (db.dialect, account), wanted, limit),
        limit
    );
    let rows: Vec<ShownRow> = on!(&db.readers, c =>
        bound!(sqlx::query_as(AssertSqlSafe(sql)), conditions.binds).fetch_all(c).await?);
    rows.into_iter().map(DeliveryRow::try_from).collect()
}

/// How many deliveries match, exact up to [`COUNT_MAX`].
pub async fn counts(db: &Db, account: &AccountId, wanted: &Wanted<'_>, now: UnixMs) -> StoreResult<DeliveryCounts> {
    let mut conditions = delivery_conditions(account, wanted, now);
    let limit = COUNT_MAX + 1;
    let sql = format!(
        concat!(
            "SELECT COUNT(*), CAST(COALESCE(SUM(failed), 0) AS BIGINT), CAST(COALESCE(SUM(retrying), 0) AS BIGINT), \
         CAST(COALESCE(SUM(expired), 0) AS BIGINT) FROM ( \
         SELECT CASE WHEN d.state = 'expired' THEN 1 ELSE 0 END AS expired, CASE WHEN d.state = 'failed' THEN 1 ELSE 0 END AS failed, \
         CASE WHEN d.state = 'retrying' AND ",
            may_be_sent!(),
            " THEN 1 ELSE 0 END AS retrying \
         FROM deliveries d CROSS JOIN endpoints e WHERE e.id = d.endpoint_id AND {} ORDER BY d.id DESC LIMIT {}) AS found"
        ),
        found(&mut conditions, (db.dialect, account), wanted, limit),
        limit
    );
    let (matching, failed, retrying, expired): (i64, i64, i64, i64) = on!(&db.readers, c =>
        bound!(sqlx::query_as(AssertSqlSafe(sql)), conditions.binds).fetch_one(c).await?);
    let [matching, failed, retrying, expired] = [matching, failed, retrying, expired].map(small);
    Ok(DeliveryCounts { matching, failed, retrying, expired })
}

/// The condition that finds the rows. With statuses, the newest rows of each stored state are selected separately: each
/// scans one index in order, while a scan over several states would sort all of them, and a scan over everything would
/// skip all successful ones. (CROSS JOIN makes SQLite start with deliveries; to PostgreSQL it makes no difference.)
fn found(conditions: &mut Conditions, account: (Dialect, &AccountId), wanted: &Wanted<'_>, limit: u32) -> String {
    let filter = wanted.filter;
    if let Some(number) = &wanted.number {
        let any: Vec<&str> = filter.statuses.iter().map(|status| status_condition(*status)).collect();
        let any = (!any.is_empty()).then(|| any.join(" OR "));
        return phone_search::found(conditions, account, number, any.as_deref(), limit);
    }
    if filter.statuses.is_empty() || filter.statuses.contains(&Status::Delivered) {
        let any: Vec<&str> = filter.statuses.iter().map(|status| status_condition(*status)).collect();
        return if any.is_empty() {
            conditions.sql.clone()
        } else {
            format!("{} AND ({})", conditions.sql, any.join(" OR "))
        };
    }
    let states = ["queued", "retrying", "failed", "expired", "cancelled"];
    let arms = states.into_iter().filter_map(|state| {
        let of_state = filter.statuses.iter().filter(|status| stored_as(**status).contains(&state));
        let any: Vec<&str> = of_state.map(|status| status_condition(*status)).collect();
        // Spelled out, so that SQLite sees which partial index has these rows.
        let ended = if matches!(state, "queued" | "retrying") {
            "d.state <> 'delivered'"
        } else if filter.endpoint.is_some() {
            "d.state IN ('failed', 'expired', 'cancelled')"
        } else {
            "d.state <> 'delivered' AND d.state IN ('failed', 'expired', 'cancelled')"
        };
        (!any.is_empty()).then(|| {
            format!(
                "SELECT id FROM (SELECT d.id FROM deliveries d CROSS JOIN endpoints e WHERE e.id = d.endpoint_id \
                 AND {} AND d.state = '{state}' AND {ended} AND ({}) ORDER BY d.id DESC LIMIT {limit}) AS {state}",
                conditions.sql,
                any.join(" OR ")
            )
        })
    });
    format!("d.id IN ({})", arms.collect::<Vec<_>>().join(" UNION ALL "))
}

/// The deliveries to retry or resend, oldest first.
pub struct Ascending<'a> {
    /// The account.
    pub account: &'a AccountId,
    /// The filter. It searches no number.
    pub wanted: Wanted<'a>,
    /// Those that have ended and can be sent again; otherwise those that wait for a receiving endpoint.
    pub resend: bool,
    /// The id after which they begin.
    pub after: &'a str,
    /// Only events accepted, and deliveries ended, before this time.
    pub began: UnixMs,
}

/// Without the index on endpoints: it has all of an endpoint's deliveries, and those by state only the few that wait.
const OF_ENDPOINT_BY_STATE: &str = "d.endpoint_id || '' = ?";
const HAS_PAYLOAD: &str = "EXISTS (SELECT 1 FROM events ev WHERE ev.account_id = d.account_id AND ev.id = d.event_id \
    AND ev.payload IS NOT NULL)";

/// Id, endpoint and call of up to `limit` of them.
pub async fn ascending(db: &Db, of: &Ascending<'_>, limit: u32) -> StoreResult<Vec<(String, String, String)>> {
    let Some((found, binds)) = found_ascending(of, limit) else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT d.id, d.endpoint_id, d.call_id FROM deliveries d WHERE d.id IN ({found}) ORDER BY d.id LIMIT {limit}"
    );
    Ok(on!(&db.readers, c => bound!(sqlx::query_as(AssertSqlSafe(sql)), binds).fetch_all(c).await?))
}

/// How many there are, counted up to `limit`.
pub async fn count_ascending(db: &Db, of: &Ascending<'_>, limit: u32) -> StoreResult<u32> {
    let Some((found, binds)) = found_ascending(of, limit) else { return Ok(0) };
    let sql = format!("SELECT COUNT(*) FROM (SELECT 1 FROM ({found}) AS every LIMIT {limit}) AS counted");
    let n: i64 = on!(&db.readers, c => bound!(sqlx::query_scalar(AssertSqlSafe(sql)), binds).fetch_one(c).await?);
    Ok(small(n))
}

/// The query for their ids, an arm for each stored state; none if no state remains.
fn found_ascending(of: &Ascending<'_>, limit: u32) -> Option<(String, Vec<Bind>)> {
    let filter = of.wanted.filter;
    let mut conditions = delivery_conditions(
        of.account,
        &Wanted { filter: &DeliveryFilter { endpoint: None, ..filter.clone() }, number: None },
        of.began,
    );
    if let Some(endpoint) = &filter.endpoint {
        conditions.text(OF_ENDPOINT_BY_STATE, endpoint.as_str());
    }
    conditions.id_range(">", of.after);
    conditions.number("d.created_ms < ?", of.began.0);
    if of.resend {
        conditions.number("d.finished_ms <= ?", of.began.0);
        conditions.fixed(HAS_PAYLOAD);
        conditions.fixed("e.state <> 'deleted'");
    } else {
        conditions.fixed(may_be_sent!());
    }
    let states: &[&str] = match (of.resend, filter.statuses.contains(&Status::Delivered)) {
        (false, _) => &["queued", "retrying"],
        (true, false) => &["failed", "expired", "cancelled"],
        (true, true) => &["delivered", "failed", "expired", "cancelled"],
    };
    let arms = states.iter().filter_map(|state| {
        let of_state = filter.statuses.iter().filter(|status| stored_as(**status).contains(state));
        let any: Vec<&str> = of_state.map(|status| status_condition(*status)).collect();
        let any = match (any.is_empty(), filter.statuses.is_empty()) {
            (true, true) => "1 = 1".to_owned(),
            (true, false) => return None,
            (false, _) => any.join(" OR "),
        };
        // Spelled out, so that SQLite sees which partial index has these rows.
        let partial = if *state == "delivered" { "" } else { " AND d.state <> 'delivered'" };
        Some(format!(
            "SELECT id FROM (SELECT d.id FROM deliveries d CROSS JOIN endpoints e WHERE e.id = d.endpoint_id \
             AND {} AND d.state = '{state}'{partial} AND ({any}) ORDER BY d.id LIMIT {limit}) AS {state}",
            conditions.sql
        ))
    });
    let arms: Vec<String> = arms.collect();
    (!arms.is_empty()).then(|| (arms.join(" UNION ALL "), conditions.binds))
}

/// The stored states that are displayed as this status.
const fn stored_as(status: Status) -> &'static [&'static str] {
    match status {
        Status::Delivered => &["delivered"],
        Status::Failed => &["failed"],
        Status::Expired => &["expired"],
        Status::Cancelled => &["cancelled"],
        Status::Queued => &["queued"],
        Status::Retrying => &["retrying"],
        Status::Held | Status::Sending => &["queued", "retrying"],
    }
}

/// How far an id may be ahead of its event's time, because a clock was set back and ids only grow.
const IDS_AHEAD_MS: i64 = HOUR_MS;

fn delivery_conditions(account: &AccountId, wanted: &Wanted<'_>, now: UnixMs) -> Conditions {
    let filter = wanted.filter;
    let mut conditions = Conditions::of(account.as_str(), "d.account_id");
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
        conditions.text(OF_CALL, call);
    }
    if let Some(job) = &filter.job {
        conditions.text("d.recovered_by = ?", job.as_str());
    }
    match filter.test {
        Some(true) => conditions.fixed("d.test = 1"),
        Some(false) => conditions.fixed("d.test = 0"),
        None => {}
    }
    if let Some(text) = &filter.text {
        text_condition(&mut conditions, text);
    }
    time_condition(&mut conditions, filter.span(now));
    conditions
}

/// Ids begin with the time, so a time range is a range of the index that is scanned anyway.
fn time_condition(conditions: &mut Conditions, (from, to): (Option<UnixMs>, Option<UnixMs>)) {
    let id = |at: UnixMs| DeliveryId::new(UnixMs(at.0.max(0)), 0);
    if let Some(from) = from {
        conditions.id_range(">=", id(from).as_str());
        conditions.number("d.created_ms >= ?", from.0);
    }
    if let Some(to) = to {
        conditions.id_range("<", id(to.plus_ms(IDS_AHEAD_MS)).as_str());
        conditions.number("d.created_ms < ?", to.0);
    }
}

/// A subquery, so that SQLite does not scan the list in its order instead.
const OF_EVENT: &str = "d.id IN (SELECT dd.id FROM deliveries dd WHERE dd.account_id = $1 AND dd.event_id = ?)";
/// Deliveries have no index on call ids, which are random; events have one.
const OF_CALL: &str = "d.id IN (SELECT dd.id FROM events ev CROSS JOIN deliveries dd \
    WHERE ev.account_id = $1 AND ev.call_id = ? AND dd.account_id = ev.account_id AND dd.event_id = ev.id)";

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
        Status::Queued => concat!("(d.state = 'queued' AND d.lease_owner IS NULL AND ", may_be_sent!(), ")"),
        Status::Sending => {
            concat!("(d.state IN ('queued', 'retrying') AND d.lease_owner IS NOT NULL AND ", may_be_sent!(), ")")
        }
        Status::Retrying => concat!("(d.state = 'retrying' AND d.lease_owner IS NULL AND ", may_be_sent!(), ")"),
    }
}

/// What a free-text search refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SearchTerm {
    Delivery,
    Endpoint,
    Call,
    Event,
    /// A whole phone number in any of its spellings, or an event id that the platform chose.
    Number,
}

impl SearchTerm {
    fn by(text: &str) -> Self {
        match text {
            _ if text.starts_with("dlv_") => Self::Delivery,
            _ if text.starts_with("ep_") => Self::Endpoint,
            _ if domain::payload::is_uuid(text) => Self::Call,
            _ if text.starts_with("evt_") => Self::Event,
            _ => Self::Number,
        }
    }
}

/// What finds a number is in [`found`].
fn text_condition(conditions: &mut Conditions, text: &str) {
    let text = text.trim();
    match SearchTerm::by(text) {
        SearchTerm::Delivery => conditions.text("d.id = ?", text),
        SearchTerm::Endpoint => conditions.text("d.endpoint_id = ?", text),
        SearchTerm::Call => conditions.text(OF_CALL, &text.to_ascii_lowercase()),
        SearchTerm::Event => conditions.text(OF_EVENT, text),
        SearchTerm::Number => {}
    }
}
