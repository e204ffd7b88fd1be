//! Databases in the throw-away cluster that the test command starts. A missing cluster is a failure.

use engine::store::db::Db;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// The database that has the schema and nothing else; others are copies of it, since a copy takes a third of the time.
const EMPTY: &str = "offhook_empty";
/// Key of the lock under which it is made: each test is a process of its own.
const MAKING: &str = "SELECT pg_advisory_lock(7)";

/// The cluster's own database, by its URL.
#[expect(clippy::disallowed_methods, reason = "the test command names the cluster")]
fn cluster() -> String {
    std::env::var("OFFHOOK_TEST_POSTGRES_URL")
        .expect("OFFHOOK_TEST_POSTGRES_URL names a throw-away Postgres; `make test` starts one")
}

/// URL of another database in the same cluster.
fn beside(cluster: &str, name: &str) -> String {
    let (base, query) = cluster.split_once('?').map_or((cluster, ""), |(base, query)| (base, query));
    let (server, _) = base.rsplit_once('/').unwrap();
    format!("{server}/{name}?{query}")
}

/// A fresh database with the schema.
#[expect(clippy::disallowed_methods, reason = "the names of databases must differ")]
pub async fn fresh() -> String {
    let cluster = cluster();
    let name = format!("t_{:x}", rand::random::<u64>());
    let mut admin = PgConnection::connect(&cluster).await.unwrap();
    admin.execute(MAKING).await.unwrap();
    let made: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(EMPTY)
        .fetch_optional(&mut admin)
        .await
        .unwrap();
    if made.is_none() {
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {EMPTY}"))).await.unwrap();
        Db::open(&beside(&cluster, EMPTY)).await.unwrap().close().await;
    }
    // Under the lock too: a template that somebody else copies cannot be copied.
    admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {EMPTY}"))).await.unwrap();
    admin.close().await.unwrap();
    beside(&cluster, &name)
}
