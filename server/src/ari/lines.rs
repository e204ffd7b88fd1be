//! The session of a connection: that of the one before, or what was saved.

use connect::asterisk::ari::session::Session;
use domain::{Error, connector::OpenConnector, error::Result};

use super::save::Kept;
use crate::{
    app_state::AppState,
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
    let begun = connector_calls::begin::<Kept>(&*state.backend, &open, NOT_HELD).await?;
    let (number, Kept { state: saved, unposted }) = begun.ok_or(Error::Internal)?;
    let session = Session::new(settings(&open.connector), saved);
    Ok(Line::new(session, open, number, unposted))
}
