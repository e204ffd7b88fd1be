//! A connector at work: it follows the phone system, posts, reports, and stops in order.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use connect::{
    asterisk::{
        link::{self, Place},
        session::{Account, Session},
    },
    call::Settings,
};
use domain::time::Clock;
use engine::{
    SystemClock,
    store::spool::{Spool, SpoolLimits},
};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    command::{CommandError, serve::signalled},
    connector::{
        offhook::{Offhook, Owner},
        poster::{Poster, Verbosity},
        reporter::Reporter,
        sink::{self, SpoolSink},
    },
};

/// How long what is left may take to be posted when the connector stops. The rest stays in the spool.
const STOP_MAX: Duration = Duration::from_secs(5);

/// All that a connector needs.
pub(super) struct Connection {
    pub place: Place,
    pub account: Account,
    pub settings: Settings,
    pub offhook: Offhook,
    pub spool: PathBuf,
    pub limits: SpoolLimits,
    pub verbosity: Verbosity,
}

impl Connection {
    /// Runs until it is told to stop.
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let spool = Arc::new(open(&self.spool, self.limits).await?);
        let saved = sink::saved(&spool).await?;
        let waiting = spool.backlog().await.events;
        tracing::info!(ami = %self.place.ami, spool = %self.spool.display(), open = saved.calls.open.len(), waiting, "connecting");
        let session = Session::new(self.account, self.settings, saved);
        let sink = Arc::new(SpoolSink::new(Arc::clone(&spool), Arc::clone(&clock)));
        let (offhook, stop) = (Arc::new(self.offhook), CancellationToken::new());
        let tasks = start(&Arc::clone(&sink), &offhook, &spool, &clock, self.verbosity, &stop);
        link::run(self.place, session, sink, clock, signalled()).await;
        tracing::info!("stopping: what is left is posted");
        stop.cancel();
        let finishing = futures::future::join_all(tasks);
        if tokio::time::timeout(STOP_MAX, finishing).await.is_err() {
            tracing::warn!("stopped before everything was posted");
        }
        let waiting = spool.backlog().await.events;
        tracing::info!(waiting, "stopped");
        Ok(())
    }
}

async fn open(path: &PathBuf, limits: SpoolLimits) -> Result<Spool, CommandError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    let opened = Spool::open(path, limits).await;
    Ok(opened.map_err(|error| anyhow!("the spool {} can't be opened: {error}", path.display()))?)
}

/// Starts to post and to report.
fn start(
    sink: &Arc<SpoolSink>,
    offhook: &Arc<Offhook>,
    spool: &Arc<Spool>,
    clock: &Arc<dyn Clock>,
    verbosity: Verbosity,
    stop: &CancellationToken,
) -> Vec<JoinHandle<()>> {
    let connector = offhook.connector().cloned();
    // Without the ID of a connector, the token has to be an account's.
    let owner = watch::Sender::new(connector.is_none().then_some(Owner::Account));
    let lag_ms = Arc::default();
    let poster = Poster {
        spool: Arc::clone(spool),
        offhook: Arc::clone(offhook),
        clock: Arc::clone(clock),
        owner: owner.subscribe(),
        lag_ms: Arc::clone(&lag_ms),
        verbosity,
    };
    let mut tasks = vec![tokio::spawn(poster.run(Arc::clone(sink), stop.clone()))];
    if let Some(connector) = connector {
        let (offhook, spool) = (Arc::clone(offhook), Arc::clone(spool));
        let reporter = Reporter { connector, offhook, spool, state: sink.state.subscribe(), lag_ms, owner };
        tasks.push(tokio::spawn(reporter.run(stop.clone())));
    }
    tasks
}
