//! The live feed of the deliveries page: tells that something changed; the page then asks what.
//!
//! Server-sent events. An event carries no data of the account, so it can be coalesced and never says too much.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
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

use crate::{
    person,
    room::{Room, Shared},
};

/// Shortest time between two ticks: at most two a second.
const TICK_PAUSE: Duration = Duration::from_millis(500);
/// A stream ends after this time; the browser connects again, and must still be a member then.
const STREAM_MAX: Duration = Duration::from_secs(10 * 60);

/// `GET /a/{acct}/deliveries/live`.
pub fn routes() -> Router<Shared> {
    Router::new().route("/a/{acct}/deliveries/live", get(live))
}

async fn live(
    State(room): State<Shared>,
    session: Session,
    Path(acct): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, (StatusCode, &'static str)> {
    let account = member(&room, &session, &acct).await.map_err(|error| match error {
        Error::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, "Sign in to follow deliveries.\n"),
        Error::Forbidden(_) | Error::NotFound(_) => (StatusCode::NOT_FOUND, "Account not found.\n"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "Not possible just now.\n"),
    })?;
    let feed = Feed { account, changes: room.engine.changes(), sent: Sent::Nothing };
    let end = Box::pin(tokio::time::timeout(STREAM_MAX, room.stopping.clone().cancelled_owned()));
    Ok(Sse::new(stream::unfold(feed, Feed::next).take_until(end)).keep_alive(KeepAlive::default()))
}

async fn member(room: &Room, session: &Session, acct: &str) -> domain::Result<AccountId> {
    person::in_account(room, session, acct).await?.account_if(Permission::ReadDeliveries).cloned()
}

struct Feed {
    account: AccountId,
    changes: Receiver<AccountId>,
    sent: Sent,
}

/// What the browser heard last.
enum Sent {
    Nothing,
    Greeting,
    Tick,
}

impl Feed {
    /// The next event: first a comment, so that the browser knows it is connected, then ticks.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        if matches!(self.sent, Sent::Nothing) {
            self.sent = Sent::Greeting;
            return Some((Ok(Event::default().comment("connected")), self));
        }
        if matches!(self.sent, Sent::Tick) {
            pause().await;
        }
        self.changed().await?;
        // The page will ask for all that has happened until now: what waits here is told by the same tick.
        while !matches!(self.changes.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
        self.sent = Sent::Tick;
        Some((Ok(Event::default().event("change").data("1")), self))
    }

    /// Waits for a change of the account; none when there will be no more.
    async fn changed(&mut self) -> Option<()> {
        loop {
            match self.changes.recv().await {
                Ok(account) if account != self.account => {}
                // After more changes than fit, one that was lost may have been ours.
                Ok(_) | Err(RecvError::Lagged(_)) => return Some(()),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a pause in front of a browser; nothing in the house goes by it")]
async fn pause() {
    tokio::time::sleep(TICK_PAUSE).await;
}
