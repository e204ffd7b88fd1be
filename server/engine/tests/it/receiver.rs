//! A receiver on loopback that records requests and responds as scripted, down to the bytes.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use engine::clock::sleep_ms;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore},
};

/// A recorded request.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub head: String,
    pub body: String,
}

impl Received {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let line = self.head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    }
}

/// How to respond to a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Respond with this status.
    Status(u16),
    /// Respond with 429 and ask for a pause of a second.
    TooMany,
    /// Respond with these bytes.
    Bytes(String),
    /// Respond with these bytes and keep the connection open.
    Stall(String),
    /// Close the connection without a response.
    HangUp,
    /// Keep the connection open and send nothing.
    Hang,
    /// Send the headers at once, then one byte a second.
    Drip,
    /// Respond with 200 and send up to this many bytes, for as long as the client reads.
    Flood(usize),
    /// Reset the connection.
    Reset,
    /// Respond with 200 once the semaphore has a permit.
    Wait(Arc<Semaphore>),
}

#[derive(Default)]
struct Script {
    next: VecDeque<Reply>,
    usual: Option<Reply>,
    fail_every: usize,
    /// How many more requests are accepted before the others get 429; none for all.
    allowed: Option<usize>,
    received: Vec<Received>,
    flooded: usize,
}

#[derive(Clone)]
pub(crate) struct Receiver {
    pub address: SocketAddr,
    script: Arc<Mutex<Script>>,
    arrived: Arc<Notify>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver =
            Self { address: listener.local_addr().unwrap(), script: Arc::default(), arrived: Arc::default() };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let receiver = serving.clone();
                tokio::spawn(async move { receiver.serve(stream).await });
            }
        });
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Responds to the next requests like this, then with 200 again.
    pub(crate) fn next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.script.lock().unwrap().next.extend(replies);
    }

    /// Responds to every request like this from now on.
    pub(crate) fn usually(&self, reply: Reply) {
        self.script.lock().unwrap().usual = Some(reply);
    }

    /// Responds to every request with 200 from now on.
    pub(crate) fn reset_script(&self) {
        let mut script = self.script.lock().unwrap();
        script.next.clear();
        script.usual = None;
    }

    /// Responds with 500 to every `n`th request.
    pub(crate) fn fail_every(&self, n: usize) {
        self.script.lock().unwrap().fail_every = n;
    }

    /// Accepts this many requests, then responds with 429 and asks for a pause of a second.
    pub(crate) fn allow(&self, n: usize) {
        self.script.lock().unwrap().allowed = Some(n);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.script.lock().unwrap().received.clone()
    }

    /// Waits until this many requests have arrived.
    pub(crate) async fn has_received(&self, count: usize) {
        loop {
            let arrived = self.arrived.notified();
            if self.script.lock().unwrap().received.len() >= count {
                return;
            }
            arrived.await;
        }
    }

    /// Bytes of a flood that the client read.
    pub(crate) fn flooded(&self) -> usize {
        self.script.lock().unwrap().flooded
    }

    /// The kinds of the events received, in order.
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.received().iter().map(|r| r.header("offhook-event").unwrap()).collect()
    }

    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        loop {
            let request = read(&mut stream).await?;
            let reply = {
                let mut script = self.script.lock().unwrap();
                script.received.push(request);
                if script.fail_every > 0 && script.received.len().is_multiple_of(script.fail_every) {
                    script.next.push_front(Reply::Status(500));
                }
                match &mut script.allowed {
                    Some(0) => script.next.push_front(Reply::TooMany),
                    Some(left) => *left -= 1,
                    None => {}
                }
                let usual = script.usual.clone().unwrap_or(Reply::Status(200));
                script.next.pop_front().unwrap_or(usual)
            };
            self.arrived.notify_waiters();
            match reply {
                Reply::Status(status) => answer(&mut stream, status, "").await?,
                Reply::TooMany => answer(&mut stream, 429, "retry-after: 1\r\n").await?,
                Reply::Wait(gate) => {
                    gate.acquire().await.ok()?.forget();
                    answer(&mut stream, 200, "").await?;
                }
                Reply::Bytes(bytes) => {
                    stream.write_all(bytes.as_bytes()).await.ok()?;
                    return None;
                }
                Reply::Stall(bytes) => {
                    stream.write_all(bytes.as_bytes()).await.ok()?;
                    std::future::pending::<()>().await;
                }
                Reply::HangUp => return None,
                Reply::Hang => std::future::pending::<()>().await,
                Reply::Drip => return drip(&mut stream).await,
                Reply::Flood(bytes) => return self.flood(&mut stream, bytes).await,
                Reply::Reset => return stream.set_zero_linger().ok(),
            }
        }
    }

    async fn flood(&self, stream: &mut TcpStream, bytes: usize) -> Option<()> {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.ok()?;
        let block = [b'x'; 65_536];
        let mut left = bytes;
        while left > 0 {
            let n = stream.write(&block[..left.min(block.len())]).await.ok()?;
            left -= n;
            self.script.lock().unwrap().flooded += n;
        }
        Some(())
    }
}

async fn answer(stream: &mut TcpStream, status: u16, headers: &str) -> Option<()> {
    let answer = format!("HTTP/1.1 {status} X\r\n{headers}content-length: 2\r\nx-seen: yes\r\n\r\nok");
    stream.write_all(answer.as_bytes()).await.ok()
}

async fn drip(stream: &mut TcpStream) -> Option<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 600\r\n\r\n").await.ok()?;
    loop {
        stream.write_all(b"x").await.ok()?;
        sleep_ms(1_000).await;
    }
}

/// The first byte of a TLS connection (RFC 8446 section 5.1); this receiver speaks plain HTTP only.
const TLS_HANDSHAKE: u8 = 22;

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8_192];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = Received { head: head.clone(), body: String::new() }.header("content-length");
            let length: usize = length.and_then(|n| n.parse().ok()).unwrap_or(0);
            while bytes.len() < end + 4 + length {
                let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
                bytes.extend_from_slice(&chunk[..n]);
            }
            let body = String::from_utf8_lossy(&bytes[end + 4..end + 4 + length]).into_owned();
            return Some(Received { head, body });
        }
        let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..n]);
        if bytes[0] == TLS_HANDSHAKE {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.ok()?;
            return None;
        }
    }
}
