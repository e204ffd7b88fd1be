//! The session of a connection: that of the one before, or what was saved.

use std::sync::Arc;

use connect::asterisk::ari::session::{Batch, Session};
use domain::{Error, connector::OpenConnector, error::Result};

use super::save;
use crate::{
    app_state::{AppState, SharedState},
    connector_calls::{self, NOT_HELD},
    connector_events::settings,
    phone_systems::Line,
};

/// The session to continue with: that of the previous connection, unless another node has continued since; then what that
/// node has saved.
pub(super) async fn ready(state: &AppState, open: OpenConnector, before: Option<Line>) -> Result<Line> {
    // If the database is away, no other session can have begun.
    if let Some(mut line) = before
        && (line.saving.is_some()
            || connector_calls::is_current(&*state.backend, &line.open, line.number).await.unwrap_or(true))
    {
        line.session.set(state.backend.clock().now(), settings(&open.connector));
        line.open = open;
        return Ok(line);
    }
    let (number, saved) = connector_calls::begin(&*state.backend, &open, NOT_HELD).await?.ok_or(Error::Internal)?;
    let session = Session::new(settings(&open.connector), saved);
    Ok(Line { session, open, number, lag_ms: None, saving: None })
}

/// Begins to post and save what the session has, unless an earlier batch is still being saved.
pub(super) fn begin_save(state: &SharedState, line: &mut Line) {
    if line.saving.is_none()
        && let Some(batch) = line.session.take_batch(state.backend.clock().now())
    {
        save_batch(state, line, batch);
    }
}

/// Begins to post and save all that is left.
pub(super) fn begin_last_save(state: &SharedState, line: &mut Line) {
    let batch = line.session.last_batch(state.backend.clock().now());
    save_batch(state, line, batch);
}

fn save_batch(state: &SharedState, line: &mut Line, batch: Batch) {
    let (state, open, number) = (Arc::clone(state), line.open.clone(), line.number);
    line.saving = Some(Box::pin(async move { save::save(&state, &open, number, batch).await }));
}
