//! BrowserSession sessions: sealed data, and the signed-in user. The cookie's value is stored as a hash, so that reading the
//! database gives no access to sessions.

use domain::{UnixMs, id::UserId, user::BrowserSession};

use crate::{
    digest::hash,
    store::{
        db::{Db, Tx, on, within},
        error::StoreResult,
        purge,
        sql::Sql,
    },
};

/// Most sessions of a user that are listed.
const LISTED_MAX: i64 = 100;

const LOAD: &str = "SELECT data_sealed FROM sessions WHERE id = $1 AND expires_ms > $2";
static LOCK: Sql = Sql::new("SELECT data_sealed FROM sessions WHERE id = $1 {serialise}");
const CREATE: &str = "INSERT INTO sessions (id, data_sealed, expires_ms, user_id, agent, address, seen_ms, created_ms) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (id) DO NOTHING";
// No upsert: a request still running at sign-out must not restore the session.
const SAVE: &str = "UPDATE sessions SET data_sealed = $2, expires_ms = $3, user_id = $4, agent = $5, address = $6, \
                    seen_ms = $7 WHERE id = $1";
const DELETE: &str = "DELETE FROM sessions WHERE id = $1";
const DELETE_EXPIRED: &str =
    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_ms <= $1 LIMIT $2)";
const OF_USER: &str = "SELECT id, agent, address, created_ms, seen_ms FROM sessions \
                         WHERE user_id = $1 AND expires_ms > $2 ORDER BY seen_ms DESC, id LIMIT $3";
const END_OTHERS: &str = "DELETE FROM sessions WHERE user_id = $1 AND id <> $2";

/// The signed-in user of a session, and the browser.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// Id of the user.
    pub user: String,
    /// The browser's `User-Agent`.
    pub agent: String,
    /// The client's address at sign-in.
    pub address: String,
}

/// Associated data of a session's sealed data.
#[must_use]
pub fn seal_context(id: &str) -> String {
    format!("session/{}", hash(id))
}

/// A stored session.
#[derive(Clone, Copy)]
pub struct Stored<'a> {
    /// Id: the cookie's value.
    pub id: &'a str,
    /// Its sealed data.
    pub data: &'a str,
    /// When it expires.
    pub expires: UnixMs,
    /// The signed-in user, if any.
    pub owner: Option<&'a Owner>,
}

/// The session's data, unless it has expired.
pub async fn load(db: &Db, id: &str, now: UnixMs) -> StoreResult<Option<String>> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(LOAD).bind(hash(id)).bind(now.0).fetch_optional(c).await?))
}

/// Inserts a session. False if the id is taken.
pub async fn create(db: &Db, session: Stored<'_>, now: UnixMs) -> StoreResult<bool> {
    let mut tx = db.begin().await?;
    let created = put(&mut tx, CREATE, session, now).await?;
    tx.commit().await?;
    Ok(created)
}

/// The sealed data of a session, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, id: &str) -> StoreResult<Option<String>> {
    let sql = LOCK.on(tx.dialect());
    Ok(within!(tx, c => sqlx::query_scalar(sql).bind(hash(id)).fetch_optional(c).await?))
}

/// Updates an existing session; a deleted one stays deleted.
pub async fn save(tx: &mut Tx, session: Stored<'_>, now: UnixMs) -> StoreResult<()> {
    put(tx, SAVE, session, now).await.map(|_| ())
}

async fn put(tx: &mut Tx, sql: &'static str, session: Stored<'_>, now: UnixMs) -> StoreResult<bool> {
    let owner = session.owner;
    let rows = within!(tx, c => sqlx::query(sql)
        .bind(hash(session.id)).bind(session.data).bind(session.expires.0).bind(owner.map(|one| &one.user))
        .bind(owner.map(|one| &one.agent)).bind(owner.map(|one| &one.address)).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Deletes a session.
pub async fn delete(db: &Db, id: &str) -> StoreResult<()> {
    delete_by_handle(db, &hash(id)).await
}

/// Deletes a session by the hash of its id.
pub async fn delete_by_handle(db: &Db, handle: &str) -> StoreResult<()> {
    let mut tx = db.begin().await?;
    within!(&mut tx, c => sqlx::query(DELETE).bind(handle).execute(c).await?.rows_affected());
    tx.commit().await
}

/// Deletes expired sessions.
pub async fn delete_expired(db: &Db, now: UnixMs) -> StoreResult<()> {
    purge::older_than(db, DELETE_EXPIRED, now).await
}

/// Lists a user's sessions, most recently used first.
pub async fn of_user(db: &Db, user: &UserId, here: &str, now: UnixMs) -> StoreResult<Vec<BrowserSession>> {
    type Row = (String, Option<String>, Option<String>, Option<i64>, Option<i64>);
    let rows: Vec<Row> = on!(&db.readers, c => sqlx::query_as(OF_USER)
        .bind(user.as_str()).bind(now.0).bind(LISTED_MAX).fetch_all(c).await?);
    let here = hash(here);
    let browser = |(handle, agent, address, since, seen): Row| {
        let (agent, address) = (agent.unwrap_or_default(), address.unwrap_or_default());
        let (since, seen) = (UnixMs(since.unwrap_or_default()), UnixMs(seen.unwrap_or_default()));
        BrowserSession { here: handle == here, handle, agent, address, since, seen }
    };
    Ok(rows.into_iter().map(browser).collect())
}

/// Ends a user's sessions except `kept` (empty keeps none). Returns how many.
pub async fn end_others(tx: &mut Tx, user: &UserId, kept: &str) -> StoreResult<u64> {
    Ok(within!(tx, c => sqlx::query(END_OTHERS).bind(user.as_str()).bind(hash(kept)).execute(c).await?.rows_affected()))
}
