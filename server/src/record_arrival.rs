//! A call record file as it arrives: the same for browsers and for programs. It is stored in sealed pieces, so that one of any
//! size takes a few megabytes of memory.

use std::sync::Arc;

use axum::http::Method;
use domain::{
    Error, UnixMs,
    actor::Actor,
    connector::imports::{FILE_MAX_BYTES, NewPiece, PIECE_BYTES, UPLOAD_RENEW_MS},
    error::Result,
    id::{ConnectorId, ImportId},
};

use crate::app_state::SharedState;

/// What an upload holds in memory: a piece, and its compressed and sealed copies.
pub const UPLOAD_BYTES: usize = 2 * PIECE_BYTES;

/// A file that arrives. What there is of it is deleted if it doesn't arrive whole, also when its sender disconnects.
pub struct Arriving {
    state: SharedState,
    actor: Actor,
    con: ConnectorId,
    import: ImportId,
    piece: Vec<u8>,
    number: u32,
    /// When its place was last renewed.
    kept_at: UnixMs,
    is_here: bool,
}

impl Arriving {
    /// Begins to receive a file. Nothing of it is read before its sender is known to manage the connector.
    ///
    /// # Errors
    /// As [`begin_upload`](domain::connector::imports::RecordImports::begin_upload).
    pub async fn begin(state: &SharedState, actor: &Actor, con: &ConnectorId) -> Result<Self> {
        let import = state.backend.begin_upload(actor, con).await?;
        Ok(Self {
            state: Arc::clone(state),
            actor: actor.clone(),
            con: con.clone(),
            import,
            piece: Vec::new(),
            number: 0,
            kept_at: state.backend.clock().now(),
            is_here: false,
        })
    }

    /// Keeps what has arrived.
    ///
    /// # Errors
    /// `TooLarge`; `Conflict` once the upload was discarded or nothing arrived for too long.
    pub async fn add(&mut self, chunk: &[u8]) -> Result<()> {
        self.piece.reserve_exact(PIECE_BYTES - self.piece.len());
        let mut rest = chunk;
        while !rest.is_empty() {
            let (fits, after) = rest.split_at(rest.len().min(PIECE_BYTES - self.piece.len()));
            self.piece.extend_from_slice(fits);
            rest = after;
            if self.piece.len() == PIECE_BYTES {
                self.store().await?;
            }
        }
        let now = self.state.backend.clock().now();
        if now.since_ms(self.kept_at) >= UPLOAD_RENEW_MS {
            self.state.backend.keep_upload(&self.actor, &self.con, &self.import).await?;
            self.kept_at = now;
        }
        Ok(())
    }

    /// All of it has arrived.
    ///
    /// # Errors
    /// `Invalid` for an empty file, or if `check` refuses its beginning; `Conflict` as [`Self::add`].
    pub async fn end(&mut self, name: &str, check: impl FnOnce(&[u8]) -> Result<()> + Send) -> Result<ImportId> {
        if !self.piece.is_empty() {
            self.store().await?;
        }
        if self.number > 0 {
            check(&self.state.backend.first_piece(&self.actor, &self.con, &self.import).await?)?;
        }
        self.state.backend.end_upload(&self.actor, &self.con, &self.import, name).await?;
        self.is_here = true;
        Ok(self.import.clone())
    }

    /// Deletes what has arrived, before its sender gets the reason.
    pub async fn abandon(mut self) {
        self.is_here = true;
        discard(&self.state, &self.actor, &self.con, &self.import).await;
    }

    async fn store(&mut self) -> Result<()> {
        let piece = NewPiece { number: self.number, bytes: &self.piece };
        self.state.backend.add_piece(&self.actor, &self.con, &self.import, piece).await?;
        self.piece.clear();
        self.number += 1;
        self.kept_at = self.state.backend.clock().now();
        Ok(())
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if self.is_here {
            return;
        }
        let (state, actor) = (Arc::clone(&self.state), self.actor.clone());
        let (con, import) = (self.con.clone(), self.import.clone());
        tokio::spawn(async move { discard(&state, &actor, &con, &import).await });
    }
}

async fn discard(state: &SharedState, actor: &Actor, con: &ConnectorId, import: &ImportId) {
    match state.backend.cancel_import(actor, con, import).await {
        // It has lost its place, and is deleted already.
        Ok(()) | Err(Error::NotFound(_)) => {}
        Err(error) => tracing::warn!(%error, %import, "a file that did not arrive is deleted later"),
    }
}

/// Whether a request to the API, at this path below its own, may take as long as a file needs to arrive.
#[must_use]
pub fn is_rest_upload(method: &Method, path: &str) -> bool {
    method == Method::POST && path.starts_with("/connectors/") && path.ends_with("/imports")
}

/// The limit, and what to do with a larger file.
#[must_use]
pub fn too_large() -> Error {
    let limit = FILE_MAX_BYTES / 1_024 / 1_024;
    Error::TooLarge(format!("A file has at most {limit} MiB. Split it, or use the command offhook import calls."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_may_take_longer_to_arrive() {
        assert!(is_rest_upload(&Method::POST, "/connectors/con_1/imports"));
        for (method, path) in [
            (Method::GET, "/connectors/con_1/imports"),
            (Method::POST, "/connectors/con_1/gaps"),
            (Method::POST, "/connectors/con_1/imports/imp_1/cancel"),
        ] {
            assert!(!is_rest_upload(&method, path), "{path}");
        }
    }
}
