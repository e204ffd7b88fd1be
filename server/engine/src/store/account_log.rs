//! What happened to an account's endpoints, by themselves or by a person.

use domain::{
    UnixMs,
    id::{AccountId, EndpointId, Entropy},
};
use serde::Serialize;

use super::{
    db::{Db, Tx, on, within},
    error::StoreResult,
    json_rows,
    sql::Sql,
};

static ADD: Sql = Sql::new(
    "INSERT INTO account_log (id, account_id, at_ms, what, endpoint_id, who) SELECT r.id, r.account_id, r.at_ms, \
     r.what, r.endpoint_id, r.who FROM {rows $1 r: id text, account_id text, at_ms bigint, what text, \
     endpoint_id text, who text}",
);
const OF_ENDPOINT: &str = "SELECT at_ms, what, who FROM account_log WHERE account_id = $1 AND endpoint_id = $2 \
                           ORDER BY id DESC LIMIT $3";

/// An entry to be added.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    id: String,
    account_id: String,
    at_ms: i64,
    what: &'static str,
    endpoint_id: String,
    who: Option<String>,
}

impl Entry {
    /// Something happened to an endpoint; `who` is the person, if it was one.
    #[must_use]
    pub fn new(
        id: (UnixMs, Entropy),
        at: UnixMs,
        account: &str,
        endpoint: &str,
        what: &'static str,
        who: Option<&str>,
    ) -> Self {
        Self {
            id: domain::id::encode(id.0, id.1),
            account_id: account.to_owned(),
            at_ms: at.0,
            what,
            endpoint_id: endpoint.to_owned(),
            who: who.map(str::to_owned),
        }
    }
}

/// Adds entries.
pub async fn add(tx: &mut Tx, entries: &[Entry]) -> StoreResult<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let (sql, rows) = (ADD.on(tx.dialect()), json_rows(entries));
    within!(tx, c => sqlx::query(sql).bind(rows).execute(c).await?.rows_affected());
    Ok(())
}

/// The latest entries of an endpoint, newest first: when, what, who.
pub async fn of_endpoint(
    db: &Db,
    account: &AccountId,
    endpoint: &EndpointId,
    limit: u32,
) -> StoreResult<Vec<(UnixMs, String, Option<String>)>> {
    let rows: Vec<(i64, String, Option<String>)> = on!(&db.readers, c => sqlx::query_as(OF_ENDPOINT)
        .bind(account.as_str()).bind(endpoint.as_str()).bind(i64::from(limit)).fetch_all(c).await?);
    Ok(rows.into_iter().map(|(at, what, who)| (UnixMs(at), what, who)).collect())
}
