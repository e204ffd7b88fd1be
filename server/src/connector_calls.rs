//! What a session of a connector saves in the database, so that the next one continues from it: one session at a time,
//! wherever it runs.
//!
//! Each session begins with a number that is one higher than the last one's, and saves only while no other has begun. So a
//! session that is over without knowing it, perhaps on another node, overwrites nothing. Where this server connects to the
//! phone system, a session also holds the connector for a while, so that not all nodes connect.
//!
//! All that is saved is compressed JSON: calls are much alike.

use std::{
    io::{BufWriter, Read as _},
    ops::Deref,
    time::Duration,
};

use domain::{
    Backend, Error, UnixMs,
    connector::{OpenConnector, SessionNumber},
    error::Result,
};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Serialize, de::DeserializeOwned};

/// Until when a session holds its connector that may be replaced at any time.
pub const NOT_HELD: UnixMs = UnixMs(0);

/// How often is saved what is no event, and what can't be posted yet: all of it is written each time.
pub const SAVE_EVERY: Duration = Duration::from_secs(1);
/// Text that is compressed at once, in bytes.
const PACKED_AT_ONCE_BYTES: usize = 32 * 1_024;

/// What a request saves.
///
/// # Errors
/// `Internal` if it cannot be written.
pub fn packed<T: Serialize>(saved: &T) -> Result<Vec<u8>> {
    let encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    let mut text = BufWriter::with_capacity(PACKED_AT_ONCE_BYTES, encoder);
    serde_json::to_writer(&mut text, saved).map_err(|_| Error::Internal)?;
    let encoder = text.into_inner().map_err(|_| Error::Internal)?;
    encoder.finish().map_err(|_| Error::Internal)
}

/// What a session saves. There can be thousands of calls, so that has a thread of its own.
///
/// # Errors
/// `Internal` if it cannot be written.
pub async fn pack<T: Serialize>(saved: impl Deref<Target = T> + Send + 'static) -> Result<Vec<u8>> {
    tokio::task::spawn_blocking(move || packed(&*saved)).await.map_err(|_| Error::Internal)?
}

/// What was saved; the default if nothing was, or if it can't be read.
#[must_use]
pub fn unpacked<T: Default + DeserializeOwned>(packed: Option<&[u8]>) -> T {
    let read = |packed: &[u8]| {
        let mut text = Vec::new();
        DeflateDecoder::new(packed).read_to_end(&mut text).map_err(serde_json::Error::io)?;
        serde_json::from_slice(&text)
    };
    let lost = |error: &serde_json::Error| tracing::error!(%error, "saved calls can't be read: they are lost");
    packed.and_then(|packed| read(packed).inspect_err(lost).ok()).unwrap_or_default()
}

/// Begins a session that holds the connector until then. Returns its number, and what it continues from; `None` while another
/// one holds it.
///
/// # Errors
/// `NotFound` for a deleted connector, `Unavailable`.
pub async fn begin<T: Default + DeserializeOwned>(
    backend: &dyn Backend,
    open: &OpenConnector,
    held_until: UnixMs,
) -> Result<Option<(SessionNumber, T)>> {
    let begun = backend.begin_session(open, held_until).await?;
    Ok(begun.map(|begun| (begun.number, unpacked(begun.open_calls.as_deref()))))
}

/// Whether no other session has begun.
///
/// # Errors
/// `Unavailable`.
pub async fn is_current(backend: &dyn Backend, open: &OpenConnector, session: SessionNumber) -> Result<bool> {
    Ok(backend.latest_session(open).await?.is_some_and(|latest| latest.number == session))
}

/// Whether a session holds the connector.
///
/// # Errors
/// `Unavailable`.
pub async fn is_held(backend: &dyn Backend, open: &OpenConnector) -> Result<bool> {
    let now = backend.clock().now();
    Ok(backend.latest_session(open).await?.is_some_and(|latest| latest.held_until > now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_read_again_and_what_is_no_snapshot_is_nothing() {
        let calls = vec!["01632960001".to_owned(); 10_000];
        let packed = packed(&calls).unwrap();
        assert!(packed.len() < 10_000);
        assert_eq!(unpacked::<Vec<String>>(Some(&packed)), calls);
        assert_eq!((unpacked::<Vec<String>>(None), unpacked::<Vec<String>>(Some(b"{}"))), (Vec::new(), Vec::new()));
    }
}
