//! Databases in the throw-away cluster that the test command starts. A missing cluster is a failure.

use engine::store::db::Db;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// A database with the schema and no rows. Tests copy it, which takes a third of the time of migrating an empty one.
const TEMPLATE: &str = "offhook_template";
/// Its name while the first test creates it.
const UNFINISHED: &str = "offhook_template_unfinished";
/// Each test is a process of its own. Only one may create the template; copying needs no lock.
const LOCK_CREATION: &str = "SELECT pg_advisory_lock(7)";

/// The cluster's own database, by its URL.
#[expect(clippy::disallowed_methods, reason = "the test command names the cluster")]
fn cluster() -> String {
    std::env::var("OFFHOOK_TEST_POSTGRES_URL")
        .expect("OFFHOOK_TEST_POSTGRES_URL names a throw-away Postgres; `make test` starts one")
}

/// URL of another database in the same cluster.
fn url_of(cluster: &str, name: &str) -> String {
    let (base, query) = cluster.split_once('?').map_or((cluster, ""), |(base, query)| (base, query));
    let (server, _) = base.rsplit_once('/').unwrap();
    format!("{server}/{name}?{query}")
}

/// A fresh database with the schema.
#[expect(clippy::disallowed_methods, reason = "the names of databases must differ")]
pub(crate) async fn fresh() -> String {
    let cluster = cluster();
    let name = format!("t_{:x}", rand::random::<u64>());
    let mut admin = PgConnection::connect(&cluster).await.unwrap();
    if !has_template(&mut admin).await {
        create_template(&mut admin, &cluster).await;
    }
    admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))).await.unwrap();
    admin.close().await.unwrap();
    url_of(&cluster, &name)
}

async fn has_template(admin: &mut PgConnection) -> bool {
    let query = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)");
    query.bind(TEMPLATE).fetch_one(admin).await.unwrap()
}

/// The rename makes it visible, so that no test copies a template without its tables.
async fn create_template(admin: &mut PgConnection, cluster: &str) {
    admin.execute(LOCK_CREATION).await.unwrap();
    if !has_template(admin).await {
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {UNFINISHED}"))).await.unwrap();
        Db::open(&url_of(cluster, UNFINISHED).into()).await.unwrap().close().await;
        admin.execute(AssertSqlSafe(format!("ALTER DATABASE {UNFINISHED} RENAME TO {TEMPLATE}"))).await.unwrap();
    }
    admin.execute("SELECT pg_advisory_unlock(7)").await.unwrap();
}
