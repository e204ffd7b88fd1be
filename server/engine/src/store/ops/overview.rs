//! Accounts with their figures for operators, and the counts of the health page.

use std::collections::HashMap;

use domain::{
    UnixMs,
    account::Account,
    id::AccountId,
    ops::{
        accounts::{AccountFilter, AccountRow as AccountSummary},
        health::{AccountDay, Node},
    },
    query::page_size,
};
use sqlx::AssertSqlSafe;

use crate::store::{
    accounts::{AccountRow, account_columns},
    conditions::{Bind, Conditions, bound},
    db::{Db, Dialect, on},
    error::{StoreError, StoreResult},
    ops::support::escape_like,
    sql::{Sql, json_list},
};

static ENDPOINTS: Sql = Sql::new(
    "SELECT account_id, COUNT(*) FROM endpoints WHERE account_id IN {list $1} AND state <> 'deleted' GROUP BY account_id",
);
static DAYS: Sql = Sql::new(
    "SELECT e.account_id, CAST(SUM(h.delivered) AS BIGINT), CAST(SUM(h.retrying + h.failed) AS BIGINT) \
     FROM endpoints e JOIN endpoint_hours h ON h.endpoint_id = e.id AND h.hour_ms >= $2 \
     WHERE e.account_id IN {list $1} GROUP BY e.account_id",
);
// One scan of the hours of a day, of which each endpoint has at most 25.
const MOST_FAILING: &str = "SELECT a.id, a.name, t.delivered, t.failed FROM ( \
       SELECT account_id, CAST(SUM(delivered) AS BIGINT) AS delivered, CAST(SUM(retrying + failed) AS BIGINT) AS failed \
       FROM endpoint_hours WHERE hour_ms >= $1 GROUP BY account_id) t \
     JOIN accounts a ON a.id = t.account_id ORDER BY t.failed DESC, t.delivered DESC, a.id LIMIT $2";
const COUNT: &str = "SELECT COUNT(*) FROM accounts";
const MEMBERS: &str = "SELECT COUNT(*) FROM memberships WHERE account_id = $1";
const NODES: &str = "SELECT id, heartbeat_ms, clock_ahead_ms FROM nodes ORDER BY id";

#[derive(sqlx_macros::FromRow)]
struct ListedRow {
    #[sqlx(flatten)]
    account: AccountRow,
    created_ms: i64,
}

/// One page of accounts, newest first, with figures from `since`. Returns one extra row if there is a next page.
pub async fn accounts(db: &Db, filter: &AccountFilter, since: UnixMs) -> StoreResult<Vec<AccountSummary>> {
    let mut conditions = Conditions::all();
    if let Some(text) = &filter.text {
        conditions.text("(LOWER(a.name) LIKE ? ESCAPE '!'", &format!("%{}%", escape_like(&text.to_lowercase())));
        conditions.or_text("a.reference = ?", text);
        conditions.or_text("a.id = ?)", text);
    }
    if let Some(cursor) = &filter.cursor {
        conditions.text("a.id < ?", cursor);
    }
    let limit = page_size(filter.limit) + 1;
    listed(db, &conditions, limit, since).await
}

/// One account with its figures.
pub async fn account(db: &Db, id: &AccountId, since: UnixMs) -> StoreResult<Option<AccountSummary>> {
    let mut conditions = Conditions::all();
    conditions.text("a.id = ?", id.as_str());
    Ok(listed(db, &conditions, 1, since).await?.pop())
}

async fn listed(db: &Db, conditions: &Conditions, limit: u32, since: UnixMs) -> StoreResult<Vec<AccountSummary>> {
    let sql = format!(
        concat!("SELECT ", account_columns!(), ", a.created_ms FROM accounts a WHERE {} ORDER BY a.id DESC LIMIT {}"),
        conditions.sql, limit
    );
    let rows: Vec<ListedRow> =
        on!(&db.readers, c => bound!(sqlx::query_as(AssertSqlSafe(sql)), conditions.binds).fetch_all(c).await?);
    let accounts: Vec<(Account, i64)> = rows
        .into_iter()
        .map(|row| Ok((Account::try_from(row.account)?, row.created_ms)))
        .collect::<StoreResult<_>>()?;
    let ids = json_list(accounts.iter().map(|(account, _)| account.id.as_str()));
    let (endpoints, days) = (ENDPOINTS.on(db.dialect), DAYS.on(db.dialect));
    let endpoints: Vec<(String, i64)> = on!(&db.readers, c => sqlx::query_as(endpoints).bind(&ids).fetch_all(c).await?);
    let days: Vec<(String, i64, i64)> =
        on!(&db.readers, c => sqlx::query_as(days).bind(&ids).bind(since.0).fetch_all(c).await?);
    let endpoints: HashMap<_, _> = endpoints.into_iter().collect();
    let days: HashMap<_, _> = days.into_iter().map(|(id, delivered, failed)| (id, (delivered, failed))).collect();
    let summaries = accounts.into_iter().map(|(account, created_ms)| {
        let (delivered, failed) = days.get(account.id.as_str()).copied().unwrap_or_default();
        AccountSummary {
            endpoints: endpoints.get(account.id.as_str()).copied().unwrap_or_default().unsigned_abs(),
            created_at: UnixMs(created_ms),
            delivered_24h: delivered.unsigned_abs(),
            failed_24h: failed.unsigned_abs(),
            account,
        }
    });
    Ok(summaries.collect())
}

/// Counts an account's members.
pub async fn members(db: &Db, id: &AccountId) -> StoreResult<u64> {
    let count: i64 = on!(&db.readers, c => sqlx::query_scalar(MEMBERS).bind(id.as_str()).fetch_one(c).await?);
    Ok(count.unsigned_abs())
}

/// Counts all accounts.
pub async fn count(db: &Db) -> StoreResult<u64> {
    let count: i64 = on!(&db.readers, c => sqlx::query_scalar(COUNT).fetch_one(c).await?);
    Ok(count.unsigned_abs())
}

/// The accounts with the most failures since then, the worst first.
pub async fn most_failing(db: &Db, since: UnixMs, limit: u32) -> StoreResult<Vec<AccountDay>> {
    let rows: Vec<(String, String, i64, i64)> = on!(&db.readers, c =>
        sqlx::query_as(MOST_FAILING).bind(since.0).bind(i64::from(limit)).fetch_all(c).await?);
    let day = |(id, name, delivered, failed): (String, String, i64, i64)| {
        let account = AccountId::parse(&id);
        let account =
            account.map_err(|_| StoreError::Corrupt { table: "endpoint_hours", column: "account_id", row: id })?;
        Ok(AccountDay { account, name, delivered: delivered.unsigned_abs(), failed: failed.unsigned_abs() })
    };
    rows.into_iter().map(day).collect()
}

/// The nodes of this database, `own` first.
pub async fn nodes(db: &Db, own: &str) -> StoreResult<Vec<Node>> {
    type Row = (String, i64, Option<i64>);
    let rows: Vec<Row> = on!(&db.readers, c => sqlx::query_as(NODES).fetch_all(c).await?);
    let node = |(id, heartbeat, clock_ahead_ms): Row| {
        let here = id == own;
        Node { id, heartbeat: UnixMs(heartbeat), clock_ahead_ms, here }
    };
    let mut nodes: Vec<Node> = rows.into_iter().map(node).collect();
    nodes.sort_by_key(|node| !node.here);
    Ok(nodes)
}

/// The size of the database in bytes.
pub async fn size(db: &Db) -> StoreResult<u64> {
    let sql = match db.dialect {
        Dialect::Sqlite => "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        Dialect::Postgres => "SELECT pg_database_size(current_database())",
    };
    let bytes: i64 = on!(&db.readers, c => sqlx::query_scalar(sql).fetch_one(c).await?);
    Ok(bytes.unsigned_abs())
}
