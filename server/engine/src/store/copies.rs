//! Copies of a SQLite database: how they are written, and what one must be to take the database's place.

use std::{fs::File, io, os::unix::fs::OpenOptionsExt as _, path::Path};

use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{
    db::{Db, Pool, SQLITE_MIGRATIONS},
    error::StoreResult,
};

/// What others than the owner may do with a copy: nothing. It holds all that the data folder keeps from them.
const COPY_MODE: u32 = 0o600;
/// Faults of a file that are told; one is enough to refuse it.
const CHECK: &str = "PRAGMA integrity_check(3)";
const HAS_MIGRATIONS: &str = "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
const MIGRATIONS: &str = "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version";
/// What still stands in the write-ahead log goes into the file, and the log away.
const FOLD: &str = "PRAGMA journal_mode = DELETE";

/// Makes a file that its owner alone may read, before anything is in it.
///
/// # Errors
/// `AlreadyExists` when there is one; other I/O errors.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    File::options().write(true).create_new(true).mode(COPY_MODE).open(path)
}

/// Writes a consistent copy into an empty file. Nobody waits for it: it reads as it was when it began.
pub(crate) async fn write(db: &Db, path: &str) -> StoreResult<()> {
    if let Pool::Sqlite(readers) = &db.readers {
        sqlx::query("VACUUM INTO $1").bind(path).execute(readers).await?;
    }
    Ok(())
}

/// Makes one file of a copy and its write-ahead log, and looks whether it is a whole database of Offhook. Answers with
/// what is wrong.
pub(crate) async fn examine(path: &Path) -> StoreResult<Option<String>> {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await?;
    let mut wrong = damage(&mut connection).await?;
    if wrong.is_none() {
        wrong = schema_mismatch(&mut connection).await?;
    }
    if wrong.is_none() {
        sqlx::query(FOLD).fetch_all(&mut connection).await?;
    }
    connection.close().await?;
    Ok(wrong)
}

async fn damage(connection: &mut SqliteConnection) -> StoreResult<Option<String>> {
    let found: Vec<String> = sqlx::query_scalar(CHECK).fetch_all(connection).await?;
    Ok((found != ["ok"]).then(|| found.join("; ")))
}

/// Whether the schema is one that this program made, or an earlier version of it.
async fn schema_mismatch(connection: &mut SqliteConnection) -> StoreResult<Option<String>> {
    let tables: i64 = sqlx::query_scalar(HAS_MIGRATIONS).fetch_one(&mut *connection).await?;
    if tables == 0 {
        return Ok(Some("its tables are not those of Offhook".to_owned()));
    }
    let applied: Vec<(i64, Vec<u8>)> = sqlx::query_as(MIGRATIONS).fetch_all(connection).await?;
    let known = |(version, checksum): &(i64, Vec<u8>)| {
        SQLITE_MIGRATIONS.iter().any(|ours| ours.version == *version && *ours.checksum == **checksum)
    };
    Ok(match applied.iter().find(|one| !known(one)) {
        Some((version, _)) => Some(format!("another version of Offhook made it (migration {version})")),
        None if applied.is_empty() => Some("its tables are not those of Offhook".to_owned()),
        None => None,
    })
}
