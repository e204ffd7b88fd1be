//! The phone platform's side: posts events as fast as it can, or at a rate.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Context as _;
use axum::http::{Method, Request, StatusCode, header};
use domain::event::EventKind;
use engine::clock::sleep_ms;
use futures::future::join_all;
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{net::TcpStream, task::JoinSet};

use super::book::Book;

/// Time for one request and its answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause after the server said that it has too much to do.
const BUSY_PAUSE_MS: u64 = 5;

/// A client with a pool of connections: the library below the sender's own client.
pub type Http = legacy::Client<HttpConnector, Full<Bytes>>;

/// A pooled client.
pub fn http() -> Http {
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

/// Sends one request and reads its answer.
pub async fn send(
    http: &Http,
    method: Method,
    uri: &str,
    bearer: &str,
    body: Bytes,
) -> anyhow::Result<(StatusCode, Bytes)> {
    let request = request(method, uri, "", bearer, body)?;
    let asking = async {
        let response = http.request(request).await?;
        let status = response.status();
        anyhow::Ok((status, response.into_body().collect().await?.to_bytes()))
    };
    tokio::time::timeout(ANSWER_TIMEOUT, asking).await.context("no answer within 30 s")?
}

/// Asks for a path.
pub async fn get(http: &Http, address: SocketAddr, path: &str, bearer: &str) -> anyhow::Result<(StatusCode, Bytes)> {
    send(http, Method::GET, &format!("http://{address}{path}"), bearer, Bytes::new()).await
}

/// Events to post: numbered, each of a call of its own, the accounts in turn.
#[derive(Clone)]
pub struct Events {
    /// Where the server listens.
    pub address: SocketAddr,
    /// An API token.
    pub bearer: Arc<str>,
    /// Accounts to name; none with an account's own token.
    pub accounts: Arc<[String]>,
    /// What their ids begin with.
    pub prefix: Arc<str>,
    /// Their kind.
    pub kind: EventKind,
}

impl Events {
    /// The body of the event with this number.
    pub fn body(&self, n: u64) -> Bytes {
        let example = self.kind.example();
        let call = format!("{n:08x}-aaaf-41e7-b600-7ac8e42434d2");
        let id = example.find("\"call_id\":\"").map_or(0, |at| at + "\"call_id\":\"".len());
        let payload = format!("{}{call}{}", &example[..id], &example[id + call.len()..]);
        let place = usize::try_from(n).unwrap_or_default() % self.accounts.len().max(1);
        let account = self.accounts.get(place).map_or_else(String::new, |id| format!("\"account\":\"{id}\","));
        format!("{{{account}\"id\":\"{}-{n}\",\"payload\":{payload}}}", self.prefix).into()
    }

    fn uri(&self) -> String {
        format!("http://{}/api/v1/events", self.address)
    }

    /// Posts `count` events over so many connections, each waiting for its answer before it posts the next.
    /// Counts in `accepted` as it goes and answers with the numbers that were accepted. A broken connection ends
    /// its line only.
    pub async fn flood(&self, count: u64, lines: usize, accepted: &Arc<AtomicU64>) -> Vec<u64> {
        let next = Arc::new(AtomicU64::new(0));
        let lines = (0..lines).map(|_| {
            let (events, next, accepted) = (self.clone(), Arc::clone(&next), Arc::clone(accepted));
            tokio::spawn(async move { events.line(count, &next, &accepted).await })
        });
        join_all(lines.collect::<Vec<_>>()).await.into_iter().flatten().flatten().collect()
    }

    async fn line(&self, count: u64, next: &AtomicU64, accepted: &AtomicU64) -> Vec<u64> {
        let mut numbers = Vec::new();
        let Ok(mut line) = Line::open(self.address).await else { return numbers };
        loop {
            let n = next.fetch_add(1, Relaxed);
            if n >= count {
                return numbers;
            }
            let body = self.body(n);
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

    /// Posts so many events at a rate, whether the answers come or not. Answers with the moment each was posted, in
    /// microseconds of the book.
    pub async fn at_rate(&self, http: &Http, count: u64, per_s: u64, book: &Book) -> anyhow::Result<Vec<u64>> {
        let (begin, period_us) = (engine::clock::stopwatch(), 1_000_000 / per_s);
        let (mut posted, mut answers) = (Vec::new(), JoinSet::new());
        for n in 0..count {
            tokio::time::sleep_until(begin + Duration::from_micros(period_us * n)).await;
            posted.push(book.now_us());
            let (http, uri, bearer, body) = (http.clone(), self.uri(), self.bearer.clone(), self.body(n));
            answers.spawn(async move { send(&http, Method::POST, &uri, &bearer, body).await });
        }
        while let Some(answer) = answers.join_next().await {
            let (status, said) = answer??;
            anyhow::ensure!(status == StatusCode::ACCEPTED, "{status}: {}", String::from_utf8_lossy(&said));
        }
        Ok(posted)
    }
}

/// One kept-alive connection.
struct Line {
    sender: http1::SendRequest<Full<Bytes>>,
    host: String,
}

impl Line {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host: address.to_string() })
    }

    async fn post(&mut self, bearer: &str, body: Bytes) -> anyhow::Result<StatusCode> {
        let request = request(Method::POST, "/api/v1/events", &self.host, bearer, body)?;
        let asking = async {
            self.sender.ready().await?;
            let response = self.sender.send_request(request).await?;
            let status = response.status();
            response.into_body().collect().await?;
            anyhow::Ok(status)
        };
        tokio::time::timeout(ANSWER_TIMEOUT, asking).await.context("no answer within 30 s")?
    }
}
