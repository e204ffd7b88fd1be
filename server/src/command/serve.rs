//! `offhook serve`

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context as _, anyhow};
use engine::{Engine, SystemClock};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    app_state::AppState,
    command::{CommandError, descriptors, instance_keys},
    config::Serve,
    listen::{
        self,
        admission::{Admission, CONNECTIONS_MAX},
    },
    starting::Routes,
    web,
};

pub(super) async fn run(settings: Serve) -> Result<(), CommandError> {
    let connections_max = connections_max(descriptors::raise_limit());
    let admission = Arc::new(Admission::new(settings.trusted_proxies.0.clone(), connections_max));
    let listener =
        TcpListener::bind(&settings.listen).await.with_context(|| format!("listen on {}", settings.listen))?;
    let address = listener.local_addr().context("own address")?;
    let (routes, stopping) = (Routes::starting("reading the instance keys"), CancellationToken::new());
    tracing::info!(listen = %address, "starting");
    let serving = tokio::spawn(listen::serve(listener, routes.clone(), Arc::clone(&admission), stopping.clone()));
    let state = start(&settings, address, &routes, &stopping).await?;
    let state = Arc::new(AppState { admission, ..state });
    routes.start(web::router(&state));
    log_start(&settings, &state, address);
    tokio::spawn(stop_on_signal(stopping));
    let served = async {
        // It ends when the server stops.
        let _ = serving.await;
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
    let state = AppState::new(engine, public_url, settings.trusted_proxies.0.clone());
    Ok(AppState { stopping: stopping.clone(), ..state })
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
    tracing::info!(%address, public_url = %state.public_url, version = env!("CARGO_PKG_VERSION"), "listening");
}

/// Connections that are accepted with this many descriptors: half of them stay free for attempts and the database.
fn connections_max(descriptors: u64) -> usize {
    usize::try_from(descriptors / 2).unwrap_or(usize::MAX).min(CONNECTIONS_MAX)
}

async fn stop_on_signal(stopping: CancellationToken) {
    signalled().await;
    stopping.cancel();
    tracing::info!("stopping: no new connections are accepted, requests in progress are finished");
}

/// Stops without waiting. Nothing is lost: deliveries in progress continue after the next start.
async fn second_signal(stopping: &CancellationToken) {
    stopping.cancelled().await;
    // Listening earlier would receive the first signal, too.
    signalled().await;
}

/// Ctrl-C, or SIGTERM from a supervisor.
pub(super) async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => drop(signals.recv().await),
            Err(error) => {
                tracing::error!(%error, "cannot listen for SIGTERM");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
