//! Browser sessions, as opaque text.

use domain::UnixMs;

use super::{
    db::{Db, on, within},
    error::StoreResult,
};

const LOAD: &str = "SELECT data FROM sessions WHERE id = $1 AND expires_ms > $2";
const CREATE: &str = "INSERT INTO sessions (id, data, expires_ms) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
// No upsert: a request that is still running at sign-out must not bring the session back.
const SAVE: &str = "UPDATE sessions SET data = $2, expires_ms = $3 WHERE id = $1";
const DELETE: &str = "DELETE FROM sessions WHERE id = $1";
const DELETE_EXPIRED: &str = "DELETE FROM sessions WHERE expires_ms <= $1";

/// The session's data, unless it has expired.
pub async fn load(db: &Db, id: &str, now: UnixMs) -> StoreResult<Option<String>> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(LOAD).bind(id).bind(now.0).fetch_optional(c).await?))
}

/// Stores a session under a new id; false when the id is taken.
pub async fn create(db: &Db, id: &str, data: &str, expires_at: UnixMs) -> StoreResult<bool> {
    put(db, CREATE, id, data, expires_at).await
}

/// Stores a session that exists; one that was deleted meanwhile stays deleted.
pub async fn save(db: &Db, id: &str, data: &str, expires_at: UnixMs) -> StoreResult<()> {
    put(db, SAVE, id, data, expires_at).await.map(|_| ())
}

async fn put(db: &Db, sql: &'static str, id: &str, data: &str, expires_at: UnixMs) -> StoreResult<bool> {
    let mut tx = db.begin().await?;
    let rows = within!(&mut tx, c => sqlx::query(sql).bind(id).bind(data).bind(expires_at.0).execute(c).await?.rows_affected());
    tx.commit().await?;
    Ok(rows == 1)
}

/// Forgets a session.
pub async fn delete(db: &Db, id: &str) -> StoreResult<()> {
    let mut tx = db.begin().await?;
    within!(&mut tx, c => sqlx::query(DELETE).bind(id).execute(c).await?.rows_affected());
    tx.commit().await
}

/// Forgets what has expired.
pub async fn delete_expired(db: &Db, now: UnixMs) -> StoreResult<()> {
    let mut tx = db.begin().await?;
    within!(&mut tx, c => sqlx::query(DELETE_EXPIRED).bind(now.0).execute(c).await?.rows_affected());
    tx.commit().await
}
