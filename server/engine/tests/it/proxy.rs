//! A TCP proxy in front of the test cluster that cuts its connections.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, UnixStream, tcp, unix},
    sync::watch,
};

/// A proxy. Dropping it cuts everything.
pub(crate) struct Proxy {
    address: SocketAddr,
    cuts: watch::Sender<usize>,
    refuses: Arc<AtomicBool>,
    /// Bytes of responses that still pass; `usize::MAX` for no limit.
    left: Arc<AtomicUsize>,
    round_trips: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts one in front of the database with this URL, which names its socket's folder.
    pub(crate) async fn start(url: &str) -> Self {
        let folder = url.split_once("host=").expect("the cluster listens on a socket").1.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cuts, cut) = watch::channel(0);
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let (passing, round_trips) = (left.clone(), Arc::new(AtomicUsize::new(0)));
        let (trips, refuses) = (round_trips.clone(), Arc::new(AtomicBool::new(false)));
        let refusing = refuses.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if refusing.load(Relaxed) {
                    continue;
                }
                let server = UnixStream::connect(format!("{folder}/.s.PGSQL.5432")).await.unwrap();
                let (mut cut, left, trips) = (cut.clone(), passing.clone(), trips.clone());
                cut.mark_unchanged();
                tokio::spawn(async move {
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    tokio::select! {
                        _ = requests(from_client, to_server, trips) => {}
                        () = responses(from_server, to_client, left) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { address, cuts, refuses, left, round_trips }
    }

    /// The URL of the same database through the proxy.
    pub(crate) fn url(&self, url: &str) -> String {
        let (base, _) = url.split_once('?').unwrap();
        base.replace("@localhost", &format!("@{}", self.address))
    }

    /// How often clients have waited for responses to what they sent.
    pub(crate) fn round_trips(&self) -> usize {
        self.round_trips.load(Relaxed)
    }

    /// Cuts all connections at once.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Cuts all connections, and closes new ones at once, until this is called with `false`.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Relaxed);
        self.cut();
    }

    /// Cuts the connection whose response exceeds this many bytes from now on, in the middle of a message.
    pub(crate) fn cut_after(&self, bytes: usize) {
        self.left.store(bytes, Relaxed);
    }
}

/// Passes requests on, and counts those that end with Sync (PostgreSQL's protocol, "Message Formats").
async fn requests(
    mut from: tcp::OwnedReadHalf,
    mut to: unix::OwnedWriteHalf,
    trips: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    const ENCRYPTION_REQUEST: u32 = 80_877_103;
    let mut started = false;
    loop {
        // Only the messages that start a session have no type.
        let kind = if started { Some(from.read_u8().await?) } else { None };
        let length = from.read_u32().await?;
        let mut message = vec![0; length as usize - 4];
        from.read_exact(&mut message).await?;
        started |= kind.is_none() && message[..4] != ENCRYPTION_REQUEST.to_be_bytes();
        if kind == Some(b'S') {
            trips.fetch_add(1, Relaxed);
        }
        let head = kind.into_iter().chain(length.to_be_bytes()).collect::<Vec<u8>>();
        to.write_all(&[head, message].concat()).await?;
    }
}

/// Passes responses on until the proxy cuts them.
async fn responses(mut from: unix::OwnedReadHalf, mut to: tcp::OwnedWriteHalf, left: Arc<AtomicUsize>) {
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
