//! PostgreSQL only: its pools, and messages between nodes. Commits are durable: `synchronous_commit = on` (G1).

use std::{str::FromStr as _, sync::Arc, time::Duration};

use sqlx::{
    Connection as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};

use crate::store::{
    config::{CONNECTIONS_MIN, DatabaseConfig},
    db::{Db, Dialect, Pool},
    error::{StoreError, StoreResult},
    turns::Turns,
};

/// The channel for messages between nodes.
const CHANNEL: &str = "offhook";
/// One of this many connections writes. Few, so that each keeps the plans and pages of the busy writers cached; and a pool
/// of their own, so that a read inside a transaction never waits for a connection that waits for that transaction.
const CONNECTIONS_PER_WRITER: u32 = 4;
/// How long an operation waits for a connection before it reports the database as unavailable. Whoever opens a page meanwhile
/// waits that long.
const ACQUIRE_TIMEOUT_MS: u64 = 3_000;
/// Of each session. A node that freezes in the middle of a transaction, or loses the network, would otherwise keep its locks,
/// and everyone would wait for it; PostgreSQL ends it before the other nodes declare it dead.
const SETTINGS: &str = "SET synchronous_commit = on; SET idle_in_transaction_session_timeout = '10s'";
/// All messages in one round trip.
const NOTIFY: &str = "SELECT pg_notify($1, t.message) FROM UNNEST($2::text[]) AS t (message)";

/// Connects.
pub(super) async fn connect(config: &DatabaseConfig) -> StoreResult<Db> {
    let connections = config.connections.max(CONNECTIONS_MIN);
    let writers = connections / CONNECTIONS_PER_WRITER;
    // The driver's own parameter, which poolers reject, only matters for numbers in text.
    let options = PgConnectOptions::from_str(&config.url)?.extra_float_digits(None);
    refuse_transaction_pooling(&options).await?;
    let (readers, writer) = (pool(&options, connections - writers).await?, pool(&options, writers).await?);
    let (readers, writer) = (Pool::Postgres(readers), Pool::Postgres(writer));
    let listen = Some(Arc::new(options));
    Ok(Db {
        readers,
        writer,
        dialect: Dialect::Postgres,
        commits: Arc::default(),
        clock: None,
        listen,
        file: None,
        turns: Turns::new(),
        direct: None,
    })
}

async fn pool(options: &PgConnectOptions, connections: u32) -> StoreResult<PgPool> {
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_millis(ACQUIRE_TIMEOUT_MS))
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(SETTINGS).execute(connection).await?;
                Ok(())
            })
        });
    Ok(pool.connect_with(options.clone()).await?)
}

/// Two connections that are open at the same time have two server processes, unless a pooler hands out one of its
/// connections per transaction. Then prepared statements, session settings, LISTEN and the lock of migrations are lost.
async fn refuse_transaction_pooling(options: &PgConnectOptions) -> StoreResult<()> {
    let (mut one, mut other) = (open(options).await?, open(options).await?);
    let shared = process(&mut one).await? == process(&mut other).await?;
    one.close().await?;
    other.close().await?;
    if shared { Err(StoreError::TransactionPooling) } else { Ok(()) }
}

async fn open(options: &PgConnectOptions) -> StoreResult<PgConnection> {
    Ok(PgConnection::connect_with(options).await?)
}

async fn process(connection: &mut PgConnection) -> StoreResult<i32> {
    use sqlx::Row as _;
    // Without a prepared statement, which a pooler would lose.
    let row = sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(connection).await?;
    Ok(row.try_get(0)?)
}

/// Sends messages to all nodes. Does nothing on SQLite, which has one node.
pub(crate) async fn notify(db: &Db, texts: &[String]) -> StoreResult<()> {
    if let Pool::Postgres(pool) = &db.writer {
        sqlx::query(NOTIFY).bind(CHANNEL).bind(texts).execute(pool).await?;
    }
    Ok(())
}

/// A connection that receives messages from other nodes.
pub(crate) type ClusterListener = PgListener;

/// Starts to listen for messages, on a connection of its own: one from a pool would be missing there. `None` on SQLite.
pub(crate) async fn listener(db: &Db) -> StoreResult<Option<ClusterListener>> {
    let Some(options) = &db.listen else { return Ok(None) };
    let own = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
    let own = own.acquire_timeout(Duration::from_millis(ACQUIRE_TIMEOUT_MS)).connect_with((**options).clone()).await?;
    let mut listener = PgListener::connect_with(&own).await?;
    listener.ignore_pool_close_event(true);
    listener.listen(CHANNEL).await?;
    Ok(Some(listener))
}
