//! Saves what a session finds out in the database, then posts it. What was saved and perhaps not posted is posted again by the
//! next session: an event has the same ID again.

use std::sync::{Mutex, PoisonError};

use connect::{link::Sink, session::Batch};
use domain::{
    Error, UnixMs,
    connector::{ConnectorProblem, OpenConnector, StateReport},
    error::Result,
};
use engine::clock::sleep_ms;
use tokio::sync::Mutex as AsyncMutex;
use tokio_util::sync::CancellationToken;

use super::kept::Kept;
use crate::{
    app_state::SharedState,
    connector_calls::{self, NOT_HELD, Saving, SessionNumber},
    connector_posts,
};

/// How long a node holds a connector without renewing that, in milliseconds: as long as nobody follows the phone system after a
/// server was killed.
pub(super) const HELD_MS: i64 = 6_000;
/// How long the latest events may take to be posted once the session ends, in milliseconds.
const STOP_MAX_MS: u64 = 3_000;

/// What a session writes to.
pub(super) struct DoorSink {
    state: SharedState,
    open: OpenConnector,
    /// Cancelled when the session ends.
    ended: CancellationToken,
    number: SessionNumber,
    /// Locked while it is being saved: what was saved last is the newest.
    kept: AsyncMutex<Kept>,
    reported: Mutex<StateReport>,
    lag_ms: Mutex<Option<u32>>,
    /// Held while events are posted: those of a call arrive in order.
    posting: AsyncMutex<()>,
}

impl DoorSink {
    pub(super) fn new(
        state: SharedState,
        open: OpenConnector,
        ended: CancellationToken,
        (number, kept): (SessionNumber, Kept),
    ) -> Self {
        Self {
            state,
            open,
            ended,
            number,
            kept: AsyncMutex::new(kept),
            reported: Mutex::default(),
            lag_ms: Mutex::default(),
            posting: AsyncMutex::default(),
        }
    }

    /// Posts events and reports gaps that were saved. What is left shortly after the end of the session is posted by the next one.
    pub(super) async fn post(&self) {
        let _posting = self.posting.lock().await;
        let unposted = self.kept.lock().await.unposted.clone();
        let stopped = async {
            self.ended.cancelled().await;
            sleep_ms(STOP_MAX_MS).await;
        };
        tokio::select! {
            posted = connector_posts::post(&self.state, &self.open, unposted) => {
                self.kept.lock().await.unposted.forget(posted);
                let mut latest = self.lag_ms.lock().unwrap_or_else(PoisonError::into_inner);
                *latest = posted.lag_ms.or(*latest);
            }
            () = stopped => {}
        }
    }

    /// Holds the connector for a while longer.
    pub(super) async fn renew(&self) -> Result<Saving> {
        self.write(&*self.kept.lock().await, self.held_until()).await
    }

    /// Lets other nodes follow the phone system. Returns whether none does yet.
    pub(super) async fn release(&self) -> bool {
        let released = self.write(&*self.kept.lock().await, NOT_HELD).await;
        if let Err(error) = &released {
            tracing::debug!(connector = %self.open.connector.id, %error, "a connector is held until that expires");
        }
        released.is_ok_and(|saving| saving == Saving::Done)
    }

    /// The state of the session, in words for an administrator of this server.
    pub(super) fn state(&self) -> StateReport {
        let report = self.reported.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let lag_ms = *self.lag_ms.lock().unwrap_or_else(PoisonError::into_inner);
        let detail = match report.problem {
            Some(ConnectorProblem::WrongSecret) => Some(
                "Asterisk refused user or secret. Check `permit`, too, then run: asterisk -rx 'manager reload'"
                    .to_owned(),
            ),
            _ => report.detail,
        };
        StateReport { lag_ms, detail, ..report }
    }

    fn held_until(&self) -> UnixMs {
        self.state.backend.clock().now().plus_ms(HELD_MS)
    }

    async fn write(&self, kept: &Kept, held_until: UnixMs) -> Result<Saving> {
        let written = connector_calls::written(self.number, held_until, kept)?;
        connector_calls::save(&*self.state.backend, &self.open, self.number, written).await
    }
}

impl Sink for DoorSink {
    async fn save(&self, batch: &Batch) -> std::result::Result<(), String> {
        let mut kept = self.kept.lock().await;
        kept.add(batch);
        match self.write(&kept, self.held_until()).await {
            // Another session has begun, and knows nothing of these events. It may post the same, with the same IDs.
            Ok(Saving::Done | Saving::Superseded) => {}
            // The connector was deleted.
            Err(Error::NotFound(_)) => return Ok(()),
            // A restart would lose these calls, but nothing else does.
            Err(error @ Error::TooLarge(_)) => tracing::error!(connector = %self.open.connector.id, %error),
            Err(error) => return Err(error.to_string()),
        }
        drop(kept);
        self.post().await;
        Ok(())
    }

    fn report(&self, report: StateReport) {
        *self.reported.lock().unwrap_or_else(PoisonError::into_inner) = report;
    }
}
