//! The audit log: who did what, when, from where, and what it was before and after.

use axum::{Json, extract::State};
use domain::{
    audit::{AREAS, AuditFilter, Change, Record},
    time::{iso_utc, parse_utc},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    rest::{List, door::Caller, openapi::Errors, problem::Problem, query::Query},
    room::Shared,
};

const A_TIME: &str = "A time is RFC 3339, for example 2026-11-22T13:00:00Z.";

/// One value that changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeJson {
    /// What it is called.
    what: String,
    /// What it was; null when there was none.
    before: Option<String>,
    /// What it is now; null when there is none.
    after: Option<String>,
}

impl From<Change> for ChangeJson {
    fn from(change: Change) -> Self {
        Self { what: change.what, before: change.before, after: change.after }
    }
}

/// One record of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordJson {
    /// Id.
    id: String,
    /// When (RFC 3339).
    at: String,
    /// Id of the person or token; null when nobody did it.
    who_id: Option<String>,
    /// Who it was; null when it happened by itself.
    who: Option<String>,
    /// The client's address; null when there was none.
    address: Option<String>,
    /// What was done: the area, a dot, and the deed.
    deed: &'static str,
    /// The same in words.
    words: &'static str,
    /// Id of what it was done to.
    object_id: Option<String>,
    /// Its name at that time.
    object: Option<String>,
    /// What changed.
    changes: Vec<ChangeJson>,
    /// Hash of this record and the one before it.
    hash: String,
}

impl From<Record> for RecordJson {
    fn from(record: Record) -> Self {
        Self {
            id: record.id.into(),
            at: iso_utc(record.at),
            who_id: record.who_id,
            who: record.who,
            address: record.address,
            deed: record.deed.as_str(),
            words: record.deed.words(),
            object_id: record.object_id,
            object: record.object,
            changes: record.changes.into_iter().map(ChangeJson::from).collect(),
            hash: record.hash,
        }
    }
}

fn filter(query: &mut Query) -> AuditFilter {
    let known = |text: &str| AREAS.iter().any(|(area, _)| *area == text).then(|| text.to_owned());
    AuditFilter {
        area: query.one("area", "There is no such area.", known),
        who: query.text("who"),
        object: query.text("object"),
        from: query.one("from", A_TIME, parse_utc),
        to: query.one("to", A_TIME, parse_utc),
        cursor: query.cursor(|text| text.parse().is_ok_and(|position: i64| position > 0)),
        limit: query.limit(),
    }
}

/// List the records of the audit log, newest first.
#[utoipa::path(get, path = "/audit", operation_id = "list_audit_records", tag = "Audit", params(
    ("area" = Option<String>, Query, description = "Only this area: endpoint, credentials, delivery, token, member, account, support"),
    ("who" = Option<String>, Query, description = "Only by whom this id or name belongs to"),
    ("object" = Option<String>, Query, description = "Only about what this id belongs to"),
    ("from" = Option<String>, Query, description = "At this time (RFC 3339) or later"),
    ("to" = Option<String>, Query, description = "Before this time"),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows of a page; 50 when left out"),
    ("cursor" = Option<String>, Query, description = "`next` of the page before"),
), responses((status = 200, description = "One page", body = List<RecordJson>), Errors),
    security(("token" = ["audit:read"])))]
pub async fn list(
    State(room): State<Shared>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<List<RecordJson>>, Problem> {
    let filter = filter(&mut query);
    query.done()?;
    let page = room.backend.audit(&caller.0, &filter).await?;
    Ok(Json(List { data: page.rows.into_iter().map(RecordJson::from).collect(), next: page.next }))
}
