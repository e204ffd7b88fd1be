//! The session of a connection: that of the one before, or what was saved.

use std::sync::Arc;

use connect::{
    asterisk::ari::session::{Batch, Session},
    call::{InternalCalls, Settings},
};
use domain::{
    connector::{Connector, OpenConnector},
    error::Result,
};

use super::{save, state};
use crate::{
    app_state::{AppState, SharedState},
    phone_systems::Line,
};

/// The session to continue with: that of the previous connection, unless another node has continued since; then what that
/// node has saved.
pub(super) async fn ready(state: &AppState, open: OpenConnector, before: Option<Line>) -> Result<Line> {
    // If the database is away, no other session can have begun.
    if let Some(mut line) = before
        && (line.saving.is_some() || state::is_current(state, &line.open, line.number).await.unwrap_or(true))
    {
        line.session.set(state.backend.clock().now(), settings(&open.connector));
        line.open = open;
        return Ok(line);
    }
    let (number, saved) = state::begin(state, &open).await?;
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

/// What the connector's settings mean for its calls.
pub(super) fn settings(connector: &Connector) -> Settings {
    // `PJSIP/provider` is the endpoint `provider`.
    let endpoint = |trunk: &String| trunk.rsplit('/').next().unwrap_or(trunk).to_owned();
    Settings {
        system: connector.identity.clone(),
        trunks: connector.trunks.iter().map(endpoint).collect(),
        internal: if connector.include_internal { InternalCalls::Report } else { InternalCalls::Ignore },
    }
}
