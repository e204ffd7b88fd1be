//! Posts what is in the spool: the events of a call one after the other, those of several calls in parallel. While the server
//! does not accept events, all of them wait.

use std::{
    collections::HashSet,
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use connect::event::CallEvent;
use domain::time::Clock;
use engine::{
    clock::stopwatch,
    store::{
        error::StoreResult,
        spool::{Spool, SpooledEvent},
    },
};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use serde::Serialize;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::offhook::{Offhook, Owner, Registered, Reply};

/// Most events that are posted at once.
const AT_ONCE_MAX: usize = 16;
/// The first wait after a failure.
const WAIT_FIRST: Duration = Duration::from_millis(500);
/// The longest wait after a failure.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// The longest wait that a server can ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// Whether each posted event is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Nothing is.
    Quiet,
    /// One JSON line for each.
    Verbose,
}

/// Posts events.
pub struct Poster {
    /// Where they wait.
    pub spool: Arc<Spool>,
    /// Where they go.
    pub offhook: Arc<Offhook>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How the server knows the connector, if it has an ID: this decides whether events need a route.
    pub registered: Option<watch::Receiver<Option<Registered>>>,
    /// The latest time from an event to its acceptance, in milliseconds.
    pub lag_ms: Arc<AtomicU32>,
    /// What is printed.
    pub verbosity: Verbosity,
}

type Post = BoxFuture<'static, (SpooledEvent, Reply)>;

struct Posting {
    posts: FuturesUnordered<Post>,
    /// Calls of which an event is being posted.
    calls: HashSet<String>,
    /// Events that were accepted, and are not removed from the spool yet.
    accepted: Vec<i64>,
    wait: Duration,
    paused_until: Option<Instant>,
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    call_id: &'a str,
    status: Option<u16>,
    lag_ms: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'a str>,
}

impl Poster {
    /// Posts until `stop`; then what is left, until the spool is empty or the server does not accept it.
    pub async fn run(mut self, saved: Arc<impl AsRef<Notify>>, stop: CancellationToken) {
        let mut posting = Posting::new();
        while let Err(error) = self.post_all(&mut posting, (*saved).as_ref(), &stop).await {
            tracing::error!(%error, "the spool can't be read or written; trying again");
            posting.posts.clear();
            posting.calls.clear();
            if stopped(&stop, WAIT_FIRST).await {
                return;
            }
        }
    }

    async fn post_all(&mut self, posting: &mut Posting, saved: &Notify, stop: &CancellationToken) -> StoreResult<()> {
        let Some(owner) = self.owner(stop).await else { return Ok(()) };
        loop {
            let is_stopping = stop.is_cancelled();
            self.begin(posting, owner).await?;
            if is_stopping && (posting.posts.is_empty() || posting.paused_until.is_some()) {
                return Ok(());
            }
            tokio::select! {
                Some(first) = posting.posts.next() => self.settle(posting, first).await?,
                () = saved.notified(), if !is_stopping => {}
                () = stop.cancelled(), if !is_stopping => {}
                () = resume(posting.paused_until) => posting.paused_until = None,
            }
        }
    }

    async fn owner(&mut self, stop: &CancellationToken) -> Option<Owner> {
        // Without the ID of a connector, the token has to be an account's.
        let Some(registered) = &mut self.registered else { return Some(Owner::Account) };
        let known = registered.borrow().as_ref().map(|registered| registered.owner);
        tokio::select! {
            () = stop.cancelled() => known,
            now = registered.wait_for(Option::is_some) => now.ok()?.as_ref().map(|registered| registered.owner),
        }
    }

    /// Begins to post, up to the limit. What was accepted leaves the spool in the same step.
    async fn begin(&self, posting: &mut Posting, owner: Owner) -> StoreResult<()> {
        let is_paused = posting.paused_until.is_some();
        let free = if is_paused { 0 } else { AT_ONCE_MAX - posting.posts.len() };
        if free == 0 && posting.accepted.is_empty() {
            return Ok(());
        }
        let limit = u32::try_from(AT_ONCE_MAX + posting.calls.len()).unwrap_or(u32::MAX);
        let next = self.spool.next(std::mem::take(&mut posting.accepted), limit, self.clock.now()).await?;
        let waiting = next.into_iter().filter(|event| !posting.calls.contains(&event.call_id));
        for event in waiting.take(free).collect::<Vec<_>>() {
            posting.calls.insert(event.call_id.clone());
            posting.posts.push(post(Arc::clone(&self.offhook), event, owner).boxed());
        }
        Ok(())
    }

    /// Records the outcome of a post, together with those of others that have ended.
    async fn settle(&self, posting: &mut Posting, first: (SpooledEvent, Reply)) -> StoreResult<()> {
        let mut next = Some(first);
        while let Some((event, reply)) = next {
            posting.calls.remove(&event.call_id);
            match reply {
                Reply::Accepted(status) => {
                    posting.wait = WAIT_FIRST;
                    self.print(&event, Some(status.as_u16()), None);
                    posting.accepted.push(event.number);
                }
                Reply::Refused(reason) => {
                    tracing::error!(event = %event.id, %reason, "the server refused an event; it is kept in the spool's list of refused events");
                    self.print(&event, None, Some(&reason));
                    self.spool.refused(event, reason, self.clock.now()).await?;
                }
                Reply::Later { wait, reason } => posting.pause(wait, &reason),
            }
            next = posting.posts.next().now_or_never().flatten();
        }
        Ok(())
    }

    fn print(&self, event: &SpooledEvent, status: Option<u16>, refused: Option<&str>) {
        let lag_ms = u32::try_from(self.clock.now().0.saturating_sub(event.spooled_ms)).unwrap_or(0);
        if status.is_some() {
            self.lag_ms.store(lag_ms, Ordering::Relaxed);
        }
        if self.verbosity == Verbosity::Verbose {
            let line = Line { id: &event.id, call_id: &event.call_id, status, lag_ms, refused };
            // If stdout is closed, the lines are lost and the connector keeps running.
            let _ = serde_json::to_string(&line).map(|line| writeln!(std::io::stdout(), "{line}"));
        }
    }
}

impl Posting {
    fn new() -> Self {
        Self {
            posts: FuturesUnordered::new(),
            calls: HashSet::new(),
            accepted: Vec::new(),
            wait: WAIT_FIRST,
            paused_until: None,
        }
    }

    fn pause(&mut self, wait: Option<Duration>, reason: &str) {
        if self.paused_until.is_some() {
            return;
        }
        self.wait = wait.map_or((self.wait * 2).min(WAIT_MAX), |wait| wait.clamp(WAIT_FIRST, RETRY_AFTER_MAX));
        self.paused_until = Some(stopwatch() + self.wait);
        tracing::warn!(%reason, wait_ms = self.wait.as_millis(), "the server does not accept events; they wait in the spool");
    }
}

async fn post(offhook: Arc<Offhook>, event: SpooledEvent, owner: Owner) -> (SpooledEvent, Reply) {
    let reply = match serde_json::from_str::<CallEvent>(&event.body) {
        Ok(call_event) => offhook.post(&call_event, owner).await,
        Err(error) => Reply::Refused(format!("it can't be read from the spool: {error}")),
    };
    (event, reply)
}

#[expect(clippy::disallowed_methods, reason = "waits in real time for another server; no rule depends on it")]
async fn pause(wait: Duration) {
    tokio::time::sleep(wait).await;
}

async fn resume(paused_until: Option<Instant>) {
    match paused_until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

async fn stopped(stop: &CancellationToken, wait: Duration) -> bool {
    tokio::select! {
        () = stop.cancelled() => true,
        () = pause(wait) => false,
    }
}
