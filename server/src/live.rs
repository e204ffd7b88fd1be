//! The live feed of the deliveries page: reports that something changed; the page then requests what.
//!
//! Server-sent events. They carry no data of the account, so they can be coalesced and leak nothing.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
    routing::get,
};
use domain::{Error, actor::Permission, id::AccountId};
use futures::{Stream, StreamExt as _, stream};
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};
use tower_sessions::Session;

use crate::{app_state::SharedState, plain_error::PlainError, shares::Share, user};

/// Shortest time between two events: at most two a second.
const EVENT_PAUSE: Duration = Duration::from_millis(500);
/// A stream ends after this time; the browser connects again, and must still be a member then.
const STREAM_MAX: Duration = Duration::from_secs(10 * 60);

/// Most streams that one person has open: about as many as tabs.
const STREAMS_PER_PERSON_MAX: usize = 20;
/// Seconds after which a page should try again when there are too many.
const RETRY_AFTER_S: u32 = 30;

/// `GET /a/{acct}/deliveries/live`.
pub fn routes() -> Router<SharedState> {
    Router::new().route("/a/{acct}/deliveries/live", get(live))
}

async fn live(
    State(state): State<SharedState>,
    session: Session,
    Path(acct): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, PlainError> {
    let member = user::member(&state, &session, &acct).await?;
    let account = member.account_if(Permission::ReadDeliveries)?.clone();
    let person = member.id().unwrap_or_default().to_owned();
    let share = state.streams.take(person, STREAMS_PER_PERSON_MAX).ok_or_else(too_many)?;
    let feed = Feed { account, changes: state.engine.changes(), sent: Sent::None, _share: share };
    let end = Box::pin(tokio::time::timeout(STREAM_MAX, state.stopping.clone().cancelled_owned()));
    Ok(Sse::new(stream::unfold(feed, Feed::next).take_until(end)).keep_alive(KeepAlive::default()))
}

fn too_many() -> Error {
    let detail = format!("You have {STREAMS_PER_PERSON_MAX} pages open that update live. Close one of them.");
    Error::QueueFull { detail, retry_after_s: RETRY_AFTER_S }
}

struct Feed {
    account: AccountId,
    changes: Receiver<AccountId>,
    sent: Sent,
    _share: Share<String>,
}

/// What was sent last.
enum Sent {
    None,
    Greeting,
    Change,
}

impl Feed {
    /// The next event: first a comment, so that the browser knows it is connected, then changes.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        if matches!(self.sent, Sent::None) {
            self.sent = Sent::Greeting;
            return Some((Ok(Event::default().comment("connected")), self));
        }
        if matches!(self.sent, Sent::Change) {
            pause().await;
        }
        self.changed().await?;
        // The page will request everything so far: one event covers all pending changes.
        while !matches!(self.changes.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
        self.sent = Sent::Change;
        Some((Ok(Event::default().event("change").data("1")), self))
    }

    /// Waits for a change in the account; none when there will be no more.
    async fn changed(&mut self) -> Option<()> {
        loop {
            match self.changes.recv().await {
                Ok(account) if account != self.account => {}
                // One of the changes that were dropped may have been ours.
                Ok(_) | Err(RecvError::Lagged(_)) => return Some(()),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "limits the events to a browser; no rule depends on it")]
async fn pause() {
    tokio::time::sleep(EVENT_PAUSE).await;
}
