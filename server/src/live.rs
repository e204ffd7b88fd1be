//! The live feed of the deliveries page: reports that something changed; the page then requests what.
//!
//! Server-sent events. They carry no data of the account, so they can be coalesced and leak nothing.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
    routing::get,
};
use domain::{
    Error,
    actor::Permission,
    id::{AccountId, UserId},
};
use engine::{Engine, shares::Share};
use futures::{Stream, StreamExt as _, stream};
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};
use tower_sessions::Session;

use crate::{app_state::SharedState, plain_error::PlainError, user};

/// Shortest time between two events: at most two a second.
const EVENT_PAUSE: Duration = Duration::from_millis(500);
/// A stream ends after this time, and the browser connects again.
pub(crate) const STREAM_MAX: Duration = Duration::from_secs(10 * 60);

/// Most streams that one user has open: about as many as tabs.
const STREAMS_PER_USER_MAX: usize = 20;
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
    // Before the check, so that nothing is missed that follows it.
    let access_changes = state.engine.access_changes();
    let (user, member) = (user::signed_in(&session).await?, user::member(&state, &session, &acct).await?);
    let account = member.account_if(Permission::ReadDeliveries)?.clone();
    let share = share(&state, user.as_str())?;
    let session = session.id().map(|id| id.to_string()).unwrap_or_default();
    let access = Access { state: Arc::clone(&state), user, session, account: account.clone() };
    let feed = Feed { account, changes: state.engine.changes(), sent: Sent::None, _share: share };
    let end = Box::pin(tokio::time::timeout(STREAM_MAX, access.end(access_changes)));
    Ok(Sse::new(stream::unfold(feed, Feed::next).take_until(end)).keep_alive(KeepAlive::default()))
}

/// Counts a stream of this user while it is open.
///
/// # Errors
/// `LimitReached` when they have too many.
pub(crate) fn share(state: &SharedState, user: &str) -> Result<Share<String>, Error> {
    state.streams.take(user.to_owned(), STREAMS_PER_USER_MAX).ok_or_else(too_many)
}

/// What a stream needs to stay open.
struct Access {
    state: SharedState,
    user: UserId,
    /// Id of the session.
    session: String,
    account: AccountId,
}

impl Access {
    /// Returns when the user has signed out or been removed, or the server stops.
    async fn end(self, changes: Receiver<String>) {
        tokio::select! {
            () = self.state.stopping.cancelled() => {}
            () = self.lost(changes) => {}
        }
    }

    async fn lost(&self, mut changes: Receiver<String>) {
        let handle = Engine::session_handle(&self.session);
        let is_other = |who: &str| !who.is_empty() && who != self.user.as_str() && who != handle;
        loop {
            match changes.recv().await {
                Ok(who) if is_other(&who) => {}
                Err(RecvError::Closed) => return,
                // One of the changes that were dropped may have been theirs.
                Ok(_) | Err(RecvError::Lagged(_)) => {
                    if !self.holds().await {
                        return;
                    }
                }
            }
        }
    }

    /// Whether the session still exists, and its user may still read the account. When that is unknown, the browser asks
    /// again.
    async fn holds(&self) -> bool {
        let session = self.state.engine.load_session(&self.session).await;
        let actor = self.state.backend.actor(&self.user, &self.account).await;
        matches!(session, Ok(Some(_))) && actor.is_ok_and(|actor| actor.may(Permission::ReadDeliveries))
    }
}

fn too_many() -> Error {
    let detail = format!("You have {STREAMS_PER_USER_MAX} pages open that update live. Close one of them.");
    Error::LimitReached { detail, retry_after_s: RETRY_AFTER_S }
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
