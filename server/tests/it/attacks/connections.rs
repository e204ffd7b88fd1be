//! A stranger who holds connections: with bodies and heads that never end, and with more of them than their share.

use std::net::SocketAddr;

use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use super::capped::{Capped, RESIDENT_MAX_KIB};
use crate::test_app::{PATIENCE, TestApp};

/// No proxy is on this machine, so that addresses on loopback are strangers.
pub(super) const NO_PROXY: [(&str, &str); 1] = [("OFFHOOK_TRUSTED_PROXIES", "192.0.2.1")];
/// Most connections that one address may hold.
const PER_ADDRESS: usize = 256;

/// A connection from this address on loopback that has sent this.
pub(super) async fn connected(from: &str, to: &str, text: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
    let mut stream = socket.connect(to.parse().unwrap()).await.unwrap();
    // A server that refuses the connection may already have closed it.
    let _ = stream.write_all(text.as_bytes()).await;
    stream
}

/// The status line of the response, or nothing if the connection was closed without one.
pub(super) async fn status_line(stream: &mut TcpStream) -> String {
    let mut head = [0; 64];
    let read = stream.read(&mut head).await.unwrap_or(0);
    String::from_utf8_lossy(&head[..read]).lines().next().unwrap_or_default().to_owned()
}

pub(super) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it did not happen")
}

/// The head of a post whose body never arrives.
pub(super) fn endless(path: &str, more: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: x\r\nsec-fetch-site: same-origin\r\n{more}content-length: 8000\r\n\r\n.")
}

#[tokio::test]
async fn a_test_line_reads_no_body_before_it_knows_the_key() {
    let server = Capped::start_with(&NO_PROXY);
    for _ in 0..50 {
        let mut stream = connected("127.0.0.1", &server.address, &endless("/test-line/x", "")).await;
        assert_eq!(soon(status_line(&mut stream)).await, "HTTP/1.1 404 Not Found");
    }
}

#[tokio::test]
async fn one_address_holds_its_share_of_connections_and_others_are_served() {
    let server = Capped::start_with(&NO_PROXY);
    let mut held = Vec::new();
    for _ in 0..2 * PER_ADDRESS {
        held.push(connected("127.0.0.1", &server.address, "GET /sign-in HTTP/1.1\r\nx-long: ").await);
    }
    let mut answers: FuturesUnordered<_> = held.iter_mut().map(status_line).collect();
    for _ in 0..PER_ADDRESS {
        let refused = soon(answers.next()).await.unwrap();
        assert!(refused.is_empty() || refused == "HTTP/1.1 503 Service Unavailable", "{refused}");
    }
    let mut other = connected("127.0.0.2", &server.address, "GET /sign-in HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(soon(status_line(&mut other)).await, "HTTP/1.1 200 OK");
    assert!(server.peak_kib() <= RESIDENT_MAX_KIB, "{} KiB", server.peak_kib());
}

#[tokio::test]
async fn requests_through_a_proxy_count_by_the_address_that_it_forwards() {
    let app = TestApp::start().await;
    let address = app.address.to_string();
    let from = |client: &str| endless("/api/sign-in", &format!("x-forwarded-for: {client}\r\n"));
    let mut held = Vec::new();
    for _ in 0..=PER_ADDRESS {
        held.push(connected("127.0.0.1", &address, &from("203.0.113.9")).await);
    }
    let mut answers: FuturesUnordered<_> = held.iter_mut().map(status_line).collect();
    assert_eq!(soon(answers.next()).await.unwrap(), "HTTP/1.1 429 Too Many Requests");
    let get = |path| format!("GET {path} HTTP/1.1\r\nhost: x\r\naccept: text/html,*/*\r\nconnection: close\r\n");
    let forwarded = async |path| {
        let head = get(path) + "x-forwarded-for: 203.0.113.9\r\n\r\n";
        let mut response = String::new();
        soon(connected("127.0.0.1", &address, &head).await.read_to_string(&mut response)).await.unwrap();
        response
    };
    let page = forwarded("/sign-in").await;
    assert!(page.starts_with("HTTP/1.1 429 ") && page.contains("retry-after: 1"), "{page}");
    assert!(page.contains("text/html") && page.contains("<h1") && page.contains("Too many requests"), "{page}");
    assert!(forwarded("/healthz").await.starts_with("HTTP/1.1 200 "), "it is served to everyone");
    let head = get("/sign-in") + "x-forwarded-for: 198.51.100.1\r\n\r\n";
    assert_eq!(soon(status_line(&mut connected("127.0.0.1", &address, &head).await)).await, "HTTP/1.1 200 OK");
}
