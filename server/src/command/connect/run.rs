//! A connector at work: it follows the phone system, posts, reports, and stops in order.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use connect::{
    call::Settings,
    link::{self, Place},
    session::{Saved, Session},
};
use domain::time::Clock;
use engine::{
    SystemClock,
    store::spool::{Spool, SpoolLimits},
};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::given::Given;
use crate::{
    command::{CommandError, serve::Signals},
    connector::{
        offhook::{Offhook, Registered},
        poster::{Poster, Verbosity},
        reporter::Reporter,
        sink::{self, SpoolSink},
    },
};

/// How long what is left may take to be posted when the connector stops. The rest stays in the spool.
const STOP_MAX: Duration = Duration::from_secs(5);

/// All that a connector needs.
pub(super) struct Connection<S> {
    pub place: Place,
    /// Makes a session of these settings.
    pub session: S,
    pub given: Given,
    pub offhook: Offhook,
    pub spool: PathBuf,
    pub limits: SpoolLimits,
    pub verbosity: Verbosity,
}

impl<P: Session, S: Fn(Settings, Saved) -> P> Connection<S> {
    /// Runs until a signal stops it.
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let spool = Arc::new(open(&self.spool, self.limits).await?);
        let sink = Arc::new(SpoolSink::new(Arc::clone(&spool), Arc::clone(&clock)));
        let parts = Parts { sink, offhook: Arc::new(self.offhook), spool, clock, stop: CancellationToken::new() };
        let registered = watch::Sender::new(sink::remembered(&parts.spool).await?);
        let known = registered.subscribe();
        let tasks = parts.start(registered, self.verbosity);
        let stopping = CancellationToken::new();
        tokio::spawn(cancel_on_signal(Signals::listen()?, stopping.clone()));
        follow(self.place, &self.session, &self.given, known, &parts, &stopping).await?;
        tracing::info!("stopping: what is left is posted");
        parts.stop.cancel();
        if tokio::time::timeout(STOP_MAX, futures::future::join_all(tasks)).await.is_err() {
            tracing::warn!("stopped before everything was posted");
        }
        let waiting = parts.spool.backlog().await.events;
        tracing::info!(waiting, "stopped");
        Ok(())
    }
}

async fn cancel_on_signal(mut signals: Signals, stopping: CancellationToken) {
    signals.next().await;
    stopping.cancel();
}

/// Follows the phone system, again from the spool whenever other trunks are chosen in the dashboard.
async fn follow<P: Session>(
    place: Place,
    session: &impl Fn(Settings, Saved) -> P,
    given: &Given,
    mut registered: watch::Receiver<Option<Registered>>,
    parts: &Parts,
    stopping: &CancellationToken,
) -> Result<(), CommandError> {
    while !stopping.is_cancelled() {
        if given.needs_registered() {
            tracing::info!("waiting for the trunks that are chosen in Offhook");
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                known = registered.wait_for(Option::is_some) => drop(known),
            }
        }
        let settings = given.settings(registered.borrow_and_update().as_ref());
        let saved = sink::saved(&parts.spool).await?;
        let waiting = parts.spool.backlog().await.events;
        let (open, trunks) = (saved.calls.open.len(), settings.trunks.iter().cloned().collect::<Vec<_>>().join(", "));
        tracing::info!(address = %place.address, %trunks, open, waiting, "connecting");
        let session = session(settings.clone(), saved);
        let changed = async {
            let differs = |now: &Option<Registered>| given.settings(now.as_ref()) != settings;
            tokio::select! {
                () = stopping.cancelled() => {}
                changed = registered.wait_for(differs) => match changed {
                    Ok(_) => tracing::info!("other settings were chosen in Offhook"),
                    Err(_) => stopping.cancelled().await,
                },
            }
        };
        link::run(place.clone(), session, Arc::clone(&parts.sink), Arc::clone(&parts.clock), changed).await;
    }
    Ok(())
}

async fn open(path: &Path, limits: SpoolLimits) -> Result<Spool, CommandError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    let opened = Spool::open(path, limits).await;
    Ok(opened.map_err(|error| anyhow!("the spool {} can't be opened: {error}", path.display()))?)
}

/// What the tasks of a connector share.
struct Parts {
    sink: Arc<SpoolSink>,
    offhook: Arc<Offhook>,
    spool: Arc<Spool>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
}

impl Parts {
    /// Starts to post and to report.
    fn start(&self, registered: watch::Sender<Option<Registered>>, verbosity: Verbosity) -> Vec<JoinHandle<()>> {
        let connector = self.offhook.connector().cloned();
        let lag_ms = Arc::default();
        let poster = Poster {
            spool: Arc::clone(&self.spool),
            offhook: Arc::clone(&self.offhook),
            clock: Arc::clone(&self.clock),
            registered: connector.is_some().then(|| registered.subscribe()),
            lag_ms: Arc::clone(&lag_ms),
            verbosity,
        };
        let mut tasks = vec![tokio::spawn(poster.run(Arc::clone(&self.sink), self.stop.clone()))];
        if let Some(connector) = connector {
            let (offhook, spool) = (Arc::clone(&self.offhook), Arc::clone(&self.spool));
            let state = self.sink.state.subscribe();
            let run = format!("{}-{}", self.clock.now().0, std::process::id());
            let reporter = Reporter { connector, offhook, spool, state, lag_ms, run, registered };
            tasks.push(tokio::spawn(reporter.run(self.stop.clone())));
        }
        tasks
    }
}
