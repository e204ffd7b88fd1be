//! `offhook serve`

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use engine::{Engine, SystemClock};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    command::{Failed, own_keys},
    config::Serve,
    listen,
    room::Room,
    web,
};

pub(super) async fn run(settings: Serve) -> Result<(), Failed> {
    let listener =
        TcpListener::bind(&settings.listen).await.with_context(|| format!("listen on {}", settings.listen))?;
    let address = listener.local_addr().context("own address")?;
    let engine = open(&settings, address).await?;
    let public_url = settings.public_url(address).map_err(anyhow::Error::from)?;
    let room = Arc::new(Room::new(engine, public_url, settings.trusted_proxies.0.clone()));
    room.engine.start().await.context("start")?;
    greet(&settings, &room, address);
    tokio::spawn(stop_on_signal(room.stopping.clone()));
    let served = async {
        listen::serve(listener, web::router(&room), room.stopping.clone()).await;
        room.engine.stop().await;
    };
    tokio::select! {
        () = served => tracing::info!("stopped"),
        () = second_signal(&room.stopping) => tracing::warn!("stopped at once"),
    }
    Ok(())
}

async fn open(settings: &Serve, address: SocketAddr) -> Result<Arc<Engine>, Failed> {
    let keys = own_keys::of_server(settings).await?;
    let ring = keys.ring.clone();
    let config = settings.engine(address, keys).map_err(anyhow::Error::from)?;
    let engine = Engine::open(config, Arc::new(SystemClock)).await.context("open the database")?;
    let sealed = engine.sealed_by().await.context("look at what is sealed")?;
    own_keys::fit(&sealed, Some(&ring), &settings.store, &settings.lost_keys)?;
    Ok(engine)
}

fn greet(settings: &Serve, room: &Room, address: SocketAddr) {
    if settings.smtp_url.is_none() {
        tracing::info!("no mail server is set: invitations and password resets are shown in this log");
    }
    tracing::info!(%address, public_url = %room.public_url, version = env!("CARGO_PKG_VERSION"), "listening");
}

async fn stop_on_signal(stopping: CancellationToken) {
    signalled().await;
    stopping.cancel();
    tracing::info!("stopping: no new connections, requests in progress are finished");
}

/// For those who do not want to wait. Nothing is lost: what was in flight is taken up at the next start.
async fn second_signal(stopping: &CancellationToken) {
    stopping.cancelled().await;
    // The first signal wakes this one too when it listens early, so it only begins to listen now.
    signalled().await;
}

/// Ctrl-C, or what supervisors send.
pub(super) async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => drop(signals.recv().await),
            Err(error) => {
                tracing::error!(%error, "cannot hear SIGTERM");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
