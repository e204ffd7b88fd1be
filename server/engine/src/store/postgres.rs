//! What only Postgres needs: its pool. Commits are durable by its default, `synchronous_commit = on` (G1).

use std::time::Duration;

use sqlx::postgres::PgPoolOptions;

use super::{
    db::{Db, Dialect, Pool},
    error::StoreResult,
};

/// Connections of one node.
const CONNECTIONS: u32 = 16;
/// How long an operation waits for a free connection before it answers that the database is away.
const ACQUIRE_TIMEOUT_MS: u64 = 5_000;

/// Connects.
pub(super) async fn connect(url: &str) -> StoreResult<Db> {
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_millis(ACQUIRE_TIMEOUT_MS))
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::query("SET synchronous_commit = on").execute(connection).await?;
                Ok(())
            })
        })
        .connect(url)
        .await?;
    Ok(Db { readers: Pool::Postgres(pool.clone()), writer: Pool::Postgres(pool), dialect: Dialect::Postgres })
}
