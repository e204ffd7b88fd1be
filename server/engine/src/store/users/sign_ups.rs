//! Sign-ups whose email address is not proven yet.

use domain::UnixMs;

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
    purge,
};

const ADD: &str = "INSERT INTO sign_ups (link_hash, email, name, account, expires_ms) VALUES ($1, $2, $3, $4, $5)";
const BY_LINK: &str = "SELECT email, name, account, expires_ms FROM sign_ups WHERE link_hash = $1";
const CONSUME: &str = "DELETE FROM sign_ups WHERE link_hash = $1 AND expires_ms > $2";
const DELETE_EXPIRED: &str =
    "DELETE FROM sign_ups WHERE link_hash IN (SELECT link_hash FROM sign_ups WHERE expires_ms <= $1 LIMIT $2)";

/// A sign-up.
#[derive(Debug, Clone, sqlx_macros::FromRow)]
pub struct StoredSignUp {
    /// The email address that its link proves.
    pub email: String,
    /// The user's name.
    pub name: String,
    /// The account's name.
    pub account: String,
    /// When it expires, Unix milliseconds.
    pub expires_ms: i64,
}

/// Inserts a sign-up.
pub async fn add(tx: &mut Tx, link_hash: &str, sign_up: &StoredSignUp) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ADD)
        .bind(link_hash).bind(&sign_up.email).bind(&sign_up.name).bind(&sign_up.account).bind(sign_up.expires_ms)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// The sign-up with this link.
pub async fn by_link(db: &Db, link_hash: &str) -> StoreResult<Option<StoredSignUp>> {
    Ok(on!(&db.readers, c => sqlx::query_as(BY_LINK).bind(link_hash).fetch_optional(c).await?))
}

/// Uses a sign-up up. False if that has happened before, or it has expired.
pub async fn consume(tx: &mut Tx, link_hash: &str, now: UnixMs) -> StoreResult<bool> {
    let rows = within!(tx, c => sqlx::query(CONSUME).bind(link_hash).bind(now.0).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Deletes sign-ups that expired before this time.
pub async fn delete_expired(db: &Db, before: UnixMs) -> StoreResult<()> {
    purge::older_than(db, DELETE_EXPIRED, before).await
}
