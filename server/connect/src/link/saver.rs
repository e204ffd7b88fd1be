//! Saves what a session produces, one batch after the other, while the session continues. What happens during a save is in
//! the next batch, so a slow disk makes batches larger, not more.

use std::{pin::Pin, sync::Arc, time::Duration};

use domain::UnixMs;

use super::Sink;
use crate::session::{Batch, Session};

/// Wait before a batch that could not be saved is tried again.
const RETRY: Duration = Duration::from_secs(1);

type Saving = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(super) struct Saver<S> {
    sink: Arc<S>,
    saving: Option<Saving>,
}

impl<S: Sink> Saver<S> {
    pub(super) fn new(sink: Arc<S>) -> Self {
        Self { sink, saving: None }
    }

    pub(super) fn sink(&self) -> &S {
        &self.sink
    }

    /// Begins to save what the session has, unless an earlier batch is still being saved.
    pub(super) fn begin(&mut self, session: &mut impl Session, now: UnixMs) {
        if self.saving.is_none()
            && let Some(batch) = session.take_batch(now)
        {
            self.saving = Some(Box::pin(save(Arc::clone(&self.sink), batch)));
        }
    }

    /// Ends when a batch is saved; never, if none is being saved.
    pub(super) async fn progress(&mut self) {
        match &mut self.saving {
            Some(saving) => saving.await,
            None => std::future::pending().await,
        }
        self.saving = None;
    }

    /// Saves all that is left.
    pub(super) async fn finish(&mut self, session: &mut impl Session, now: UnixMs) {
        if self.saving.is_some() {
            self.progress().await;
        }
        if let Some(batch) = session.last_batch(now)
            && let Err(error) = self.sink.save(&batch).await
        {
            tracing::error!(%error, "the latest events could not be saved; they are lost unless the phone system has call records of them");
        }
    }
}

async fn save<S: Sink>(sink: Arc<S>, batch: Batch) {
    let mut was_logged = false;
    while let Err(error) = sink.save(&batch).await {
        if !was_logged {
            tracing::error!(%error, "events can't be saved; trying again until they can");
        }
        was_logged = true;
        wait().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a disk that is full in real time; no rule depends on it")]
async fn wait() {
    tokio::time::sleep(RETRY).await;
}
