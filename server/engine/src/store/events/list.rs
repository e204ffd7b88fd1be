//! The list of events under a filter, newest first, paged by key.

use domain::{
    event::{EventFilter, EventRow},
    id::AccountId,
    query::page_size,
};
use sqlx::AssertSqlSafe;

use crate::store::{
    conditions::{Bind, Conditions, bound},
    db::{Db, on},
    error::StoreResult,
    events::ShownRow,
};

/// One page of events, newest first, with positions. Returns one extra row if there is a next page.
pub async fn page(db: &Db, account: &AccountId, filter: &EventFilter) -> StoreResult<Vec<(String, EventRow)>> {
    #[derive(sqlx_macros::FromRow)]
    struct Positioned {
        position: String,
        #[sqlx(flatten)]
        row: ShownRow,
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
