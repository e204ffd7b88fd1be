//! Backups of a SQLite database: writing one, and checking one before it replaces the database.

use std::{fs::File, io, os::unix::fs::OpenOptionsExt as _, path::Path};

use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::store::{
    db::{Db, Pool},
    error::StoreResult,
    migrations,
};

/// Only the owner may read a backup, as with the data folder.
const FILE_MODE: u32 = 0o600;
/// Reports up to three faults; one is enough to reject the file.
const CHECK: &str = "PRAGMA integrity_check(3)";
const HAS_MIGRATIONS: &str = "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
const MIGRATIONS: &str = "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version";
/// Moves the write-ahead log into the file and deletes the log.
const MERGE_LOG: &str = "PRAGMA journal_mode = DELETE";

/// Creates an empty file that only its owner may read.
///
/// # Errors
/// `AlreadyExists`, or other I/O errors.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    File::options().write(true).create_new(true).mode(FILE_MODE).open(path)
}

/// Writes a consistent snapshot into an empty file, without blocking writers.
pub(crate) async fn write(db: &Db, path: &str) -> StoreResult<()> {
    if let Pool::Sqlite(readers) = &db.readers {
        sqlx::query("VACUUM INTO $1").bind(path).execute(readers).await?;
    }
    Ok(())
}

/// Merges the write-ahead log into the file and checks that it is an intact Offhook database. Returns what is wrong
/// with it.
pub(crate) async fn check(path: &Path) -> StoreResult<Option<String>> {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await?;
    let mut wrong = damage(&mut connection).await?;
    if wrong.is_none() {
        wrong = schema_mismatch(&mut connection).await?;
    }
    if wrong.is_none() {
        sqlx::query(MERGE_LOG).fetch_all(&mut connection).await?;
    }
    connection.close().await?;
    Ok(wrong)
}

async fn damage(connection: &mut SqliteConnection) -> StoreResult<Option<String>> {
    let found: Vec<String> = sqlx::query_scalar(CHECK).fetch_all(connection).await?;
    Ok((found != ["ok"]).then(|| found.join("; ")))
}

/// Whether the schema is this version's or an earlier one.
async fn schema_mismatch(connection: &mut SqliteConnection) -> StoreResult<Option<String>> {
    let tables: i64 = sqlx::query_scalar(HAS_MIGRATIONS).fetch_one(&mut *connection).await?;
    if tables == 0 {
        return Ok(Some("it is not an Offhook database".to_owned()));
    }
    let applied: Vec<(i64, Vec<u8>)> = sqlx::query_as(MIGRATIONS).fetch_all(connection).await?;
    let known = |(version, checksum): &(i64, Vec<u8>)| {
        migrations::SQLITE.iter().any(|ours| ours.version == *version && *ours.checksum == **checksum)
    };
    Ok(match applied.iter().find(|one| !known(one)) {
        Some((version, _)) => Some(format!("it was created by another version of Offhook (migration {version})")),
        None if applied.is_empty() => Some("it is not an Offhook database".to_owned()),
        None => None,
    })
}
