//! A TCP proxy in front of the test cluster that cuts its connections.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, UnixStream, tcp::OwnedWriteHalf, unix::OwnedReadHalf},
    sync::watch,
};

/// A proxy. Dropping it cuts everything.
pub(crate) struct Proxy {
    address: SocketAddr,
    cuts: watch::Sender<usize>,
    /// Bytes of responses that still pass; `usize::MAX` for no limit.
    left: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts one in front of the database with this URL, which names its socket's folder.
    pub(crate) async fn start(url: &str) -> Self {
        let folder = url.split_once("host=").expect("the cluster listens on a socket").1.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cuts, cut) = watch::channel(0);
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let passing = left.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(format!("{folder}/.s.PGSQL.5432")).await.unwrap();
                let (mut cut, left) = (cut.clone(), passing.clone());
                cut.mark_unchanged();
                tokio::spawn(async move {
                    let (mut from_client, to_client) = client.into_split();
                    let (from_server, mut to_server) = server.into_split();
                    tokio::select! {
                        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
                        () = responses(from_server, to_client, left) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { address, cuts, left }
    }

    /// The URL of the same database through the proxy.
    pub(crate) fn url(&self, url: &str) -> String {
        let (base, _) = url.split_once('?').unwrap();
        base.replace("@localhost", &format!("@{}", self.address))
    }

    /// Cuts all connections at once.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Cuts the connection whose response exceeds this many bytes from now on, in the middle of a message.
    pub(crate) fn cut_after(&self, bytes: usize) {
        self.left.store(bytes, Relaxed);
    }
}

/// Passes responses on until the proxy cuts them.
async fn responses(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, left: Arc<AtomicUsize>) {
    let mut buffer = [0; 4_096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let passing = left.load(Relaxed).min(read);
        if to.write_all(&buffer[..passing]).await.is_err() {
            return;
        }
        if passing < read {
            left.store(usize::MAX, Relaxed);
            return;
        }
        if left.load(Relaxed) != usize::MAX {
            left.fetch_sub(passing, Relaxed);
        }
    }
}
