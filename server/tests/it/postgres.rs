//! Databases in the throw-away PostgreSQL cluster that the test command starts. A missing cluster is a failure.

/// A new, empty database.
#[expect(clippy::disallowed_methods, reason = "the test command names the cluster, and database names must differ")]
pub(crate) async fn database() -> String {
    let cluster = std::env::var("OFFHOOK_TEST_POSTGRES_URL").expect("`make test` starts a PostgreSQL and names it");
    let name = format!("s_{:x}", rand::random::<u64>());
    let pool = sqlx::PgPool::connect(&cluster).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await.unwrap();
    pool.close().await;
    cluster.replacen("/postgres?", &format!("/{name}?"), 1)
}
