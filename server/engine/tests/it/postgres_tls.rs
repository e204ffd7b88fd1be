//! Connections to PostgreSQL are encrypted if the server can.

use engine::store::db::Db;
use tokio::{io::AsyncReadExt as _, net::TcpListener};

/// First message of a client that prefers TLS: length and code (PostgreSQL protocol 3.0, SSLRequest).
const TLS_WANTED: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

#[tokio::test]
async fn a_connection_requests_tls_before_it_sends_anything() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://ana@{}/offhook", listener.local_addr().unwrap());
    let opening = tokio::spawn(async move { Db::open(&url.into()).await.err() });
    let (mut client, _) = listener.accept().await.unwrap();
    let mut first = [0; 8];
    client.read_exact(&mut first).await.unwrap();
    assert_eq!(first, TLS_WANTED);
    opening.abort();
}
