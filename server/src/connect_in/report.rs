//! What the connector's page shows of its requests.

use domain::connector::{OpenConnector, REPORT_EVERY_MS, StateReport};

use super::read::Trouble;
use crate::app_state::AppState;

/// Longest detail, in characters.
const DETAIL_MAX_CHARS: usize = 200;

/// Reports how the request was understood: at once if that has changed, else as often as any connector.
pub(super) async fn state(state: &AppState, open: &OpenConnector, trouble: Option<&Trouble>) {
    let (before, now) = (&open.connector.state, state.backend.clock().now());
    let problem = trouble.map(|trouble| trouble.problem);
    let detail = trouble.and_then(|trouble| trouble.detail.as_deref()).map(printable);
    let lately = before.reported_at.is_some_and(|at| now.since_ms(at) < REPORT_EVERY_MS);
    if lately && before.problem == problem && before.detail == detail {
        return;
    }
    let report = StateReport { problem, detail, last_event_at: Some(now), ..StateReport::default() };
    // The events are stored: only the page is late.
    if let Err(error) = state.backend.report_state(&open.actor, &open.connector.id, &report).await {
        tracing::warn!(%error, "the state of the connector was not stored");
    }
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(DETAIL_MAX_CHARS).collect()
}
