//! The live feed of the operators' connector pages. What the connectors of the platform report concerns no account, so that
//! nothing announces it: the feed reports a possible change regularly, and the page then requests what it shows.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    extract::State,
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
    routing::get,
};
use futures::{Stream, StreamExt as _, stream};
use tower_sessions::Session;

use crate::{app_state::SharedState, live, plain_error::PlainError, user};

/// Time between two events.
const EVERY: Duration = Duration::from_secs(2);

/// `GET /ops/connectors/live`.
pub fn routes() -> Router<SharedState> {
    Router::new().route("/ops/connectors/live", get(feed))
}

async fn feed(
    State(state): State<SharedState>,
    session: Session,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, PlainError> {
    let operator = user::operator(&state, &session).await?;
    let share = live::share(&state, &operator.name())?;
    let stopping = state.stopping.clone();
    let end = Box::pin(tokio::time::timeout(live::STREAM_MAX, async move { stopping.cancelled().await }));
    let events = stream::unfold((share, false), |(share, greeted)| async move {
        if !greeted {
            return Some((Ok(Event::default().comment("connected")), (share, true)));
        }
        pause().await;
        Some((Ok(Event::default().event("change").data("1")), (share, true)))
    });
    Ok(Sse::new(events.take_until(end)).keep_alive(KeepAlive::default()))
}

#[expect(clippy::disallowed_methods, reason = "paces the events to a browser; no rule depends on it")]
async fn pause() {
    tokio::time::sleep(EVERY).await;
}
