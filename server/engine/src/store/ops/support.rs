//! Support sessions, the phone numbers they reveal, and the search for accounts.

use domain::{
    UnixMs,
    account::Account,
    id::{AccountId, SupportId, UserId},
    support::{SupportRecord, SupportSession},
};
use sqlx::AssertSqlSafe;

use crate::store::{
    accounts::{AccountRow, account_columns},
    audit,
    conditions::{Bind, bound},
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
    events::{asked_number::TypedNumber, phone_search},
    ops::parked::not_parked,
    sql::{Sql, json_list},
};

/// Most accounts that a search returns.
const FOUND_MAX: u32 = 20;
/// Most sessions and records that are listed.
const SHOWN_MAX: u32 = 50;

const ADD: &str = "INSERT INTO support_sessions (id, user_id, agent, account_id, reason, ticket, started_ms, ends_ms) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const COLUMNS: &str = "s.id, s.user_id, s.agent, s.account_id, a.name, s.reason, s.ticket, s.started_ms, s.ends_ms, s.ended_ms \
                       FROM support_sessions s JOIN accounts a ON a.id = s.account_id";
const END: &str = "UPDATE support_sessions SET ended_ms = $3 WHERE id = $1 AND account_id = $2 AND ended_ms IS NULL";
const EXPIRED: &str = concat!(
    "SELECT s.id, s.account_id, s.agent, s.ticket, s.ends_ms FROM support_sessions s WHERE s.ended_ms IS NULL \
     AND s.ends_ms <= $1 AND ",
    not_parked!("support_sessions", "s.id"),
    " ORDER BY s.ends_ms, s.id LIMIT $2"
);
const REVEAL: &str = "INSERT INTO support_reveals (session_id, account_id, number) VALUES ($1, $2, $3) \
                      ON CONFLICT (session_id, number) DO NOTHING";
const REVEALED: &str = "SELECT number FROM support_reveals WHERE session_id = $1 AND account_id = $2";
static AMONG: Sql = Sql::new("a.id IN {list $1}");
const ACCOUNT_COLUMNS: &str = concat!(account_columns!(), " FROM accounts a");

#[derive(sqlx_macros::FromRow)]
struct SessionRow {
    id: String,
    user_id: String,
    agent: String,
    account_id: String,
    name: String,
    reason: String,
    ticket: String,
    started_ms: i64,
    ends_ms: i64,
    ended_ms: Option<i64>,
}

impl TryFrom<SessionRow> for SupportSession {
    type Error = StoreError;
    fn try_from(row: SessionRow) -> StoreResult<Self> {
        let corrupt = |column| StoreError::Corrupt { table: "support_sessions", column, row: row.id.clone() };
        Ok(Self {
            id: SupportId::parse(&row.id).map_err(|_| corrupt("id"))?,
            account: AccountId::parse(&row.account_id).map_err(|_| corrupt("account_id"))?,
            agent_id: UserId::parse(&row.user_id).map_err(|_| corrupt("user_id"))?,
            agent: row.agent,
            account_name: row.name,
            reason: row.reason,
            ticket: row.ticket,
            started_at: UnixMs(row.started_ms),
            ends_at: UnixMs(row.ends_ms),
            ended_at: row.ended_ms.map(UnixMs),
        })
    }
}

/// Which sessions to list.
pub enum Which<'a> {
    /// This one, if it belongs to this agent.
    One(&'a UserId, &'a SupportId),
    /// This agent's unfinished one in this account.
    Running(&'a UserId, &'a AccountId),
    /// All of this agent.
    Of(&'a UserId),
    /// All unfinished ones in this account.
    In(&'a AccountId),
}

impl Which<'_> {
    fn condition(&self) -> (&'static str, Vec<Bind>) {
        let text = |text: &str| Bind::Text(text.to_owned());
        match self {
            Self::One(user, id) => ("s.user_id = $1 AND s.id = $2", vec![text(user.as_str()), text(id.as_str())]),
            Self::Running(user, account) => (
                "s.user_id = $1 AND s.account_id = $2 AND s.ended_ms IS NULL",
                vec![text(user.as_str()), text(account.as_str())],
            ),
            Self::Of(user) => ("s.user_id = $1", vec![text(user.as_str())]),
            Self::In(account) => ("s.account_id = $1 AND s.ended_ms IS NULL", vec![text(account.as_str())]),
        }
    }
}

/// Lists sessions, newest first.
pub async fn sessions(db: &Db, which: Which<'_>) -> StoreResult<Vec<SupportSession>> {
    let (condition, binds) = which.condition();
    let sql = format!("SELECT {COLUMNS} WHERE {condition} ORDER BY s.id DESC LIMIT {SHOWN_MAX}");
    let rows: Vec<SessionRow> =
        on!(&db.readers, c => bound!(sqlx::query_as(AssertSqlSafe(sql)), binds).fetch_all(c).await?);
    rows.into_iter().map(SupportSession::try_from).collect()
}

/// A session that has expired, and whose end has not been recorded.
#[derive(sqlx_macros::FromRow)]
pub struct ExpiredSession {
    /// Id.
    pub id: String,
    /// The account that was viewed.
    pub account_id: String,
    /// Who viewed it.
    pub agent: String,
    /// For which ticket.
    pub ticket: String,
    /// When it expired, Unix milliseconds.
    pub ends_ms: i64,
}

/// Lists expired sessions that are not parked, the earliest first.
pub async fn expired(db: &Db, now: UnixMs, limit: u32) -> StoreResult<Vec<ExpiredSession>> {
    Ok(on!(&db.readers, c => sqlx::query_as(EXPIRED).bind(now.0).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Adds a session.
pub async fn add(tx: &mut Tx, session: &SupportSession) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ADD)
        .bind(session.id.as_str()).bind(session.agent_id.as_str()).bind(&session.agent).bind(session.account.as_str())
        .bind(&session.reason).bind(&session.ticket).bind(session.started_at.0).bind(session.ends_at.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Ends a session. False if it had ended.
pub async fn end(tx: &mut Tx, account: &str, id: &str, at: UnixMs) -> StoreResult<bool> {
    let ended = within!(tx, c => sqlx::query(END)
        .bind(id).bind(account).bind(at.0).execute(c).await?.rows_affected());
    Ok(ended == 1)
}

/// Records that a session reveals this number.
pub async fn reveal(tx: &mut Tx, account: &AccountId, id: &SupportId, number: &str) -> StoreResult<()> {
    within!(tx, c => sqlx::query(REVEAL)
        .bind(id.as_str()).bind(account.as_str()).bind(number).execute(c).await?.rows_affected());
    Ok(())
}

/// The numbers that a session reveals.
pub async fn revealed(db: &Db, account: &AccountId, id: &SupportId) -> StoreResult<Vec<String>> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(REVEALED).bind(id.as_str()).bind(account.as_str()).fetch_all(c).await?))
}

/// How to search for an account. Each query scans the accounts and probes an existing index, so that no search needs an
/// index of its own on the tables that events are written to.
pub enum FindBy {
    /// Part of its name.
    Name(String),
    /// Its id, or the platform's reference.
    Account(String),
    /// An endpoint's id.
    Endpoint(String),
    /// The host of an endpoint.
    Host(String),
    /// A delivery's id.
    Delivery(String),
    /// An event's id.
    Event(String),
    /// A call's UUID.
    Call(String),
    /// A phone number, in events since this position.
    Number(TypedNumber, String),
}

impl FindBy {
    async fn condition(&self, db: &Db) -> StoreResult<(String, Vec<Bind>)> {
        let one = |condition: &str, value: &str| (condition.to_owned(), vec![Bind::Text(value.to_owned())]);
        Ok(match self {
            Self::Name(part) => {
                one("LOWER(a.name) LIKE $1 ESCAPE '!'", &format!("%{}%", escape_like(&part.to_lowercase())))
            }
            Self::Account(id) => one("(a.id = $1 OR a.reference = $1)", id),
            Self::Endpoint(id) => one("a.id IN (SELECT e.account_id FROM endpoints e WHERE e.id = $1)", id),
            Self::Host(host) => one(
                "EXISTS (SELECT 1 FROM endpoints e WHERE e.account_id = a.id AND LOWER(e.url) LIKE $1 ESCAPE '!')",
                &format!("%://{}%", escape_like(&host.to_lowercase())),
            ),
            Self::Delivery(id) => one("a.id IN (SELECT d.account_id FROM deliveries d WHERE d.id = $1)", id),
            Self::Event(id) => one("EXISTS (SELECT 1 FROM events e WHERE e.account_id = a.id AND e.id = $1)", id),
            Self::Call(id) => one("EXISTS (SELECT 1 FROM events e WHERE e.account_id = a.id AND e.call_id = $1)", id),
            Self::Number(typed, since) => {
                let called = phone_search::accounts(db, typed, since).await?;
                one(AMONG.on(db.dialect), &json_list(called.iter().map(String::as_str)))
            }
        })
    }
}

/// Escapes text for use in a LIKE pattern.
pub(in crate::store) fn escape_like(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

/// Finds accounts, ordered by name.
pub async fn find(db: &Db, by: &FindBy) -> StoreResult<Vec<Account>> {
    let (condition, binds) = by.condition(db).await?;
    let sql = format!("SELECT {ACCOUNT_COLUMNS} WHERE {condition} ORDER BY a.name, a.id LIMIT {FOUND_MAX}");
    let rows: Vec<AccountRow> =
        on!(&db.readers, c => bound!(sqlx::query_as(AssertSqlSafe(sql)), binds).fetch_all(c).await?);
    rows.into_iter().map(Account::try_from).collect()
}

/// What one agent did in customer accounts, newest first, before the record `before`.
pub async fn log(db: &Db, user: &UserId, before: Option<&str>) -> StoreResult<Vec<SupportRecord>> {
    audit::of_support(db, user.as_str(), before, SHOWN_MAX).await
}
