//! The phone platform's side: posts events as fast as possible, or at a rate.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Context as _;
use domain::event::EventKind;
use futures::future::join_all;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{net::TcpStream, task::JoinSet};

use crate::clock::{sleep_ms, stopwatch};

use crate::arrivals::Arrivals;

/// Time limit for a request and its response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause after the server body that it has too much to do.
const BUSY_PAUSE_MS: u64 = 5;

/// A client with a connection pool.
pub(crate) type Http = legacy::Client<HttpConnector, Full<Bytes>>;

/// A pooled client.
pub(crate) fn http() -> Http {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    legacy::Client::builder(TokioExecutor::new()).build(connector)
}

fn request(method: Method, uri: &str, host: &str, bearer: &str, body: Bytes) -> anyhow::Result<Request<Full<Bytes>>> {
    let mut request = Request::builder().method(method).uri(uri).header(header::CONTENT_TYPE, "application/json");
    if !host.is_empty() {
        request = request.header(header::HOST, host);
    }
    if !bearer.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
    }
    Ok(request.body(Full::new(body))?)
}

/// Sends a request and reads the response.
pub(crate) async fn send(
    http: &Http,
    method: Method,
    uri: &str,
    bearer: &str,
    body: Bytes,
) -> anyhow::Result<(StatusCode, Bytes)> {
    let request = request(method, uri, "", bearer, body)?;
    let exchange = async {
        let response = http.request(request).await?;
        let status = response.status();
        anyhow::Ok((status, response.into_body().collect().await?.to_bytes()))
    };
    tokio::time::timeout(RESPONSE_TIMEOUT, exchange).await.context("no response within 30 s")?
}

/// Gets a path.
pub(crate) async fn get(
    http: &Http,
    address: SocketAddr,
    path: &str,
    bearer: &str,
) -> anyhow::Result<(StatusCode, Bytes)> {
    send(http, Method::GET, &format!("http://{address}{path}"), bearer, Bytes::new()).await
}

/// Numbered events to post, each of its own call, for the accounts in turn.
#[derive(Clone)]
pub(crate) struct Events {
    /// Where the server listens.
    pub address: SocketAddr,
    /// An API token.
    pub bearer: Arc<str>,
    /// Accounts to name; empty with an account's own token.
    pub accounts: Arc<[String]>,
    /// Prefix of the event ids.
    pub prefix: Arc<str>,
    /// The kind of event.
    pub kind: EventKind,
    /// Records when each was posted first.
    pub posted: Option<Arc<Arrivals>>,
}

impl Events {
    /// The body of the event with this number.
    pub(crate) fn body(&self, n: u64) -> Bytes {
        let example = self.kind.example();
        let call = call_id(n);
        let id = example.find("\"call_id\":\"").map_or(0, |at| at + "\"call_id\":\"".len());
        let payload = format!("{}{call}{}", &example[..id], &example[id + call.len()..]);
        let place = usize::try_from(n).unwrap_or_default() % self.accounts.len().max(1);
        let account = self.accounts.get(place).map_or_else(String::new, |id| format!("\"account\":\"{id}\","));
        format!("{{{account}\"id\":\"{}-{n}\",\"payload\":{payload}}}", self.prefix).into()
    }

    fn uri(&self) -> String {
        format!("http://{}/api/v1/events", self.address)
    }

    /// Posts `count` events over this many connections, each waiting for a response before the next request.
    /// Counts `accepted` on the way and returns the accepted numbers. A broken connection ends
    /// only its own sequence.
    pub(crate) async fn flood(&self, count: u64, connections: usize, accepted: &Arc<AtomicU64>) -> Vec<u64> {
        let next = Arc::new(AtomicU64::new(0));
        let lines = (0..connections).map(|_| {
            let (events, next, accepted) = (self.clone(), Arc::clone(&next), Arc::clone(accepted));
            tokio::spawn(async move { events.post_in_turn(count, &next, &accepted).await })
        });
        join_all(lines.collect::<Vec<_>>()).await.into_iter().flatten().flatten().collect()
    }

    async fn post_in_turn(&self, count: u64, next: &AtomicU64, accepted: &AtomicU64) -> Vec<u64> {
        let mut numbers = Vec::new();
        let Ok(mut line) = Connection::open(self.address).await else { return numbers };
        loop {
            let n = next.fetch_add(1, Relaxed);
            if n >= count {
                return numbers;
            }
            let body = self.body(n);
            self.posted.iter().for_each(|posted| posted.record(n));
            loop {
                match line.post(&self.bearer, body.clone()).await {
                    Ok(StatusCode::ACCEPTED) => break,
                    Ok(StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) => {
                        sleep_ms(BUSY_PAUSE_MS).await
                    }
                    _ => return numbers,
                }
            }
            accepted.fetch_add(1, Relaxed);
            numbers.push(n);
        }
    }

    /// Posts events at a rate without waiting for responses. Returns when each was posted, in
    /// microseconds since the start.
    pub(crate) async fn at_rate(
        &self,
        http: &Http,
        count: u64,
        per_s: u64,
        arrivals: &Arrivals,
    ) -> anyhow::Result<Vec<u64>> {
        let (begin, period_us) = (stopwatch(), 1_000_000 / per_s);
        let (mut posted, mut responses) = (Vec::new(), JoinSet::new());
        for n in 0..count {
            tokio::time::sleep_until(begin + Duration::from_micros(period_us * n)).await;
            posted.push(arrivals.now_us());
            let (http, uri, bearer, body) = (http.clone(), self.uri(), self.bearer.clone(), self.body(n));
            responses.spawn(async move { send(&http, Method::POST, &uri, &bearer, body).await });
        }
        while let Some(response) = responses.join_next().await {
            let (status, body) = response??;
            anyhow::ensure!(status == StatusCode::ACCEPTED, "{status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(posted)
    }
}

/// One keep-alive connection.
struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host: address.to_string() })
    }

    async fn post(&mut self, bearer: &str, body: Bytes) -> anyhow::Result<StatusCode> {
        let request = request(Method::POST, "/api/v1/events", &self.host, bearer, body)?;
        let exchange = async {
            self.sender.ready().await?;
            let response = self.sender.send_request(request).await?;
            let status = response.status();
            response.into_body().collect().await?;
            anyhow::Ok(status)
        };
        tokio::time::timeout(RESPONSE_TIMEOUT, exchange).await.context("no response within 30 s")?
    }
}

/// A call id without order, as real ones are: sequential ids would flatter the indexes.
fn call_id(n: u64) -> String {
    let (high, low) = (scrambled(n), scrambled(!n));
    let variant = 0x8000 | (low >> 48 & 0x3fff);
    format!(
        "{:08x}-{:04x}-4{:03x}-{variant:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low & 0xffff_ffff_ffff
    )
}

/// The finaliser of SplitMix64: a bijection that spreads neighbouring numbers over all of them.
const fn scrambled(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
