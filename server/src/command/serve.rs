//! `offhook serve`

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context as _, anyhow};
use engine::{Engine, SystemClock};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::{
    admission::{Admission, CONNECTIONS_MAX},
    ami,
    app_state::{AppState, SharedState},
    command::{CommandError, descriptors, instance_keys},
    config::Serve,
    imports,
    known_host::KnownHosts,
    listen,
    starting::Routes,
    web,
};

/// Most connections of the listener for supervisors. An address may hold 64 of them.
const ADMIN_CONNECTIONS_MAX: usize = 1_024;

pub(super) async fn run(settings: Serve) -> Result<(), CommandError> {
    let connections_max = connections_max(descriptors::raise_limit());
    let admission = Arc::new(Admission::new(settings.trusted_proxies.0.clone(), connections_max));
    let (routes, stopping) = (Routes::starting("reading the instance keys"), CancellationToken::new());
    let (address, serving) = listen(&settings.listen, &routes, &admission, &stopping).await?;
    tracing::info!(listen = %address, "starting");
    let admin = match &settings.admin_listen {
        Some(wanted) => Some(listen_for_supervisors(wanted, &routes, &stopping).await?),
        None => None,
    };
    let state = start(&settings, address, &routes, &stopping).await?;
    let state = Arc::new(AppState { admission, has_admin_listener: admin.is_some(), ..state });
    // Before anyone hears that it has started, and may stop it.
    let signals = Signals::listen()?;
    if let Some(admin) = admin {
        admin.start(web::admin_router(&state));
    }
    routes.start(web::router(&state));
    imports::start(&state);
    log_start(&settings, &state, address);
    tokio::spawn(ami::run(Arc::clone(&state)));
    tokio::spawn(stop_on_signal(signals, stopping));
    until_stopped(&state, serving).await
}

/// Runs until the server has stopped.
///
/// # Errors
/// `Other` if the engine cannot continue: a task that it cannot do without keeps panicking.
pub async fn until_stopped(state: &SharedState, serving: JoinHandle<()>) -> Result<(), CommandError> {
    let served = async {
        // It ends when the server stops.
        let _ = serving.await;
        state.phone_systems.drained().await;
        state.engine.stop().await;
    };
    tokio::select! {
        () = served => tracing::info!("stopped"),
        () = second_signal(&state.stopping) => tracing::warn!("stopped immediately"),
        why = state.engine.gave_up() => {
            // Whatever else still runs would only hide it: another node, or the next start, takes over.
            state.stopping.cancel();
            state.engine.stop().await;
            return Err(anyhow!("cannot continue: {why}").into());
        }
    }
    Ok(())
}

/// Listens on this address and serves these routes until the server stops.
async fn listen(
    wanted: &str,
    routes: &Routes,
    admission: &Arc<Admission>,
    stopping: &CancellationToken,
) -> Result<(SocketAddr, JoinHandle<()>), CommandError> {
    let listener = TcpListener::bind(wanted).await.with_context(|| format!("listen on {wanted}"))?;
    let address = listener.local_addr().context("own address")?;
    let serving = listen::serve(listener, routes.clone(), Arc::clone(admission), stopping.clone());
    Ok((address, tokio::spawn(serving)))
}

/// The second listener, whose connections are its own: it responds when the first one has too many.
async fn listen_for_supervisors(
    wanted: &str,
    routes: &Routes,
    stopping: &CancellationToken,
) -> Result<Routes, CommandError> {
    let routes = routes.of_another_listener();
    let admission = Arc::new(Admission::new(Vec::new(), ADMIN_CONNECTIONS_MAX));
    let (address, _) = listen(wanted, &routes, &admission, stopping).await?;
    tracing::info!(admin = %address, "listening for supervisors: /metrics, /readyz, /healthz");
    Ok(routes)
}

/// Everything that may take a while. A signal still ends the process at once.
async fn start(
    settings: &Serve,
    address: SocketAddr,
    routes: &Routes,
    stopping: &CancellationToken,
) -> Result<AppState, CommandError> {
    let engine = open(settings, address, routes).await?;
    routes.enter("taking over deliveries");
    engine.start().await.context("start")?;
    let public_url = settings.public_url(address).map_err(anyhow::Error::from)?;
    let known_hosts = settings.public_url.as_ref().map(|url| KnownHosts::new(url, address));
    let state = AppState::new(engine, public_url, settings.trusted_proxies.0.clone());
    Ok(AppState { stopping: stopping.clone(), known_hosts, ..state })
}

async fn open(settings: &Serve, address: SocketAddr, routes: &Routes) -> Result<Arc<Engine>, CommandError> {
    let keys = instance_keys::for_server(settings).await?;
    let ring = keys.ring.clone();
    let config = settings.engine(address, keys).map_err(anyhow::Error::from)?;
    routes.enter("opening and migrating the database");
    let engine = Engine::open(config, Arc::new(SystemClock)).await.context("open the database")?;
    let sealed = engine.sealed_by().await.context("read which keys are in use")?;
    instance_keys::check(&sealed, Some(&ring), &settings.store, &settings.lost_keys)?;
    Ok(engine)
}

fn log_start(settings: &Serve, state: &AppState, address: SocketAddr) {
    if settings.smtp_url.is_none() {
        tracing::info!("no mail server is configured: invitations and password resets are shown in this log");
    }
    let who = state.backend.sign_up_policy();
    tracing::info!(sign_up = who.as_str(), "sign-up: {}", who.meaning());
    tracing::info!(%address, public_url = %state.public_url, version = env!("CARGO_PKG_VERSION"), "listening");
}

/// Connections that are accepted with this many descriptors: half of them stay free for attempts and the database.
fn connections_max(descriptors: u64) -> usize {
    usize::try_from(descriptors / 2).unwrap_or(usize::MAX).min(CONNECTIONS_MAX)
}

async fn stop_on_signal(mut signals: Signals, stopping: CancellationToken) {
    signals.next().await;
    stopping.cancel();
    tracing::info!("stopping: no new connections are accepted, requests in progress are finished");
}

/// Stops without waiting. Nothing is lost: deliveries in progress continue after the next start.
async fn second_signal(stopping: &CancellationToken) {
    stopping.cancelled().await;
    // Listening earlier would receive the first signal, too.
    match Signals::listen() {
        Ok(mut signals) => signals.next().await,
        Err(_) => std::future::pending().await,
    }
}

/// Ctrl-C, or SIGTERM from a supervisor. Whichever comes before anyone listens ends the process at once.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens from now on.
    pub(super) fn listen() -> Result<Self, CommandError> {
        let listen = |kind| signal(kind).context("listen for signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// The next one.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
