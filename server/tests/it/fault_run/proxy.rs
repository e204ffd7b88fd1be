//! A TCP proxy between a node and its database that cuts connections, or freezes them.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// A running proxy.
pub(super) struct Proxy {
    address: SocketAddr,
    cuts: watch::Sender<usize>,
    frozen: watch::Sender<bool>,
}

impl Proxy {
    /// Starts one in front of this port.
    pub(super) async fn start(upstream: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ((cuts, cut), (frozen, freezing)) = (watch::channel(0), watch::channel(false));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(client, upstream, cut.clone(), freezing.clone()));
            }
        });
        Self { address, cuts, frozen }
    }

    /// A database URL with this proxy as its server.
    pub(super) fn url(&self, url: &str) -> String {
        let name = url.rsplit('/').next().unwrap();
        format!("postgres://offhook@{}/{name}", self.address)
    }

    /// Cuts all connections.
    pub(super) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Passes nothing on, and closes nothing, until it is called with `false`.
    pub(super) fn freeze(&self, frozen: bool) {
        self.frozen.send_replace(frozen);
    }
}

async fn connect(client: TcpStream, upstream: u16, mut cut: watch::Receiver<usize>, frozen: watch::Receiver<bool>) {
    cut.mark_unchanged();
    let Ok(server) = TcpStream::connect(("127.0.0.1", upstream)).await else { return };
    let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = pass(from_client, to_server, frozen.clone()) => {}
        () = pass(from_server, to_client, frozen) => {}
        _ = cut.changed() => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut frozen: watch::Receiver<bool>) {
    let mut buffer = [0; 16 * 1_024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if frozen.wait_for(|frozen| !frozen).await.is_err() || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
