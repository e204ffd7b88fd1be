//! One connection of a phone system, from its first message until what it reported is saved.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::ws::{CloseFrame, Message, WebSocket, close_code},
};
use connect::asterisk::ari::session::{Failure, TICK_MS};
use domain::{
    Error,
    connector::{GapReason, OpenConnector, Saving},
};
use engine::clock::{sleep_ms, stopwatch};
use tokio::{
    sync::Mutex as AsyncMutex,
    time::{Instant, Interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    lines, save,
    watch::{self, Watch},
};
use crate::{
    app_state::SharedState,
    connector_events::settings,
    connector_unposted::UNPOSTED_MAX,
    phone_systems::{Line, Place},
};

/// A ping follows this long after the one before.
const PING_EVERY: Duration = Duration::from_secs(3);
/// After this much silence the connection is dead. A message counts once it is complete.
const DEAD_AFTER: Duration = Duration::from_secs(10);
/// How long a message to the phone system may take to be sent.
const SEND_MAX: Duration = Duration::from_secs(10);
/// How long a connection waits for the one that it replaces, in milliseconds.
const REPLACE_MAX_MS: u64 = 10_000;
/// How long the end of a connection may take to be sent.
const CLOSE_MAX: Duration = Duration::from_secs(1);
/// Longest reason of an end, in bytes (RFC 6455, section 5.5).
const REASON_MAX_BYTES: usize = 123;
/// How long what is left may take to be saved and posted once the server stops, in milliseconds.
const STOP_MAX_MS: u64 = 5_000;
/// How long a session is kept for the next connection, in milliseconds. A later one continues from the database.
const KEPT_MS: u64 = 5 * 60 * 1_000;

/// How a connection ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("Asterisk closed the connection")]
    Closed,
    #[error("the connection broke")]
    Broken,
    #[error("no message and no response to a ping for 10 s")]
    Silent,
    #[error("a message was larger than 1 MiB")]
    TooLarge,
    #[error("what arrived isn't WebSocket as in RFC 6455")]
    Protocol,
    #[error("a text message wasn't UTF-8")]
    NotText,
    #[error("{0}")]
    Failed(Failure),
    #[error("events can't be stored")]
    CannotStore,
    #[error("a newer connection of the connector has replaced it")]
    Replaced,
    #[error("the connector was paused or deleted, or has another secret")]
    Revoked,
    #[error("{0}")]
    Suspended(String),
    #[error("the server stops")]
    Stopping,
}

/// Follows the phone system until the connection ends, and keeps its session for the next one.
pub(super) async fn follow(state: SharedState, open: OpenConnector, secret: String, socket: WebSocket, place: Place) {
    let _task = state.phone_systems.task();
    let id = open.connector.id.clone();
    let (slot, replaced) = state.phone_systems.enter(&id);
    let mut connection = Connection { state: &state, secret, replaced: &replaced, watch: Watch::default() };
    connection.follow(Arc::clone(&slot.line), open, socket, place).await;
    state.phone_systems.leave(&id, &replaced);
}

struct Connection<'a> {
    state: &'a SharedState,
    secret: String,
    /// Cancelled when a newer connection replaces this one.
    replaced: &'a CancellationToken,
    watch: Watch,
}

impl Connection<'_> {
    async fn follow(
        &mut self,
        former: Arc<AsyncMutex<Option<Line>>>,
        open: OpenConnector,
        mut socket: WebSocket,
        place: Place,
    ) {
        let id = open.connector.id.clone();
        let mut kept = tokio::select! {
            kept = former.lock_owned() => kept,
            () = self.state.stopping.cancelled() => return close(socket, &End::Stopping).await,
            () = self.replaced.cancelled() => return close(socket, &End::Replaced).await,
            () = sleep_ms(REPLACE_MAX_MS) => return close(socket, &End::CannotStore).await,
        };
        let mut line = match lines::ready(self.state, open, kept.take()).await {
            Ok(line) => line,
            Err(error) => {
                tracing::warn!(connector = %id, %error, "a phone system can't be followed");
                return close(socket, &End::CannotStore).await;
            }
        };
        line.session.connected(self.state.backend.clock().now());
        let end = self.converse(&mut line, &mut socket).await;
        tracing::info!(connector = %id, "a phone system is not followed any more: {end}");
        close(socket, &end).await;
        drop(place);
        if settle(self.state, self.replaced, &mut line, &end).await {
            *kept = Some(line);
            keep(self.state, self.replaced, &mut kept).await;
        }
    }

    /// Follows until the connection ends.
    async fn converse(&mut self, line: &mut Line, socket: &mut WebSocket) -> End {
        let mut ticks = ticks();
        let (mut heard, mut pinged) = (stopwatch(), stopwatch());
        loop {
            if let Err(end) = send_all(line, socket).await {
                return end;
            }
            // Asterisk keeps what follows.
            if line.session.unsaved() + line.unposted.events.len() > UNPOSTED_MAX {
                return End::CannotStore;
            }
            save::begin(self.state, line);
            let step = tokio::select! {
                () = self.replaced.cancelled() => Err(End::Replaced),
                () = self.state.stopping.cancelled() => Err(End::Stopping),
                received = socket.recv() => {
                    heard = stopwatch();
                    self.received(line, received)
                }
                saving = line.progress() => continue_after(saving),
                opened = self.watch.progress() => self.checked(line, opened),
                _ = ticks.tick() => self.tick(line, socket, heard, &mut pinged).await,
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    fn received(&self, line: &mut Line, received: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        let now = self.state.backend.clock().now();
        match received {
            Some(Ok(Message::Text(text))) => line.session.received(now, text.as_bytes()).map_err(End::Failed),
            Some(Ok(Message::Binary(bytes))) => line.session.received(now, &bytes).map_err(End::Failed),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                line.session.heard(now);
                Ok(())
            }
            Some(Ok(Message::Close(_))) | None => Err(End::Closed),
            Some(Err(error)) => Err(why_unreadable(&error.to_string())),
        }
    }

    async fn tick(
        &mut self,
        line: &mut Line,
        socket: &mut WebSocket,
        heard: Instant,
        pinged: &mut Instant,
    ) -> Result<(), End> {
        line.session.tick(self.state.backend.clock().now());
        if heard.elapsed() >= DEAD_AFTER {
            return Err(End::Silent);
        }
        if pinged.elapsed() >= PING_EVERY {
            *pinged = stopwatch();
            send(socket, Message::Ping(Bytes::new())).await?;
        }
        self.watch.tick(self.state, line, &self.secret);
        Ok(())
    }

    /// The connector may have been changed, or may not be what it was.
    fn checked(&self, line: &mut Line, opened: Option<domain::error::Result<OpenConnector>>) -> Result<(), End> {
        match opened {
            None => Ok(()),
            Some(Ok(open)) => {
                line.session.set(self.state.backend.clock().now(), settings(&open.connector));
                line.open = open;
                Ok(())
            }
            Some(Err(Error::Unavailable { .. } | Error::Internal)) => Ok(()),
            Some(Err(Error::Suspended(message))) => Err(End::Suspended(message)),
            Some(Err(_)) => Err(End::Revoked),
        }
    }
}

/// Saves what is left. Returns whether the next connection may continue with the session.
async fn settle(state: &SharedState, replaced: &CancellationToken, line: &mut Line, end: &End) -> bool {
    let reason = match end {
        End::Stopping => GapReason::ConnectorRestart,
        End::CannotStore => GapReason::SpoolFull,
        _ => GapReason::ConnectionLost,
    };
    let failure = match end {
        End::Failed(failure) => Some(failure.clone()),
        End::TooLarge => Some(Failure::TooLarge),
        End::Protocol | End::NotText => Some(Failure::NotAri),
        End::Closed if line.session.is_mute() => Some(Failure::ClosedAtOnce),
        _ => None,
    };
    line.session.disconnected(state.backend.clock().now(), reason, failure);
    tokio::select! {
        is_current = save_rest(state, line) => is_current,
        // The newer connection continues to save whatever is being saved.
        () = replaced.cancelled() => true,
        () = stopped(&state.stopping) => true,
    }
}

/// Returns false if another session of the connector has begun: it knows nothing of the latest events, so they are posted
/// nevertheless.
async fn save_rest(state: &SharedState, line: &mut Line) -> bool {
    if save::save_rest(state, line).await == Saving::Superseded {
        save::post_rest(state, line).await;
        return false;
    }
    watch::report_last(state, line).await;
    if line.unposted.is_empty() {
        return true;
    }
    save::post_rest(state, line).await;
    // Otherwise the next session would post all of it again.
    save::save_rest(state, line).await != Saving::Superseded
}

/// Waits for the next connection, which continues with the session. Without one, the session is dropped.
async fn keep(state: &SharedState, replaced: &CancellationToken, kept: &mut Option<Line>) {
    tokio::select! {
        () = replaced.cancelled() => {}
        () = state.stopping.cancelled() => *kept = None,
        () = sleep_ms(KEPT_MS) => *kept = None,
    }
}

const fn continue_after(saving: Saving) -> Result<(), End> {
    match saving {
        Saving::Done | Saving::TooLarge => Ok(()),
        Saving::Superseded => Err(End::Replaced),
    }
}

/// Returns a while after the server stops.
async fn stopped(stopping: &CancellationToken) {
    stopping.cancelled().await;
    sleep_ms(STOP_MAX_MS).await;
}

async fn send_all(line: &mut Line, socket: &mut WebSocket) -> Result<(), End> {
    for message in line.session.take_outgoing() {
        send(socket, Message::text(message)).await?;
    }
    Ok(())
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    match tokio::time::timeout(SEND_MAX, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Broken),
        Err(_) => Err(End::Silent),
    }
}

/// Says why, in terms of RFC 6455. Asterisk connects again.
async fn close(mut socket: WebSocket, end: &End) {
    let code = match end {
        End::Closed | End::Broken => return,
        End::Stopping => close_code::AWAY,
        End::TooLarge => close_code::SIZE,
        End::Protocol => close_code::PROTOCOL,
        End::NotText => close_code::INVALID,
        End::CannotStore => close_code::AGAIN,
        End::Silent | End::Failed(_) | End::Replaced | End::Revoked | End::Suspended(_) => close_code::POLICY,
    };
    let reason = end.to_string();
    let reason = &reason[..reason.floor_char_boundary(REASON_MAX_BYTES)];
    let frame = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    let _ = tokio::time::timeout(CLOSE_MAX, socket.send(frame)).await;
}

/// Why nothing more can be read. The library's errors only differ in their texts.
fn why_unreadable(error: &str) -> End {
    if error.contains("too long") {
        End::TooLarge
    } else if error.contains("UTF-8") {
        End::NotText
    } else if error.contains("protocol error") && !error.contains("closing") {
        End::Protocol
    } else {
        End::Broken
    }
}

#[expect(clippy::disallowed_methods, reason = "a real connection is watched in real time; the session has the clock")]
fn ticks() -> Interval {
    tokio::time::interval(Duration::from_millis(TICK_MS.unsigned_abs()))
}
