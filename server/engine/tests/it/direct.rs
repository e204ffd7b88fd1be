//! Transactions that call SQLite directly.

use engine::store::{
    config::DatabaseConfig,
    db::{Db, Tx},
    sql::Sql,
};
use futures::FutureExt as _;
use serde::Serialize;

static CREATE: Sql = Sql::new("CREATE TABLE calls (id TEXT PRIMARY KEY, due_ms INTEGER)");
static ADD: Sql = Sql::new("INSERT INTO calls SELECT r.id, r.due_ms FROM {rows r: id text, due_ms bigint}");
static IDS: Sql = Sql::new("SELECT id FROM calls ORDER BY id");
/// A parameter before the rows, one on both sides of them, and one after them.
static MIXED: Sql = Sql::new(
    "SELECT r.id, $2 || $3 AS text, COALESCE(r.due_ms, $1) AS due_ms FROM {rows r: id text, due_ms bigint} \
     WHERE r.id <> $3 AND r.id IN {list $4} ORDER BY r.id",
);

#[derive(Serialize)]
struct Row {
    id: &'static str,
    due_ms: Option<i64>,
}

async fn opened() -> (tempfile::TempDir, Db) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let db = Db::open(&DatabaseConfig::from(url)).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    CREATE.execute(&mut tx, &[]).await.unwrap();
    tx.commit().await.unwrap();
    (folder, db)
}

async fn ids(db: &Db) -> Vec<String> {
    let mut tx = db.begin_direct().await.unwrap();
    let ids: Vec<(String,)> = IDS.fetch(&mut tx, &[]).await.unwrap();
    ids.into_iter().map(|(id,)| id).collect()
}

#[tokio::test]
async fn a_statement_finds_the_same_on_either_connection() {
    let (_folder, db) = opened().await;
    let rows = [("a", Some(7)), ("b", None), ("c", Some(9))].map(|(id, due_ms)| Row { id, due_ms });
    let params = [5.into(), "x".into(), "c".into(), r#"["a","b","c"]"#.into()];
    let mut all: Vec<Vec<(String, String, i64)>> = Vec::new();
    for mut tx in [db.begin_direct().await.unwrap(), db.begin_read().await.unwrap()] {
        all.push(MIXED.read(&mut tx, &rows, &params).await.unwrap());
    }
    let expected = vec![("a".to_owned(), "xc".to_owned(), 7), ("b".to_owned(), "xc".to_owned(), 5)];
    assert_eq!(all, [expected.clone(), expected]);
}

#[tokio::test]
async fn what_is_not_committed_is_rolled_back() {
    let (_folder, db) = opened().await;
    let add = async |id, commit| {
        let mut tx = db.begin_direct().await.unwrap();
        assert_eq!(ADD.write(&mut tx, &[Row { id, due_ms: None }], &[]).await.unwrap(), 1);
        if commit {
            tx.commit().await.unwrap();
        }
    };
    add("dropped", false).await;
    add("committed", true).await;
    let panicking = async {
        let _tx = db.begin_direct().await.unwrap();
        panic!("in a transaction");
    };
    assert!(std::panic::AssertUnwindSafe(panicking).catch_unwind().await.is_err());
    let mut tx = db.begin_direct().await.unwrap();
    let twice = ADD.write(&mut tx, &[Row { id: "committed", due_ms: None }], &[]).await;
    let error = twice.unwrap_err();
    assert!(error.is_unique_violation() && error.blames_item() && !error.is_transient(), "{error}");
    drop(tx);
    assert_eq!(ids(&db).await, ["committed"]);
}

#[tokio::test]
async fn only_one_connection_writes_at_a_time() {
    let (_folder, db) = opened().await;
    let first = db.begin().await.unwrap();
    assert!(db.begin_direct().now_or_never().is_none(), "it waits instead of failing as busy");
    first.commit().await.unwrap();
    let direct = db.begin_direct().await.unwrap();
    assert!(matches!(direct, Tx::Direct(_)));
    assert!(db.begin().now_or_never().is_none());
}
