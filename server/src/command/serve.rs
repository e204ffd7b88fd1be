//! `offhook serve`

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context as _, anyhow};
use engine::{Engine, SystemClock};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    app_state::AppState,
    command::{CommandError, instance_keys},
    config::Serve,
    listen, web,
};

pub(super) async fn run(settings: Serve) -> Result<(), CommandError> {
    let listener =
        TcpListener::bind(&settings.listen).await.with_context(|| format!("listen on {}", settings.listen))?;
    let address = listener.local_addr().context("own address")?;
    let engine = open(&settings, address).await?;
    let public_url = settings.public_url(address).map_err(anyhow::Error::from)?;
    let state = Arc::new(AppState::new(engine, public_url, settings.trusted_proxies.0.clone()));
    state.engine.start().await.context("start")?;
    log_start(&settings, &state, address);
    tokio::spawn(stop_on_signal(state.stopping.clone()));
    let served = async {
        listen::serve(listener, web::router(&state), state.stopping.clone()).await;
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

async fn open(settings: &Serve, address: SocketAddr) -> Result<Arc<Engine>, CommandError> {
    let keys = instance_keys::for_server(settings).await?;
    let ring = keys.ring.clone();
    let config = settings.engine(address, keys).map_err(anyhow::Error::from)?;
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
