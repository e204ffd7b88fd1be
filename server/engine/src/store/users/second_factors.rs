//! Second factors and their recovery codes.

use domain::{UnixMs, id::UserId, second_factor::SecondFactor};
use serde::Serialize;

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
    sql::Sql,
};

const OF_USER: &str = "SELECT f.on_ms, (SELECT COUNT(*) FROM recovery_codes c WHERE c.user_id = f.user_id AND c.used_ms IS NULL) \
                         FROM second_factors f WHERE f.user_id = $1";
static LOCK: Sql = Sql::new("SELECT secret_sealed, last_step FROM second_factors WHERE user_id = $1 {serialise}");
const ADD: &str = "INSERT INTO second_factors (user_id, secret_sealed, last_step, on_ms) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (user_id) DO NOTHING";
const ACCEPT: &str = "UPDATE second_factors SET last_step = $2 WHERE user_id = $1";
const REMOVE: &str = "DELETE FROM second_factors WHERE user_id = $1";
const DELETE_CODES: &str = "DELETE FROM recovery_codes WHERE user_id = $1";
static ADD_CODES: Sql = Sql::new(
    "INSERT INTO recovery_codes (user_id, code_hash) SELECT r.user_id, r.code_hash \
     FROM {rows r: user_id text, code_hash text}",
);
const USE_CODE: &str =
    "UPDATE recovery_codes SET used_ms = $3 WHERE user_id = $1 AND code_hash = $2 AND used_ms IS NULL";
const COUNT_CODE: &str = "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND code_hash = $2";
const CODES_LEFT: &str = "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_ms IS NULL";

/// A stored second factor.
pub struct Stored {
    /// The key, sealed.
    pub secret: String,
    /// The time step of the last code that was accepted.
    pub last_step: i64,
}

/// Result of using a recovery code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeUse {
    /// It was valid and is now used.
    Now,
    /// It had been used already.
    Before,
    /// It is not one of this user's codes.
    Unknown,
}

/// The user's second factor, if it is enabled.
pub async fn of_user(db: &Db, user: &UserId) -> StoreResult<Option<SecondFactor>> {
    let row: Option<(i64, i64)> =
        on!(&db.readers, c => sqlx::query_as(OF_USER).bind(user.as_str()).fetch_optional(c).await?);
    Ok(row.map(|(since, left)| SecondFactor { since: UnixMs(since), codes_left: count(left) }))
}

/// The stored second factor, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, user: &UserId) -> StoreResult<Option<Stored>> {
    let lock = LOCK.on(tx.dialect());
    let row: Option<(String, i64)> =
        within!(tx, c => sqlx::query_as(lock).bind(user.as_str()).fetch_optional(c).await?);
    Ok(row.map(|(secret, last_step)| Stored { secret, last_step }))
}

/// Inserts a user's second factor. False if they have one.
pub async fn add(tx: &mut Tx, user: &UserId, factor: &Stored, now: UnixMs) -> StoreResult<bool> {
    let rows = within!(tx, c => sqlx::query(ADD)
        .bind(user.as_str()).bind(&factor.secret).bind(factor.last_step).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Records that the code of this time step was accepted.
pub async fn accept(tx: &mut Tx, user: &UserId, step: i64) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ACCEPT).bind(user.as_str()).bind(step).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes a user's second factor and recovery codes. False if they have none.
pub async fn remove(tx: &mut Tx, user: &UserId) -> StoreResult<bool> {
    let rows = within!(tx, c => sqlx::query(REMOVE).bind(user.as_str()).execute(c).await?.rows_affected());
    within!(tx, c => sqlx::query(DELETE_CODES).bind(user.as_str()).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Replaces a user's recovery codes by these hashes.
pub async fn set_codes(tx: &mut Tx, user: &UserId, hashes: &[String]) -> StoreResult<()> {
    #[derive(Serialize)]
    struct Row<'a> {
        user_id: &'a str,
        code_hash: &'a str,
    }
    within!(tx, c => sqlx::query(DELETE_CODES).bind(user.as_str()).execute(c).await?.rows_affected());
    let rows: Vec<_> = hashes.iter().map(|code_hash| Row { user_id: user.as_str(), code_hash }).collect();
    ADD_CODES.write(tx, &rows, &[]).await?;
    Ok(())
}

/// Uses a recovery code.
pub async fn use_code(tx: &mut Tx, user: &UserId, hash: &str, now: UnixMs) -> StoreResult<CodeUse> {
    let rows = within!(tx, c => sqlx::query(USE_CODE)
        .bind(user.as_str()).bind(hash).bind(now.0).execute(c).await?.rows_affected());
    if rows == 1 {
        return Ok(CodeUse::Now);
    }
    let known: i64 =
        within!(tx, c => sqlx::query_scalar(COUNT_CODE).bind(user.as_str()).bind(hash).fetch_one(c).await?);
    Ok(if known > 0 { CodeUse::Before } else { CodeUse::Unknown })
}

/// Counts the unused recovery codes.
pub async fn codes_left(tx: &mut Tx, user: &UserId) -> StoreResult<u32> {
    let left: i64 = within!(tx, c => sqlx::query_scalar(CODES_LEFT).bind(user.as_str()).fetch_one(c).await?);
    Ok(count(left))
}

fn count(rows: i64) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
