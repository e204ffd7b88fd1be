//! Passwords, and the links that reset them.

use domain::{UnixMs, account::User, id::UserId};

use crate::store::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
    purge,
};

const ADD: &str = "INSERT INTO password_resets (link_hash, user_id, created_ms, expires_ms) VALUES ($1, $2, $3, $4)";
const LATEST: &str = "SELECT MAX(created_ms) FROM password_resets WHERE user_id = $1";
const BY_LINK: &str = "SELECT u.id, u.name, u.email, r.expires_ms, r.used_ms FROM password_resets r \
                       JOIN users u ON u.id = r.user_id WHERE r.link_hash = $1";
const CONSUME: &str =
    "UPDATE password_resets SET used_ms = $2 WHERE link_hash = $1 AND used_ms IS NULL AND expires_ms > $2";
const REVOKE_ALL: &str = "UPDATE password_resets SET used_ms = $2 WHERE user_id = $1 AND used_ms IS NULL";
const DELETE_EXPIRED: &str = "DELETE FROM password_resets WHERE link_hash IN \
                              (SELECT link_hash FROM password_resets WHERE expires_ms <= $1 LIMIT $2)";
const SET_PASSWORD: &str = "UPDATE users SET password_hash = $2 WHERE id = $1";

/// A reset found by its link.
pub struct Linked {
    /// The user whose password it resets.
    pub user: User,
    /// When it expires.
    pub expires: UnixMs,
    /// Whether it has been used or revoked.
    pub used: bool,
}

/// Inserts a reset. Without a user, for an unknown email address, so that both cases consume equally long.
pub async fn add(tx: &mut Tx, link_hash: &str, user: Option<&UserId>, now: UnixMs, expires: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ADD)
        .bind(link_hash).bind(user.map_or("", UserId::as_str)).bind(now.0).bind(expires.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// When the user's latest reset was requested.
pub async fn latest(db: &Db, user: Option<&UserId>) -> StoreResult<Option<UnixMs>> {
    let user = user.map_or("", UserId::as_str);
    let at: Option<i64> = on!(&db.readers, c => sqlx::query_scalar(LATEST).bind(user).fetch_one(c).await?);
    Ok(at.map(UnixMs))
}

/// The reset with this link.
pub async fn by_link(db: &Db, link_hash: &str) -> StoreResult<Option<Linked>> {
    type Row = (String, String, String, i64, Option<i64>);
    let row: Option<Row> = on!(&db.readers, c => sqlx::query_as(BY_LINK).bind(link_hash).fetch_optional(c).await?);
    row.map(|(id, name, email, expires, used)| {
        let id = UserId::parse(&id).map_err(|_| StoreError::Corrupt { table: "users", column: "id", row: id })?;
        Ok(Linked { user: User { id, name, email }, expires: UnixMs(expires), used: used.is_some() })
    })
    .transpose()
}

/// Consumes a reset. False if it is no longer valid.
pub async fn consume(tx: &mut Tx, link_hash: &str, now: UnixMs) -> StoreResult<bool> {
    let rows = within!(tx, c => sqlx::query(CONSUME).bind(link_hash).bind(now.0).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Revokes all resets of a user.
pub async fn revoke_all(tx: &mut Tx, user: &UserId, now: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(REVOKE_ALL).bind(user.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Sets a user's password hash.
pub async fn set_password(tx: &mut Tx, user: &UserId, hash: &str) -> StoreResult<()> {
    within!(tx, c => sqlx::query(SET_PASSWORD).bind(user.as_str()).bind(hash).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes resets that expired before this time.
pub async fn delete_expired(db: &Db, before: UnixMs) -> StoreResult<()> {
    purge::older_than(db, DELETE_EXPIRED, before).await
}
