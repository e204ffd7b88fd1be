//! Whether the database answers: a look into each table that events pass through.

use crate::store::{
    db::{Tx, within},
    deliveries::queue,
    error::StoreResult,
};

/// The latest row of each, by its key: a walk from the root to one leaf of the index and one of the table, whatever their
/// size. A database that was put together of two breaks there first, since that is where both have written.
const LATEST: [&str; 7] = [
    "SELECT name FROM accounts ORDER BY id DESC LIMIT 1",
    "SELECT name FROM api_tokens ORDER BY id DESC LIMIT 1",
    "SELECT url FROM endpoints ORDER BY id DESC LIMIT 1",
    "SELECT kind FROM events ORDER BY account_id DESC, id DESC LIMIT 1",
    "SELECT state FROM deliveries ORDER BY id DESC LIMIT 1",
    "SELECT url FROM attempts ORDER BY delivery_id DESC, number DESC LIMIT 1",
    "SELECT hash FROM audit_log ORDER BY account_id DESC, position DESC LIMIT 1",
];

/// Looks into all of them, and asks what the sender asks: what is due.
///
/// # Errors
/// What the database says instead of a row.
pub(crate) async fn look(tx: &mut Tx) -> StoreResult<()> {
    for latest in LATEST {
        within!(&mut *tx, c => sqlx::query(latest).fetch_optional(c).await.map(|_| ())?);
    }
    queue::due_endpoints(tx).await.map(|_| ())
}
