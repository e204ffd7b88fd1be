//! Deletes what has expired, in steps, so that no deletion holds up the writer.

use domain::UnixMs;

use crate::store::{
    db::{Db, within},
    error::StoreResult,
};

/// Most rows that one transaction deletes.
const STEP_ROWS: u32 = 500;

/// Runs a statement that deletes rows older than `$1`, at most `$2` of them, until none is left.
///
/// # Errors
/// When the database cannot be written. What was committed stays.
pub(super) async fn older_than(db: &Db, statement: &'static str, before: UnixMs) -> StoreResult<()> {
    loop {
        let mut tx = db.begin().await?;
        let deleted = within!(&mut tx, c =>
            sqlx::query(statement).bind(before.0).bind(i64::from(STEP_ROWS)).execute(c).await?.rows_affected());
        tx.commit().await?;
        if deleted < u64::from(STEP_ROWS) {
            return Ok(());
        }
    }
}
