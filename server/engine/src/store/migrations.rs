//! The schema, one numbered file per step, with the same numbers for both databases.

use sqlx::migrate::Migrator;

use crate::store::{
    db::{Db, Pool},
    error::StoreResult,
};

/// The migrations of SQLite. A backup is recognised by them.
pub(super) static SQLITE: Migrator = sqlx_macros::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx_macros::migrate!("migrations/postgres");

/// Brings the schema up to date.
pub(super) async fn run(db: &Db) -> StoreResult<()> {
    match &db.writer {
        Pool::Sqlite(pool) => SQLITE.run(pool).await?,
        Pool::Postgres(pool) => POSTGRES.run(pool).await?,
    }
    Ok(())
}
