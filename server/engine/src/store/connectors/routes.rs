//! Routes of platform connectors.

use std::collections::HashMap;

use domain::{
    connector::route::{Pattern, Route},
    id::{AccountId, ConnectorId},
};
use serde::Serialize;

use crate::store::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
    ops::support::escape_like,
    sql::{Sql, json_list},
};

static MATCHING: Sql =
    Sql::new("SELECT pattern, account_id FROM connector_routes WHERE connector_id = $1 AND pattern IN {list $2}");
const ALL: &str = "SELECT pattern, account_id FROM connector_routes WHERE connector_id = $1";
const LIST: &str = "SELECT r.pattern, r.account_id, a.name, a.reference FROM connector_routes r \
    JOIN accounts a ON a.id = r.account_id WHERE r.connector_id = $1 AND r.pattern > $2 \
    AND r.pattern LIKE $3 ESCAPE '!' ORDER BY r.pattern LIMIT $4";
const COUNT: &str = "SELECT COUNT(*) FROM connector_routes WHERE connector_id = $1";
static SET: Sql = Sql::new(
    "INSERT INTO connector_routes (connector_id, pattern, account_id) \
     SELECT r.connector_id, r.pattern, r.account_id FROM {rows r: connector_id text, pattern text, account_id text} \
     WHERE 1 = 1 ON CONFLICT (connector_id, pattern) DO UPDATE SET account_id = excluded.account_id",
);
static REMOVE: Sql = Sql::new("DELETE FROM connector_routes WHERE connector_id = $1 AND pattern IN {list $2}");
static CLEAR: Sql = Sql::new(
    "DELETE FROM connector_routes WHERE connector_id = $1 AND pattern IN \
     (SELECT pattern FROM connector_routes WHERE connector_id = $1 LIMIT $2)",
);
static ACCOUNTS: Sql = Sql::new("SELECT id, reference FROM accounts WHERE id IN {list $1} OR reference IN {list $1}");

/// Names looked up by one statement.
const NAMES_AT_ONCE: usize = 500;

/// A route to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteRow {
    /// The connector.
    pub connector_id: String,
    /// What it matches.
    pub pattern: String,
    /// Where it leads.
    pub account_id: String,
}

fn account(id: &str) -> StoreResult<AccountId> {
    let corrupt = |_| StoreError::Corrupt { table: "connector_routes", column: "account_id", row: id.to_owned() };
    AccountId::parse(id).map_err(corrupt)
}

/// The routes among these patterns.
pub async fn matching(db: &Db, id: &ConnectorId, patterns: &[String]) -> StoreResult<Vec<(String, AccountId)>> {
    let (sql, list) = (MATCHING.on(db.dialect), json_list(patterns.iter().map(String::as_str)));
    let rows: Vec<(String, String)> =
        on!(&db.readers, c => sqlx::query_as(sql).bind(id.as_str()).bind(list).fetch_all(c).await?);
    rows.into_iter().map(|(pattern, to)| Ok((pattern, account(&to)?))).collect()
}

/// All routes: account ids by pattern.
pub async fn all(db: &Db, id: &ConnectorId) -> StoreResult<HashMap<String, String>> {
    let rows: Vec<(String, String)> = on!(&db.readers, c => sqlx::query_as(ALL).bind(id.as_str()).fetch_all(c).await?);
    Ok(rows.into_iter().collect())
}

/// Routes after a pattern whose pattern begins with a text, by pattern.
pub async fn list(db: &Db, id: &ConnectorId, (text, after): (&str, &str), limit: u32) -> StoreResult<Vec<Route>> {
    let like = format!("{}%", escape_like(text));
    let rows: Vec<(String, String, String, Option<String>)> = on!(&db.readers, c => sqlx::query_as(LIST)
        .bind(id.as_str()).bind(after).bind(like).bind(i64::from(limit)).fetch_all(c).await?);
    let route = |(pattern, to, account_name, reference): (String, String, String, Option<String>)| {
        let corrupt = |_| StoreError::Corrupt { table: "connector_routes", column: "pattern", row: id.to_string() };
        Ok(Route {
            pattern: Pattern::parse(&pattern).map_err(corrupt)?,
            account: account(&to)?,
            account_name,
            reference,
        })
    };
    rows.into_iter().map(route).collect()
}

/// Counts a connector's routes.
pub async fn count(tx: &mut Tx, id: &ConnectorId) -> StoreResult<i64> {
    Ok(within!(tx, c => sqlx::query_scalar(COUNT).bind(id.as_str()).fetch_one(c).await?))
}

/// Adds routes, or changes where they lead.
pub async fn set(tx: &mut Tx, routes: &[RouteRow]) -> StoreResult<()> {
    SET.write(tx, routes, &[]).await?;
    Ok(())
}

/// Removes routes. Returns how many there were.
pub async fn remove(tx: &mut Tx, id: &ConnectorId, patterns: &[String]) -> StoreResult<u64> {
    let (sql, list) = (REMOVE.on(tx.dialect()), json_list(patterns.iter().map(String::as_str)));
    Ok(within!(tx, c => sqlx::query(sql).bind(id.as_str()).bind(list).execute(c).await?.rows_affected()))
}

/// Removes up to `limit` of a connector's routes. Returns how many.
pub async fn clear(tx: &mut Tx, id: &ConnectorId, limit: u32) -> StoreResult<u64> {
    let sql = CLEAR.on(tx.dialect());
    Ok(within!(tx, c => sqlx::query(sql)
        .bind(id.as_str()).bind(i64::from(limit)).execute(c).await?.rows_affected()))
}

/// The ids of the accounts with these ids or references, by what they are called here. An id takes precedence.
pub async fn accounts(db: &Db, names: &[&str]) -> StoreResult<HashMap<String, String>> {
    let (sql, mut found) = (ACCOUNTS.on(db.dialect), HashMap::new());
    for some in names.chunks(NAMES_AT_ONCE) {
        let list = json_list(some.iter().copied());
        let rows: Vec<(String, Option<String>)> =
            on!(&db.readers, c => sqlx::query_as(sql).bind(list).fetch_all(c).await?);
        for (id, reference) in rows {
            if let Some(reference) = reference {
                found.entry(reference).or_insert_with(|| id.clone());
            }
            found.insert(id.clone(), id);
        }
    }
    Ok(found)
}
