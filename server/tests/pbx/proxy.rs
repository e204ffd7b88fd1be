//! A TCP proxy between the connector and AMI that cuts connections, or lets them fall silent.

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
pub(crate) struct Proxy {
    pub address: SocketAddr,
    passage: watch::Sender<Passage>,
}

/// What becomes of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    /// They pass.
    Open,
    /// They are closed, and new ones, too.
    Cut,
    /// Nothing more comes from those that exist, as if the network had swallowed them; new ones are closed.
    Silent,
}

impl Proxy {
    /// Starts one in front of this address.
    pub(crate) async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (passage, state) = watch::channel(Passage::Open);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *state.borrow() == Passage::Open {
                    tokio::spawn(connect(client, upstream, state.clone()));
                }
            }
        });
        Self { address, passage }
    }

    pub(crate) fn set(&self, passage: Passage) {
        self.passage.send_replace(passage);
    }
}

async fn connect(client: TcpStream, upstream: SocketAddr, state: watch::Receiver<Passage>) {
    let Ok(server) = TcpStream::connect(upstream).await else { return };
    let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = pass(from_client, to_server, state.clone()) => {}
        () = pass(from_server, to_client, state) => {}
    }
}

/// Returns when the connection is to be closed. One that has fallen silent stays so until its end.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<Passage>) {
    let mut buffer = [0; 16 * 1_024];
    let mut is_silent = false;
    loop {
        tokio::select! {
            changed = state.changed() => match *state.borrow_and_update() {
                Passage::Cut => return,
                Passage::Silent => is_silent = true,
                Passage::Open if changed.is_err() => return,
                Passage::Open => {}
            },
            read = from.read(&mut buffer) => {
                let Ok(read @ 1..) = read else { return };
                if !is_silent && to.write_all(&buffer[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}
