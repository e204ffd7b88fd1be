//! Readiness: reads from each table that events pass through, and writes one row.

use domain::UnixMs;

use crate::store::{
    db::{Tx, within},
    deliveries::queue,
    error::StoreResult,
};

/// The latest row of each table by key: one path through the index and one through the table, whatever their size. A
/// corrupt database breaks there first, since that is where it was last written.
const LATEST: [&str; 7] = [
    "SELECT name FROM accounts ORDER BY id DESC LIMIT 1",
    "SELECT name FROM api_tokens ORDER BY id DESC LIMIT 1",
    "SELECT url FROM endpoints ORDER BY id DESC LIMIT 1",
    "SELECT kind FROM events ORDER BY account_id DESC, id DESC LIMIT 1",
    "SELECT state FROM deliveries ORDER BY id DESC LIMIT 1",
    "SELECT url FROM attempts ORDER BY delivery_id DESC, number DESC LIMIT 1",
    "SELECT hash FROM audit_log ORDER BY account_id DESC, position DESC LIMIT 1",
];

/// The value must change: SQLite writes nothing for a row that stays the same.
const WRITE: &str = "UPDATE nodes SET probed_ms = $2 WHERE id = $1";

/// Reads all of them, and runs the sender's query for due endpoints.
///
/// # Errors
/// Database errors.
pub(crate) async fn read(tx: &mut Tx, now: UnixMs) -> StoreResult<()> {
    for latest in LATEST {
        within!(&mut *tx, c => sqlx::query(latest).fetch_optional(c).await.map(|_| ())?);
    }
    queue::due_endpoints(tx, now).await.map(|_| ())
}

/// Writes to the row of this node.
///
/// # Errors
/// Database errors.
pub(crate) async fn write(tx: &mut Tx, node: &str, now: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(WRITE).bind(node).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}
