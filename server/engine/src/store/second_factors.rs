//! Second factors and their recovery codes.

use domain::{UnixMs, id::UserId, second_factor::SecondFactor};
use serde::Serialize;

use super::{
    db::{Db, Tx, on, within},
    error::StoreResult,
    sql::Sql,
};

const OF_PERSON: &str = "SELECT f.on_ms, (SELECT COUNT(*) FROM recovery_codes c WHERE c.user_id = f.user_id AND c.used_ms IS NULL) \
                         FROM second_factors f WHERE f.user_id = $1";
static LOCK: Sql = Sql::new("SELECT secret_sealed, last_step FROM second_factors WHERE user_id = $1 {serialise}");
const ADD: &str = "INSERT INTO second_factors (user_id, secret_sealed, last_step, on_ms) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (user_id) DO NOTHING";
const ACCEPT: &str = "UPDATE second_factors SET last_step = $2 WHERE user_id = $1";
const REMOVE: &str = "DELETE FROM second_factors WHERE user_id = $1";
const FORGET_CODES: &str = "DELETE FROM recovery_codes WHERE user_id = $1";
static ADD_CODES: Sql = Sql::new(
    "INSERT INTO recovery_codes (user_id, code_hash) SELECT r.user_id, r.code_hash \
     FROM {rows r: user_id text, code_hash text}",
);
const USE_CODE: &str =
    "UPDATE recovery_codes SET used_ms = $3 WHERE user_id = $1 AND code_hash = $2 AND used_ms IS NULL";
const IS_CODE: &str = "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND code_hash = $2";
const CODES_LEFT: &str = "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_ms IS NULL";

/// A factor as it is stored.
pub struct Stored {
    /// The key, sealed.
    pub secret: String,
    /// The time step of the last code that was accepted.
    pub last_step: i64,
}

/// What became of a recovery code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// It worked, and will not again.
    Now,
    /// It was used before.
    Before,
    /// It is none of this person's.
    Unknown,
}

/// The person's second factor, if it is on.
pub async fn of_user(db: &Db, user: &UserId) -> StoreResult<Option<SecondFactor>> {
    let row: Option<(i64, i64)> =
        on!(&db.readers, c => sqlx::query_as(OF_PERSON).bind(user.as_str()).fetch_optional(c).await?);
    Ok(row.map(|(since, left)| SecondFactor { since: UnixMs(since), codes_left: count(left) }))
}

/// The same as it is stored. Whoever else proves or changes it waits here until the transaction ends.
pub async fn lock(tx: &mut Tx, user: &UserId) -> StoreResult<Option<Stored>> {
    let lock = LOCK.on(tx.dialect());
    let row: Option<(String, i64)> =
        within!(tx, c => sqlx::query_as(lock).bind(user.as_str()).fetch_optional(c).await?);
    Ok(row.map(|(secret, last_step)| Stored { secret, last_step }))
}

/// Adds a person's factor; false when they have one.
pub async fn add(tx: &mut Tx, user: &UserId, factor: &Stored, now: UnixMs) -> StoreResult<bool> {
    let rows = within!(tx, c => sqlx::query(ADD)
        .bind(user.as_str()).bind(&factor.secret).bind(factor.last_step).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Writes down that the code of this step was accepted.
pub async fn accept(tx: &mut Tx, user: &UserId, step: i64) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ACCEPT).bind(user.as_str()).bind(step).execute(c).await?.rows_affected());
    Ok(())
}

/// Takes a person's factor and recovery codes away; false when they have none.
pub async fn remove(tx: &mut Tx, user: &UserId) -> StoreResult<bool> {
    let rows = within!(tx, c => sqlx::query(REMOVE).bind(user.as_str()).execute(c).await?.rows_affected());
    within!(tx, c => sqlx::query(FORGET_CODES).bind(user.as_str()).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Stores the hashes of new recovery codes; those until now are forgotten.
pub async fn set_codes(tx: &mut Tx, user: &UserId, hashes: &[String]) -> StoreResult<()> {
    #[derive(Serialize)]
    struct Row<'a> {
        user_id: &'a str,
        code_hash: &'a str,
    }
    within!(tx, c => sqlx::query(FORGET_CODES).bind(user.as_str()).execute(c).await?.rows_affected());
    let rows: Vec<_> = hashes.iter().map(|code_hash| Row { user_id: user.as_str(), code_hash }).collect();
    ADD_CODES.write(tx, &rows).await?;
    Ok(())
}

/// Uses a recovery code.
pub async fn spend(tx: &mut Tx, user: &UserId, hash: &str, now: UnixMs) -> StoreResult<Spent> {
    let rows = within!(tx, c => sqlx::query(USE_CODE)
        .bind(user.as_str()).bind(hash).bind(now.0).execute(c).await?.rows_affected());
    if rows == 1 {
        return Ok(Spent::Now);
    }
    let known: i64 = within!(tx, c => sqlx::query_scalar(IS_CODE).bind(user.as_str()).bind(hash).fetch_one(c).await?);
    Ok(if known > 0 { Spent::Before } else { Spent::Unknown })
}

/// How many recovery codes are left.
pub async fn codes_left(tx: &mut Tx, user: &UserId) -> StoreResult<u32> {
    let left: i64 = within!(tx, c => sqlx::query_scalar(CODES_LEFT).bind(user.as_str()).fetch_one(c).await?);
    Ok(count(left))
}

fn count(rows: i64) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
