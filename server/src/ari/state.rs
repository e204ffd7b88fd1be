//! The open calls of a connector in the database: written by one session at a time, wherever it runs.
//!
//! Each session begins with a number that is one higher than the last one's, and saves only while no other has begun. So a
//! connection that is dead without knowing it, perhaps on another node, overwrites nothing.

use connect::asterisk::ari::session::Saved;
use domain::{Error, connector::OpenConnector, error::Result};
use serde::{Deserialize, Serialize};

use crate::{app_state::AppState, phone_systems::SessionNumber};

#[derive(Serialize)]
struct Written<'a> {
    session: SessionNumber,
    saved: &'a Saved,
}

#[derive(Deserialize)]
struct Read {
    session: SessionNumber,
    saved: Saved,
}

/// Whether something was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Saving {
    /// It was.
    Done,
    /// It was not: another session has begun.
    Superseded,
}

/// Whether this session wrote it. Only the beginning is looked at: there can be thousands of calls.
fn wrote(session: SessionNumber, snapshot: &[u8]) -> bool {
    snapshot.starts_with(format!("{{\"session\":{},", session.0).as_bytes())
}

/// Begins a session. Returns its number, and what it continues from.
pub(super) async fn begin(state: &AppState, open: &OpenConnector) -> Result<(SessionNumber, Saved)> {
    let mut begun = None;
    let change = &mut |snapshot: Option<&[u8]>| {
        let before = snapshot.and_then(|bytes| {
            let read = serde_json::from_slice::<Read>(bytes);
            read.inspect_err(|error| tracing::error!(%error, "saved calls can't be read: they are lost")).ok()
        });
        let (number, saved) = before.map_or((0, Saved::default()), |read| (read.session.0, read.saved));
        let session = SessionNumber(number + 1);
        let written = serde_json::to_vec(&Written { session, saved: &saved }).ok();
        begun = Some((session, saved));
        written
    };
    state.backend.change_open_calls(open, change).await?;
    begun.ok_or(Error::Internal)
}

/// Saves what the next session continues from.
pub(super) async fn save(
    state: &AppState,
    open: &OpenConnector,
    session: SessionNumber,
    saved: &Saved,
) -> Result<Saving> {
    let Ok(written) = serde_json::to_vec(&Written { session, saved }) else { return Err(Error::Internal) };
    let (mut written, mut saving) = (Some(written), Saving::Superseded);
    let change = &mut |snapshot: Option<&[u8]>| {
        let is_ours = snapshot.is_some_and(|bytes| wrote(session, bytes));
        if is_ours {
            saving = Saving::Done;
        }
        written.take().filter(|_| is_ours)
    };
    state.backend.change_open_calls(open, change).await?;
    Ok(saving)
}

/// Whether no other session has begun.
pub(super) async fn is_current(state: &AppState, open: &OpenConnector, session: SessionNumber) -> Result<bool> {
    let snapshot = state.backend.open_calls(open).await?;
    Ok(snapshot.is_some_and(|bytes| wrote(session, &bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_recognises_what_it_wrote() {
        let written = serde_json::to_vec(&Written { session: SessionNumber(7), saved: &Saved::default() }).unwrap();
        assert!(wrote(SessionNumber(7), &written));
        assert!(!wrote(SessionNumber(70), &written) && !wrote(SessionNumber(8), &written));
        assert_eq!(serde_json::from_slice::<Read>(&written).unwrap().session, SessionNumber(7));
    }
}
