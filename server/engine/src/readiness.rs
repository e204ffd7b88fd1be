//! Whether this node can do its work: `/readyz`, the health page and error pages all read it here.
//!
//! Reads are tried each time. Writes are known from those that happen anyway; only when there was none for a while, or the
//! latest failed, one is tried. So a node that is asked often does not write often.

use std::time::Duration;

use domain::time::span;

use crate::{
    context::Context,
    store::{
        error::{StoreError, StoreResult},
        probe,
    },
};

/// Longest wait for the database: whoever asks needs a response.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// Whether the database can be read and written.
///
/// # Errors
/// What is wrong, as text.
pub(crate) async fn check(context: &Context) -> Result<(), String> {
    let checked = async {
        read(context).await.map_err(|error| error.to_string())?;
        write(context).await
    };
    tokio::time::timeout(CHECK_TIMEOUT, checked).await.unwrap_or_else(|_| {
        let waited = span(i64::try_from(CHECK_TIMEOUT.as_millis()).unwrap_or(i64::MAX));
        Err(format!("the database did not respond within {waited}"))
    })
}

async fn read(context: &Context) -> StoreResult<()> {
    context.db.check_file()?;
    let mut tx = context.db.begin_read().await?;
    probe::read(&mut tx, context.now()).await
}

async fn write(context: &Context) -> Result<(), String> {
    let writes = &context.writes;
    // If another request tries to write now, its result is soon known; until then the earlier one holds.
    if !writes.is_known(context.now())
        && let Ok(_probing) = writes.probing.try_lock()
    {
        let written = try_write(context).await;
        writes.note(context.now(), &written);
        written.map_err(|error| error.to_string())?;
    }
    writes.failure().map_or(Ok(()), Err)
}

async fn try_write(context: &Context) -> Result<(), StoreError> {
    let mut tx = context.db.begin().await?;
    probe::write(&mut tx, &context.node, context.now()).await?;
    tx.commit().await
}
