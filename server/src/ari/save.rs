//! Saves what a session finds out in the database, then posts it.

use std::sync::Arc;

use connect::asterisk::ari::session::{Batch, SAVE_EVERY_MS, Saved};
use domain::connector::{OpenConnector, Saving, SessionNumber};
use serde::{Deserialize, Serialize};

use crate::{
    app_state::{AppState, SharedState},
    connector_calls,
    connector_posts::{self, patiently},
    connector_troubles::Troubles,
    connector_unposted::Unposted,
    phone_systems::{Line, ended},
};

/// What the next session continues from.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Kept {
    pub state: Saved,
    pub unposted: Unposted,
}

/// Begins to post what is saved, and to save what the session has, unless that is under way. While something is being posted,
/// what follows can't be, so it is saved less often.
pub(super) fn begin(state: &SharedState, line: &mut Line) {
    if line.saving.is_some() {
        return;
    }
    begin_posting(state, line);
    let now = state.backend.clock().now();
    if (line.posting.is_none() || now.since_ms(line.saved_at) >= SAVE_EVERY_MS)
        && let Some(batch) = line.session.take_batch(now)
    {
        begin_saving(state, line, batch);
    }
}

/// Saves all that is left.
pub(super) async fn save_rest(state: &SharedState, line: &mut Line) -> Saving {
    if line.saving.is_some() {
        ended(&mut line.saving).await;
    }
    let batch = line.session.last_batch(state.backend.clock().now());
    begin_saving(state, line, batch);
    ended(&mut line.saving).await
}

/// Posts all that is left.
pub(super) async fn post_rest(state: &SharedState, line: &mut Line) {
    while !line.unposted.is_empty() {
        begin_posting(state, line);
        line.progress().await;
    }
}

fn begin_posting(state: &SharedState, line: &mut Line) {
    if line.posting.is_none() && !line.unposted.is_empty() {
        let (state, open, unposted) = (Arc::clone(state), line.open.clone(), line.unposted.first());
        let troubles = Arc::clone(&line.troubles);
        line.posting = Some(Box::pin(async move { connector_posts::post(&state, &open, &troubles, unposted).await }));
    }
}

fn begin_saving(state: &SharedState, line: &mut Line, batch: Batch) {
    line.unposted.add(&batch.events, &batch.gaps);
    line.saved_at = state.backend.clock().now();
    let kept = Kept { state: batch.state, unposted: line.unposted.clone() };
    let (state, open, number) = (Arc::clone(state), line.open.clone(), line.number);
    let troubles = Arc::clone(&line.troubles);
    line.saving = Some(Box::pin(async move { save(&state, &open, &troubles, number, kept).await }));
}

/// While the database is away, it waits. What can't be saved at all is posted nevertheless: only a restart would lose it.
async fn save(
    state: &AppState,
    open: &OpenConnector,
    troubles: &Troubles,
    number: SessionNumber,
    kept: Kept,
) -> Saving {
    let Ok(packed) = connector_calls::pack(Box::new(kept)).await else { return Saving::Done };
    let attempt = || state.backend.save_open_calls(open, number, &packed);
    patiently(open, troubles, attempt).await.unwrap_or(Saving::Done)
}
