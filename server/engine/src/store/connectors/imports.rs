//! Imports of call record files. Files and rows arrive sealed.

use domain::{
    UnixMs,
    connector::{
        ConnectorOwner,
        imports::{IMPORTS_KEPT_MS, ImportProgress, ImportState, RecordImport, UNUSED_KEPT_MS, UPLOAD_LEASE_MS},
    },
    id::{ConnectorId, ImportId},
};

use super::key;
use crate::store::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
};

/// Imports of an owner that run at once: one may be small, and should not wait for a large one.
const RUNS_PER_OWNER_MAX: i64 = 2;

const ADD: &str = "INSERT INTO record_imports (id, connector_id, account_id, file_name, state, created_by, created_ms, leased_until_ms) \
    VALUES ($1, $2, $3, '', 'uploading', $4, $5, $6)";
const COUNT_FILES: &str = "SELECT COUNT(*) FROM record_imports WHERE account_id = $1 \
    AND (state = 'running' OR (state = 'ready' AND created_ms > $2) OR (state = 'uploading' AND leased_until_ms > $3))";
const GROW: &str = "UPDATE record_imports SET file_bytes = file_bytes + $2, leased_until_ms = $3 \
    WHERE id = $1 AND state = 'uploading' AND leased_until_ms > $4";
const ADD_PIECE: &str = "INSERT INTO record_import_pieces (import_id, number, piece_sealed) VALUES ($1, $2, $3)";
const ARRIVED: &str = "UPDATE record_imports SET state = 'ready', file_name = $2, leased_until_ms = 0 \
    WHERE id = $1 AND state = 'uploading' AND leased_until_ms > $3";
/// Without files that will never arrive: nobody can do anything with them, and they are about to be deleted.
const LIST: &str = "SELECT * FROM record_imports WHERE connector_id = $1 AND account_id = $2 \
    AND NOT (state = 'uploading' AND leased_until_ms <= $4) ORDER BY id DESC LIMIT $3";
const ONE: &str = "SELECT * FROM record_imports WHERE id = $1 AND connector_id = $2";
const PIECE: &str = "SELECT piece_sealed FROM record_import_pieces WHERE import_id = $1 AND number = $2";
const START: &str = "UPDATE record_imports SET state = 'running', reading = $2, started_ms = $3, progressed_ms = $3 \
    WHERE id = $1 AND state = 'ready'";
const REMEMBER: &str = "UPDATE connectors SET records = $2 WHERE id = $1";
/// The one that nobody has worked on for the longest time, unless its account has as many runs as it may.
const DUE: &str = "SELECT * FROM record_imports WHERE state = 'running' AND leased_until_ms < $1 \
    AND (SELECT COUNT(*) FROM record_imports AS run WHERE run.account_id = record_imports.account_id \
        AND run.state = 'running' AND run.leased_until_ms >= $1) < $2 ORDER BY leased_until_ms, id LIMIT 1";
const LEASE: &str = "UPDATE record_imports SET lease = $2, leased_until_ms = $3, tries = tries + 1 \
    WHERE id = $1 AND state = 'running' AND leased_until_ms < $4";
const RENEW: &str = "UPDATE record_imports SET leased_until_ms = $3 WHERE id = $1 AND state = 'running' AND lease = $2";
const RELEASE_ALL: &str = "UPDATE record_imports SET leased_until_ms = 0 WHERE state IN ('uploading', 'running')";
/// How long it waits counts from when something got in its way.
const SAVE: &str = "UPDATE record_imports SET items = $3, bytes_read = $4, rows_read = $5, imported = $6, known = $7, \
    ignored = $8, not_understood = $9, unrouted = $10, rejected = $11, problem = $12, \
    tries = CASE WHEN $13 = 0 THEN tries ELSE 0 END, \
    progressed_ms = CASE WHEN $14 = 1 OR (problem IS NULL AND $12 IS NOT NULL) THEN $15 ELSE progressed_ms END \
    WHERE id = $1 AND state = 'running' AND lease = $2";
const ADD_ROWS: &str = "INSERT INTO record_import_rows (import_id, number, rows_sealed) VALUES ($1, $2, $3)";
const ROWS: &str = "SELECT number, rows_sealed FROM record_import_rows WHERE import_id = $1 ORDER BY number";
const END: &str = "UPDATE record_imports SET state = $2, problem = $3, ended_ms = $4, lease = NULL \
    WHERE id = $1 AND state IN ('uploading', 'ready', 'running')";
const CLEAR_PIECES: &str = "DELETE FROM record_import_pieces WHERE import_id = $1";
const CLEAR_ROWS: &str = "DELETE FROM record_import_rows WHERE import_id = $1";
macro_rules! is_expired {
    () => {
        "((state = 'ready' AND created_ms < $1) OR (state = 'uploading' AND leased_until_ms < $2) OR ended_ms < $3)"
    };
}
const EXPIRED: &str = concat!("SELECT id FROM record_imports WHERE ", is_expired!(), " ORDER BY id LIMIT $4");
const REMOVE_EXPIRED: &str = concat!("DELETE FROM record_imports WHERE id = $4 AND ", is_expired!());
const ABANDON: &str = "DELETE FROM record_imports WHERE id = $1 AND state = 'uploading'";
const OF_CONNECTOR: &str = "SELECT id FROM record_imports WHERE connector_id = $1 ORDER BY id LIMIT $2";
const REMOVE: &str = "DELETE FROM record_imports WHERE id = $1";

#[derive(sqlx_macros::FromRow)]
struct ImportRow {
    id: String,
    connector_id: String,
    file_name: String,
    file_bytes: i64,
    state: String,
    reading: Option<String>,
    created_by: String,
    created_ms: i64,
    started_ms: Option<i64>,
    ended_ms: Option<i64>,
    progressed_ms: i64,
    tries: i64,
    items: i64,
    bytes_read: i64,
    rows_read: i64,
    imported: i64,
    known: i64,
    ignored: i64,
    not_understood: i64,
    unrouted: i64,
    rejected: i64,
    problem: Option<String>,
}

impl TryFrom<ImportRow> for RecordImport {
    type Error = StoreError;
    fn try_from(row: ImportRow) -> StoreResult<Self> {
        let corrupt = |column| StoreError::Corrupt { table: "record_imports", column, row: row.id.clone() };
        let count = |n: i64| u64::try_from(n).unwrap_or_default();
        Ok(Self {
            id: ImportId::parse(&row.id).map_err(|_| corrupt("id"))?,
            connector: ConnectorId::parse(&row.connector_id).map_err(|_| corrupt("connector_id"))?,
            file_bytes: count(row.file_bytes),
            state: ImportState::parse(&row.state).ok_or_else(|| corrupt("state"))?,
            reading: row.reading.as_deref().and_then(|json| serde_json::from_str(json).ok()),
            created_at: UnixMs(row.created_ms),
            started_at: row.started_ms.map(UnixMs),
            progressed_at: UnixMs(row.progressed_ms),
            tries: u32::try_from(row.tries).unwrap_or(u32::MAX),
            ended_at: row.ended_ms.map(UnixMs),
            progress: ImportProgress {
                items: count(row.items),
                bytes_read: count(row.bytes_read),
                rows: count(row.rows_read),
                imported: count(row.imported),
                known: count(row.known),
                ignored: count(row.ignored),
                not_understood: count(row.not_understood),
                unrouted: count(row.unrouted),
                rejected: count(row.rejected),
            },
            file_name: row.file_name,
            created_by: row.created_by,
            problem: row.problem,
        })
    }
}

/// What a run has to save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Rows are done.
    Progress,
    /// It waits, and says why.
    Waiting,
    /// It has ended in good order, until its owner has done something.
    Blocked,
}

/// Which run of an import it is.
#[derive(Debug, Clone, Copy)]
pub struct Lease<'a> {
    /// The import.
    pub id: &'a ImportId,
    /// The run.
    pub run: &'a str,
}

/// Adds an import whose file is arriving.
pub async fn add(
    tx: &mut Tx,
    (id, connector): (&ImportId, &ConnectorId),
    owner: &ConnectorOwner,
    by: &str,
    now: UnixMs,
) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ADD)
        .bind(id.as_str()).bind(connector.as_str()).bind(key(owner)).bind(by).bind(now.0)
        .bind(now.plus_ms(UPLOAD_LEASE_MS).0).execute(c).await?.rows_affected());
    Ok(())
}

/// Files of an owner that are kept at the moment.
pub async fn count_files(tx: &mut Tx, owner: &ConnectorOwner, now: UnixMs) -> StoreResult<i64> {
    let unused = now.plus_ms(-UNUSED_KEPT_MS);
    Ok(within!(tx, c => sqlx::query_scalar(COUNT_FILES)
        .bind(key(owner)).bind(unused.0).bind(now.0).fetch_one(c).await?))
}

/// Adds so many bytes to a file that is arriving, and keeps its place. False if it is not arriving any more, or has lost its place.
pub async fn grow(tx: &mut Tx, id: &ImportId, bytes: u64, now: UnixMs) -> StoreResult<bool> {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    let grown = within!(tx, c => sqlx::query(GROW)
        .bind(id.as_str()).bind(bytes).bind(now.plus_ms(UPLOAD_LEASE_MS).0).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(grown == 1)
}

/// Adds a piece of the file, after [`grow`].
pub async fn add_piece(tx: &mut Tx, id: &ImportId, number: u32, sealed: &str) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ADD_PIECE)
        .bind(id.as_str()).bind(i64::from(number)).bind(sealed).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes what has arrived of a file that does not arrive whole. False if it was not arriving.
pub async fn abandon(tx: &mut Tx, id: &ImportId) -> StoreResult<bool> {
    let gone = within!(&mut *tx, c => sqlx::query(ABANDON).bind(id.as_str()).execute(c).await?.rows_affected());
    if gone == 1 {
        within!(tx, c => sqlx::query(CLEAR_PIECES).bind(id.as_str()).execute(c).await?.rows_affected());
    }
    Ok(gone == 1)
}

/// All of the file is here. False as [`grow`].
pub async fn arrived(tx: &mut Tx, id: &ImportId, file_name: &str, now: UnixMs) -> StoreResult<bool> {
    let done = within!(tx, c => sqlx::query(ARRIVED)
        .bind(id.as_str()).bind(file_name).bind(now.0).execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// The latest imports of a connector, newest first.
pub async fn list(
    db: &Db,
    connector: &ConnectorId,
    owner: &ConnectorOwner,
    limit: u32,
    now: UnixMs,
) -> StoreResult<Vec<RecordImport>> {
    let rows: Vec<ImportRow> = on!(&db.readers, c => sqlx::query_as(LIST)
        .bind(connector.as_str()).bind(key(owner)).bind(i64::from(limit)).bind(now.0).fetch_all(c).await?);
    rows.into_iter().map(RecordImport::try_from).collect()
}

/// One import of a connector.
pub async fn one(db: &Db, connector: &ConnectorId, id: &ImportId) -> StoreResult<Option<RecordImport>> {
    let row: Option<ImportRow> = on!(&db.readers, c => sqlx::query_as(ONE)
        .bind(id.as_str()).bind(connector.as_str()).fetch_optional(c).await?);
    row.map(RecordImport::try_from).transpose()
}

/// A piece of the file, still sealed.
pub async fn piece(db: &Db, id: &ImportId, number: u32) -> StoreResult<Option<String>> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(PIECE)
        .bind(id.as_str()).bind(i64::from(number)).fetch_optional(c).await?))
}

/// Starts the import of a file that is here, and remembers how it is read. False if it was started before.
pub async fn start(tx: &mut Tx, import: &RecordImport, reading: &str, now: UnixMs) -> StoreResult<bool> {
    let started = within!(&mut *tx, c => sqlx::query(START)
        .bind(import.id.as_str()).bind(reading).bind(now.0).execute(c).await?.rows_affected());
    within!(tx, c => sqlx::query(REMEMBER)
        .bind(import.connector.as_str()).bind(reading).execute(c).await?.rows_affected());
    Ok(started == 1)
}

/// An import that nobody works on.
pub async fn due(db: &Db, now: UnixMs) -> StoreResult<Option<RecordImport>> {
    let row: Option<ImportRow> = on!(&db.readers, c => sqlx::query_as(DUE)
        .bind(now.0).bind(RUNS_PER_OWNER_MAX).fetch_optional(c).await?);
    row.map(RecordImport::try_from).transpose()
}

/// Leases an import that nobody works on. False if another run was quicker.
pub async fn lease(tx: &mut Tx, lease: Lease<'_>, until: UnixMs, now: UnixMs) -> StoreResult<bool> {
    let done = within!(tx, c => sqlx::query(LEASE)
        .bind(lease.id.as_str()).bind(lease.run).bind(until.0).bind(now.0).execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// Keeps the lease. False if it was lost, or the import was cancelled.
pub async fn renew(tx: &mut Tx, lease: Lease<'_>, until: UnixMs) -> StoreResult<bool> {
    let done = within!(tx, c => sqlx::query(RENEW)
        .bind(lease.id.as_str()).bind(lease.run).bind(until.0).execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// Releases all leases, of imports and of files that were arriving: for the start of the only node there is.
pub async fn release_all(tx: &mut Tx) -> StoreResult<()> {
    within!(tx, c => sqlx::query(RELEASE_ALL).execute(c).await?.rows_affected());
    Ok(())
}

/// Saves how far it is, and why it waits. False if the lease was lost.
pub async fn save(
    tx: &mut Tx,
    lease: Lease<'_>,
    (progress, step): (&ImportProgress, Step),
    (problem, now): (Option<&str>, UnixMs),
) -> StoreResult<bool> {
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let done = within!(tx, c => sqlx::query(SAVE)
        .bind(lease.id.as_str()).bind(lease.run).bind(count(progress.items)).bind(count(progress.bytes_read))
        .bind(count(progress.rows)).bind(count(progress.imported)).bind(count(progress.known))
        .bind(count(progress.ignored)).bind(count(progress.not_understood)).bind(count(progress.unrouted))
        .bind(count(progress.rejected)).bind(problem)
        .bind(i64::from(step != Step::Waiting)).bind(i64::from(step == Step::Progress)).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// Adds rows that were not imported, sealed.
pub async fn add_rows(tx: &mut Tx, id: &ImportId, number: u64, sealed: &str) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ADD_ROWS)
        .bind(id.as_str()).bind(i64::try_from(number).unwrap_or(i64::MAX)).bind(sealed)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// The rows that were not imported, in order, still sealed.
pub async fn rows(db: &Db, id: &ImportId) -> StoreResult<Vec<(i64, String)>> {
    Ok(on!(&db.readers, c => sqlx::query_as(ROWS).bind(id.as_str()).fetch_all(c).await?))
}

/// Ends an import, and deletes its file, which has at most 256 pieces. False if it had ended.
pub async fn end(
    tx: &mut Tx,
    id: &ImportId,
    state: ImportState,
    problem: Option<&str>,
    now: UnixMs,
) -> StoreResult<bool> {
    let ended = within!(&mut *tx, c => sqlx::query(END)
        .bind(id.as_str()).bind(state.as_str()).bind(problem).bind(now.0).execute(c).await?.rows_affected());
    if ended == 1 {
        within!(tx, c => sqlx::query(CLEAR_PIECES).bind(id.as_str()).execute(c).await?.rows_affected());
    }
    Ok(ended == 1)
}

/// Imports that are past their time.
pub async fn expired(db: &Db, now: UnixMs, limit: u32) -> StoreResult<Vec<String>> {
    let [unused, ended] = before(now);
    Ok(on!(&db.readers, c => sqlx::query_scalar(EXPIRED)
        .bind(unused).bind(now.0).bind(ended).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Deletes an import that is past its time. False if it isn't any more: someone may have started it since it was listed.
pub async fn remove_expired(tx: &mut Tx, id: &str, now: UnixMs) -> StoreResult<bool> {
    let [unused, ended] = before(now);
    let removed = within!(&mut *tx, c => sqlx::query(REMOVE_EXPIRED)
        .bind(unused).bind(now.0).bind(ended).bind(id).execute(c).await?.rows_affected());
    if removed == 1 {
        remove(tx, id).await?;
    }
    Ok(removed == 1)
}

/// When a file that nobody imported has expired, and an import that has ended.
fn before(now: UnixMs) -> [i64; 2] {
    [UNUSED_KEPT_MS, IMPORTS_KEPT_MS].map(|ms| now.plus_ms(-ms).0)
}

/// The imports of a connector, whoever owns it.
pub async fn of_connector(db: &Db, connector: &ConnectorId, limit: u32) -> StoreResult<Vec<String>> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(OF_CONNECTOR)
        .bind(connector.as_str()).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Deletes an import with all that belongs to it.
pub async fn remove(tx: &mut Tx, id: &str) -> StoreResult<()> {
    for sql in [CLEAR_PIECES, CLEAR_ROWS, REMOVE] {
        within!(&mut *tx, c => sqlx::query(sql).bind(id).execute(c).await?.rows_affected());
    }
    Ok(())
}
