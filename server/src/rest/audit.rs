//! The audit log: who did what, when, from where, and the values before and after.

use axum::{Json, extract::State};
use domain::{
    audit::{AREAS, AuditFilter, AuditRecord, Change},
    time::{iso_utc, parse_utc},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app_state::SharedState,
    rest::{List, auth::Caller, openapi::Errors, problem::Problem, query::Query},
};

const TIME_FORMAT: &str = "A time must be RFC 3339, for example 2026-11-22T13:00:00Z.";

/// One value that changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeJson {
    /// Name of the value.
    what: String,
    /// The value before; null when there was none.
    before: Option<String>,
    /// The value after; null when there is none.
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
    /// Id of the user or token; null for an action by Offhook.
    who_id: Option<String>,
    /// Name of the user or token; null for an action by Offhook.
    who: Option<String>,
    /// The client's IP address; null when there was none.
    address: Option<String>,
    /// What was done: the area, a dot, and the action.
    action: &'static str,
    /// The action as text.
    summary: &'static str,
    /// Id of the object.
    object_id: Option<String>,
    /// Name of the object at that time.
    object: Option<String>,
    /// What changed.
    changes: Vec<ChangeJson>,
    /// Hash of this record and the previous one.
    hash: String,
}

impl From<AuditRecord> for RecordJson {
    fn from(record: AuditRecord) -> Self {
        Self {
            id: record.id.into(),
            at: iso_utc(record.at),
            who_id: record.who_id,
            who: record.who,
            address: record.address,
            action: record.action.as_str(),
            summary: record.action.summary(),
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
        area: query.one("area", "This area does not exist.", known),
        who: query.text("who"),
        object: query.text("object"),
        from: query.one("from", TIME_FORMAT, parse_utc),
        to: query.one("to", TIME_FORMAT, parse_utc),
        cursor: query.cursor(|text| text.parse().is_ok_and(|position: i64| position > 0)),
        limit: query.limit(),
    }
}

/// List the records of the audit log, newest first.
#[utoipa::path(get, path = "/audit", operation_id = "list_audit_records", tag = "Audit", params(
    ("area" = Option<String>, Query, description = "Only actions in this area: endpoint, credentials, delivery, token, member, account, support"),
    ("who" = Option<String>, Query, description = "Only actions of the user or token with this id or name"),
    ("object" = Option<String>, Query, description = "Only actions on the object with this id"),
    ("from" = Option<String>, Query, description = "At this time (RFC 3339) or later"),
    ("to" = Option<String>, Query, description = "Before this time"),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows per page; default 50"),
    ("cursor" = Option<String>, Query, description = "`next` of the previous page"),
), responses((status = 200, description = "One page", body = List<RecordJson>), Errors),
    security(("token" = ["audit:read"])))]
pub async fn list(
    State(state): State<SharedState>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<List<RecordJson>>, Problem> {
    let filter = filter(&mut query);
    query.finish()?;
    let page = state.backend.audit(&caller.0, &filter).await?;
    Ok(Json(List::of(page.rows, page.next, |record| record.position.to_string(), RecordJson::from)))
}
