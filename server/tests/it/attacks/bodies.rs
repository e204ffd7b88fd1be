//! Bodies that stop before their end: what they hold of the memory, and of the room for bodies of others.

use futures::{StreamExt as _, stream};
use reqwest::StatusCode;
use tokio::net::TcpStream;

use super::{
    capped::{Capped, RESIDENT_MAX_KIB},
    connections::{NO_PROXY, connected, soon, status_line},
    payloads::batch,
};
use crate::{
    receiver::Receiver,
    test_app::{client, response},
};

/// Largest batch in bytes.
const BATCH_BYTES: usize = 8 * 1_024 * 1_024;
/// Addresses of the attacker, and the connections of each.
const ADDRESSES: usize = 6;
const PER_ADDRESS: usize = 256;
/// Connections that are opened at once.
const AT_ONCE: usize = 256;

/// A post of so many bytes, of which only so many are sent.
fn stalled(path: &str, token: &str, (announced, sent): (usize, usize)) -> String {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nsec-fetch-site: same-origin\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {announced}\r\n\r\n"
    );
    head + &" ".repeat(sent)
}

#[tokio::test]
async fn an_account_whose_batches_stall_keeps_no_other_from_posting() {
    let (server, receiver) = (Capped::start(), Receiver::start().await);
    let (tenant, bystander) = (server.account(&receiver).await, server.account(&receiver).await);
    let text = stalled("/api/v1/events/batch", &tenant, (BATCH_BYTES, BATCH_BYTES - 10));
    let mut held: Vec<TcpStream> = Vec::new();
    for _ in 0..4 {
        held.push(connected("127.0.0.1", &server.address, &text).await);
    }
    let post = async |token: &str| {
        let request = client().post(server.url("/api/v1/events/batch")).bearer_auth(token);
        response(request.header("content-type", "application/json").body(batch(1))).await.status
    };
    assert_eq!(post(&bystander).await, StatusCode::ACCEPTED);
    assert_eq!(post(&tenant).await, StatusCode::SERVICE_UNAVAILABLE);
    assert!(server.peak_kib() <= RESIDENT_MAX_KIB, "{} KiB", server.peak_kib());
}

#[tokio::test]
async fn thousands_of_bodies_that_stop_half_way_take_little_memory() {
    let (server, receiver) = (Capped::start_with(&NO_PROXY), Receiver::start().await);
    let token = server.account(&receiver).await;
    let event = stalled("/api/v1/events", &token, (256 * 1_024, 30 * 1_024));
    let form = stalled("/api/tries/send", &token, (1_024 * 1_024, 30 * 1_024));
    let connections = (0..ADDRESSES * PER_ADDRESS).map(|n| {
        let (from, text) = (format!("127.0.0.{}", 2 + n / PER_ADDRESS), if n % 2 == 0 { &event } else { &form });
        let address = server.address.clone();
        async move { connected(&from, &address, text).await }
    });
    let held: Vec<TcpStream> = stream::iter(connections).buffer_unordered(AT_ONCE).collect().await;
    let mut other = connected("127.0.0.1", &server.address, "GET /sign-in HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(soon(status_line(&mut other)).await, "HTTP/1.1 200 OK");
    assert!(server.peak_kib() <= RESIDENT_MAX_KIB, "{} KiB with {} connections", server.peak_kib(), held.len());
}
