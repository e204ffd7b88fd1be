//! Passwords and the links that set new ones.

use domain::{UnixMs, account::User, id::UserId};

use super::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
};

const ADD: &str = "INSERT INTO password_resets (link_hash, user_id, created_ms, expires_ms) VALUES ($1, $2, $3, $4)";
const LATEST: &str = "SELECT MAX(created_ms) FROM password_resets WHERE user_id = $1";
const BY_LINK: &str = "SELECT u.id, u.name, u.email, r.expires_ms, r.used_ms FROM password_resets r \
                       JOIN users u ON u.id = r.user_id WHERE r.link_hash = $1";
const USE: &str =
    "UPDATE password_resets SET used_ms = $2 WHERE link_hash = $1 AND used_ms IS NULL AND expires_ms > $2";
const USE_UP: &str = "UPDATE password_resets SET used_ms = $2 WHERE user_id = $1 AND used_ms IS NULL";
const FORGET: &str = "DELETE FROM password_resets WHERE expires_ms <= $1";
const SET_PASSWORD: &str = "UPDATE users SET password_hash = $2 WHERE id = $1";

/// A reset as its link finds it.
pub struct Linked {
    /// Whose password it sets.
    pub user: User,
    /// Until when it works.
    pub expires: UnixMs,
    /// Whether it was used, or another one was.
    pub used: bool,
}

/// Adds a reset; of nobody, for an address that nobody signs in with, so that both take as long.
pub async fn add(tx: &mut Tx, link_hash: &str, user: Option<&UserId>, now: UnixMs, expires: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ADD)
        .bind(link_hash).bind(user.map_or("", UserId::as_str)).bind(now.0).bind(expires.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// When the person's latest reset was asked for.
pub async fn latest(db: &Db, user: Option<&UserId>) -> StoreResult<Option<UnixMs>> {
    let user = user.map_or("", UserId::as_str);
    let at: Option<i64> = on!(&db.readers, c => sqlx::query_scalar(LATEST).bind(user).fetch_one(c).await?);
    Ok(at.map(UnixMs))
}

/// The reset behind a link.
pub async fn by_link(db: &Db, link_hash: &str) -> StoreResult<Option<Linked>> {
    type Row = (String, String, String, i64, Option<i64>);
    let row: Option<Row> = on!(&db.readers, c => sqlx::query_as(BY_LINK).bind(link_hash).fetch_optional(c).await?);
    row.map(|(id, name, email, expires, used)| {
        let id = UserId::parse(&id).map_err(|_| StoreError::Corrupt { table: "users", column: "id", row: id })?;
        Ok(Linked { user: User { id, name, email }, expires: UnixMs(expires), used: used.is_some() })
    })
    .transpose()
}

/// Uses a reset; false when it works no longer.
pub async fn take(tx: &mut Tx, link_hash: &str, now: UnixMs) -> StoreResult<bool> {
    let rows = within!(tx, c => sqlx::query(USE).bind(link_hash).bind(now.0).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Ends all resets of a person.
pub async fn revoke_all(tx: &mut Tx, user: &UserId, now: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(USE_UP).bind(user.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Stores a new password's hash.
pub async fn set_password(tx: &mut Tx, user: &UserId, hash: &str) -> StoreResult<()> {
    within!(tx, c => sqlx::query(SET_PASSWORD).bind(user.as_str()).bind(hash).execute(c).await?.rows_affected());
    Ok(())
}

/// Forgets resets that expired before this moment.
pub async fn forget(db: &Db, before: UnixMs) -> StoreResult<()> {
    let mut tx = db.begin().await?;
    within!(&mut tx, c => sqlx::query(FORGET).bind(before.0).execute(c).await?.rows_affected());
    tx.commit().await
}
