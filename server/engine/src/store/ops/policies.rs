//! Policies that operators have set.

use domain::UnixMs;

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
};

const ALL: &str = "SELECT name, value, set_ms, set_by FROM policies ORDER BY name";
const SET: &str = "INSERT INTO policies (name, value, set_ms, set_by) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value, set_ms = excluded.set_ms, set_by = excluded.set_by";
const UNSET: &str = "DELETE FROM policies WHERE name = $1";

/// A policy that is set.
#[derive(Debug, Clone, sqlx_macros::FromRow)]
pub struct SetPolicy {
    /// Its name.
    pub name: String,
    /// Its validated value.
    pub value: String,
    /// When it was set.
    pub set_ms: i64,
    /// Who set it.
    pub set_by: String,
}

/// All policies that are set.
pub async fn all(db: &Db) -> StoreResult<Vec<SetPolicy>> {
    Ok(on!(&db.readers, c => sqlx::query_as(ALL).fetch_all(c).await?))
}

/// Sets a policy.
pub async fn set(tx: &mut Tx, name: &str, value: &str, now: UnixMs, by: &str) -> StoreResult<()> {
    within!(tx, c => sqlx::query(SET).bind(name).bind(value).bind(now.0).bind(by).execute(c).await?.rows_affected());
    Ok(())
}

/// Unsets a policy, so that the environment applies again.
pub async fn unset(tx: &mut Tx, name: &str) -> StoreResult<()> {
    within!(tx, c => sqlx::query(UNSET).bind(name).execute(c).await?.rows_affected());
    Ok(())
}
