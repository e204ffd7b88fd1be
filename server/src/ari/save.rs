//! Posts the events of a batch, then saves the open calls. A crash in between repeats nothing: an event has the same ID again.

use connect::asterisk::ari::session::{Batch, Saved};
use domain::{connector::OpenConnector, error::Result};

use crate::{
    app_state::AppState,
    connector_calls::{self, NOT_HELD, Saving, SessionNumber},
    connector_posts::{patiently, post_all, report_gaps},
    phone_systems::Outcome,
};

/// Posts and saves a batch. While the database is away, it waits.
pub(super) async fn save(state: &AppState, open: &OpenConnector, session: SessionNumber, batch: Batch) -> Outcome {
    let lag_ms = post_all(state, open, batch.events).await;
    if let Some(saved) = &batch.state {
        let saving = patiently(open, || save_state(state, open, session, saved)).await;
        if saving == Some(Saving::Superseded) {
            return Outcome::Superseded;
        }
    }
    report_gaps(state, open, &batch.gaps).await;
    Outcome::Saved { lag_ms }
}

async fn save_state(state: &AppState, open: &OpenConnector, session: SessionNumber, saved: &Saved) -> Result<Saving> {
    connector_calls::save(&*state.backend, open, session, connector_calls::written(session, NOT_HELD, saved)?).await
}
