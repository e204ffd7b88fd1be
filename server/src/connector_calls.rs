//! What a session of a connector saves in the database, so that the next one continues from it: one session at a time,
//! wherever it runs.
//!
//! Each session begins with a number that is one higher than the last one's, and saves only while no other has begun. So a
//! session that is over without knowing it, perhaps on another node, overwrites nothing. Where this server connects to the
//! phone system, a session also holds the connector for a while, so that not all nodes connect.

use domain::{Backend, Error, UnixMs, connector::OpenConnector, error::Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Until when a session holds its connector that may be replaced at any time.
pub const NOT_HELD: UnixMs = UnixMs(0);

/// The number of a session. Each session of a connector, on any node, has a higher one than the session before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionNumber(pub u64);

#[derive(Serialize)]
struct Written<'a, T> {
    session: SessionNumber,
    held_until: UnixMs,
    saved: &'a T,
}

#[derive(Deserialize)]
struct Read<T> {
    session: SessionNumber,
    held_until: UnixMs,
    saved: T,
}

#[derive(Deserialize)]
struct Held {
    held_until: UnixMs,
}

/// Whether something was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saving {
    /// It was.
    Done,
    /// It was not: another session has begun.
    Superseded,
}

/// Whether this session wrote it. Only the beginning is looked at: there can be thousands of calls.
fn wrote(session: SessionNumber, snapshot: &[u8]) -> bool {
    snapshot.starts_with(format!("{{\"session\":{},", session.0).as_bytes())
}

/// Begins a session that holds the connector until then. Returns its number, and what it continues from; `None` while another
/// one holds it.
///
/// # Errors
/// `NotFound` for a deleted connector, `Unavailable`.
pub async fn begin<T: Default + Serialize + DeserializeOwned + Send>(
    backend: &dyn Backend,
    open: &OpenConnector,
    held_until: UnixMs,
) -> Result<Option<(SessionNumber, T)>> {
    let (mut begun, now) = (None, backend.clock().now());
    let change = &mut |snapshot: Option<&[u8]>| {
        let before = snapshot.and_then(|bytes| {
            let read = serde_json::from_slice::<Read<T>>(bytes);
            read.inspect_err(|error| tracing::error!(%error, "saved calls can't be read: they are lost")).ok()
        });
        if before.as_ref().is_some_and(|before| before.held_until > now) {
            return None;
        }
        let (number, saved) = before.map_or((0, T::default()), |read| (read.session.0, read.saved));
        let session = SessionNumber(number + 1);
        let written = written(session, held_until, &saved).ok()?;
        begun = Some((session, saved));
        Some(written)
    };
    backend.change_open_calls(open, change).await?;
    Ok(begun)
}

/// What a session saves.
///
/// # Errors
/// `Internal` if it cannot be written.
pub fn written<T: Serialize>(session: SessionNumber, held_until: UnixMs, saved: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(&Written { session, held_until, saved }).map_err(|_| Error::Internal)
}

/// Saves what the next session continues from.
///
/// # Errors
/// `NotFound` for a deleted connector, `TooLarge`, `Unavailable`.
pub async fn save(
    backend: &dyn Backend,
    open: &OpenConnector,
    session: SessionNumber,
    written: Vec<u8>,
) -> Result<Saving> {
    let (mut written, mut saving) = (Some(written), Saving::Superseded);
    let change = &mut |snapshot: Option<&[u8]>| {
        let is_ours = snapshot.is_some_and(|bytes| wrote(session, bytes));
        if is_ours {
            saving = Saving::Done;
        }
        written.take().filter(|_| is_ours)
    };
    backend.change_open_calls(open, change).await?;
    Ok(saving)
}

/// Whether no other session has begun.
///
/// # Errors
/// `Unavailable`.
pub async fn is_current(backend: &dyn Backend, open: &OpenConnector, session: SessionNumber) -> Result<bool> {
    let snapshot = backend.open_calls(open).await?;
    Ok(snapshot.is_some_and(|bytes| wrote(session, &bytes)))
}

/// Whether a session holds the connector.
///
/// # Errors
/// `Unavailable`.
pub async fn is_held(backend: &dyn Backend, open: &OpenConnector) -> Result<bool> {
    let held = backend.open_calls(open).await?.and_then(|bytes| serde_json::from_slice::<Held>(&bytes).ok());
    Ok(held.is_some_and(|held| held.held_until > backend.clock().now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_recognises_what_it_wrote() {
        let written = written(SessionNumber(7), UnixMs(9), &"calls").unwrap();
        assert!(wrote(SessionNumber(7), &written));
        assert!(!wrote(SessionNumber(70), &written) && !wrote(SessionNumber(8), &written));
        let read = serde_json::from_slice::<Read<String>>(&written).unwrap();
        assert_eq!((read.session, read.held_until, read.saved.as_str()), (SessionNumber(7), UnixMs(9), "calls"));
    }
}
