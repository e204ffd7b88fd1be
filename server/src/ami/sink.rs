//! Saves what a session finds out in the database, and posts it afterwards. What was saved and perhaps not posted is posted
//! again by the next session: an event has the same ID again.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use connect::{link::Sink, session::Batch};
use domain::{
    Error,
    connector::{ConnectorProblem, OpenConnector, Saving, SessionNumber, StateReport},
    error::Result,
};
use engine::clock::{sleep_ms, stopwatch};
use tokio::{
    sync::{Mutex as AsyncMutex, Notify},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::kept::{Kept, Unsaved};
use crate::{
    app_state::SharedState,
    connector_calls::{self, NOT_HELD, SAVE_EVERY},
    connector_posts,
    connector_troubles::Troubles,
    connector_unposted::{UNPOSTED_MAX, Unposted},
    state_reports::is_due,
};

/// How long a node holds a connector without renewing that, in milliseconds: as long as nobody follows the phone system after a
/// server was killed.
pub(super) const HELD_MS: i64 = 6_000;
/// How long the latest events may take to be posted once the session ends, in milliseconds.
const STOP_MAX_MS: u64 = 3_000;
/// How often it is looked whether something is to be saved that no event has saved, in milliseconds.
const LOOK_EVERY_MS: u64 = 250;

/// What a session writes to.
pub(super) struct DoorSink {
    state: SharedState,
    open: OpenConnector,
    /// Cancelled when the session ends.
    ended: CancellationToken,
    /// Cancelled when the session has passed its last batch.
    pub finished: CancellationToken,
    number: SessionNumber,
    kept: Arc<AsyncMutex<Kept>>,
    /// When it was last saved. Locked meanwhile: what was saved last is the newest.
    saved_at: AsyncMutex<Option<Instant>>,
    is_posting: AtomicBool,
    troubles: Troubles,
    is_too_large: AtomicBool,
    /// There may be something to post.
    to_post: Notify,
    /// Something was posted.
    posted: Notify,
    reported: Mutex<StateReport>,
    lag_ms: Mutex<Option<u32>>,
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
            finished: CancellationToken::new(),
            number,
            kept: Arc::new(AsyncMutex::new(kept)),
            saved_at: AsyncMutex::default(),
            is_posting: AtomicBool::default(),
            troubles: Troubles::default(),
            is_too_large: AtomicBool::default(),
            to_post: Notify::new(),
            posted: Notify::new(),
            reported: Mutex::default(),
            lag_ms: Mutex::default(),
        }
    }

    /// Posts what was saved, also by the session before, until the session has ended. What is left shortly afterwards is posted
    /// by the next one.
    pub(super) async fn post(&self) {
        let posting = async {
            loop {
                while self.post_next().await {}
                if self.finished.is_cancelled() {
                    return;
                }
                tokio::select! {
                    () = self.to_post.notified() => {}
                    () = self.finished.cancelled() => {}
                }
            }
        };
        let stopped = async {
            self.finished.cancelled().await;
            sleep_ms(STOP_MAX_MS).await;
        };
        tokio::select! {
            () = posting => {}
            () = stopped => {}
        }
    }

    /// Posts the oldest events, and reports the gaps. Returns whether there may be more.
    async fn post_next(&self) -> bool {
        let (unposted, unsaved) = {
            let kept = self.kept.lock().await;
            (kept.unposted.first(), kept.unsaved())
        };
        if unposted.is_empty() || unsaved == Unsaved::Events && self.write().await.is_err() {
            return false;
        }
        self.is_posting.store(true, Ordering::Relaxed);
        let posted = connector_posts::post(&self.state, &self.open, &self.troubles, unposted).await;
        self.is_posting.store(false, Ordering::Relaxed);
        self.kept.lock().await.posted(posted);
        self.posted.notify_one();
        let mut latest = self.lag_ms.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = posted.lag_ms.or(*latest);
        true
    }

    /// Saves what no event has saved, at most once a second, until the session has ended.
    pub(super) async fn save_changes(&self) {
        loop {
            tokio::select! {
                () = self.finished.cancelled() => return,
                () = sleep_ms(LOOK_EVERY_MS) => {}
            }
            if self.is_due().await && self.write().await.is_ok() {
                self.to_post.notify_one();
            }
        }
    }

    /// Holds the connector for a while longer.
    pub(super) async fn renew(&self) -> Result<Saving> {
        let until = self.state.backend.clock().now().plus_ms(HELD_MS);
        self.state.backend.hold_session(&self.open, self.number, until).await
    }

    /// Saves what is left, and lets other nodes follow the phone system. Returns whether none does yet.
    pub(super) async fn release(&self) -> bool {
        let released = match self.write().await {
            Ok(()) => self.state.backend.hold_session(&self.open, self.number, NOT_HELD).await,
            Err(error) => Err(error),
        };
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
        let too_large = self.is_too_large.load(Ordering::Relaxed).then_some(ConnectorProblem::TooManyCalls);
        StateReport { lag_ms, detail, problem: report.problem.or(too_large), ..report }
    }

    async fn is_due(&self) -> bool {
        is_due(*self.saved_at.lock().await, SAVE_EVERY)
    }

    /// Waits while too much is not posted yet. The session holds what happens meanwhile, up to a limit.
    async fn has_room(&self) {
        while self.kept.lock().await.unposted.events.len() > UNPOSTED_MAX {
            tokio::select! {
                () = self.posted.notified() => {}
                () = self.ended.cancelled() => return,
            }
        }
    }

    /// Saves what the next session continues from.
    async fn write(&self) -> Result<()> {
        let mut saved_at = self.saved_at.lock().await;
        let kept = Arc::clone(&self.kept).lock_owned().await;
        if kept.unsaved() == Unsaved::Nothing {
            return Ok(());
        }
        *saved_at = Some(stopwatch());
        let changes = kept.changes();
        let packed = connector_calls::pack(kept).await?;
        match self.state.backend.save_open_calls(&self.open, self.number, &packed).await {
            Ok(Saving::Done) => self.is_too_large.store(false, Ordering::Relaxed),
            // It knows nothing of these events. It may post the same, with the same IDs.
            Ok(Saving::Superseded) => self.ended.cancel(),
            // The next session continues from what was saved before. The events are posted nevertheless.
            Ok(Saving::TooLarge) => self.too_large(),
            // The connector was deleted.
            Err(Error::NotFound(_)) => self.forget().await,
            Err(error) => return Err(error),
        }
        self.kept.lock().await.saved_up_to(changes);
        Ok(())
    }

    async fn forget(&self) {
        self.ended.cancel();
        self.kept.lock().await.unposted = Unposted::default();
    }

    fn too_large(&self) {
        if !self.is_too_large.swap(true, Ordering::Relaxed) {
            tracing::error!(connector = %self.open.connector.id, "{}", ConnectorProblem::TooManyCalls.label());
        }
    }

    /// Whether what was added may be saved later: it is no event, or one that waits for others to be posted.
    async fn may_wait(&self, batch: &Batch) -> bool {
        let has_events = !(batch.events.is_empty() && batch.gaps.is_empty());
        (!has_events || self.is_posting.load(Ordering::Relaxed)) && !self.is_due().await
    }
}

impl Sink for DoorSink {
    const CANNOT_SAVE: &'static str = "Events wait because Offhook can't store them. Its log says why: check its \
        database, its disk, and the limits of the accounts.";

    async fn save(&self, batch: &Batch) -> std::result::Result<(), String> {
        self.has_room().await;
        self.kept.lock().await.add(batch);
        if !self.may_wait(batch).await {
            self.write().await.map_err(|error| error.to_string())?;
            self.to_post.notify_one();
        }
        Ok(())
    }

    fn report(&self, report: StateReport) {
        *self.reported.lock().unwrap_or_else(PoisonError::into_inner) = report;
    }
}
