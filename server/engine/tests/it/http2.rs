//! Connections that are used again: over HTTP/2, and over HTTP/1.1 when the server closes them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use domain::{cause::Cause, delivery::Status, event::EventKind};
use h2::Reason;
use hyper::http::{Response, StatusCode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use tokio_rustls::server::TlsStream;

use crate::{
    harness::{On, TestHarness},
    receiver::Reply,
    tls_servers::{Authority, HOST, respond, rustls, serving},
};

/// Responds to each HTTP/2 request with 200, or resets it for this reason. HTTP/1.1 connections get 200.
async fn serve_http2(stream: TlsStream<TcpStream>, reset: Option<Reason>) {
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return respond(stream).await;
    }
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((_, mut responder))) = connection.accept().await {
        match reset {
            Some(reason) => responder.send_reset(reason),
            None => {
                let head = Response::builder().status(StatusCode::OK).body(()).unwrap();
                let _ = responder.send_response(head, true);
            }
        }
    }
}

async fn http2_server(authority: &Authority, reset: Option<Reason>) -> u16 {
    let mut config = serving(&authority.certify(|_| {}));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    rustls(config, move |stream| serve_http2(stream, reset)).await
}

/// A proxy that may freeze: it keeps reading, and forwards and sends nothing more on the connections it has.
#[derive(Clone, Default)]
struct Proxy {
    is_frozen: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
    frozen_closed: Arc<Notify>,
}

impl Proxy {
    /// Starts in front of this port. Returns its own.
    async fn start(&self, to: u16) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, proxy) = (listener.local_addr().unwrap().port(), self.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                proxy.connections.fetch_add(1, Ordering::SeqCst);
                proxy.is_frozen.store(false, Ordering::SeqCst);
                let server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                tokio::spawn(proxy.clone().forward(client, server));
            }
        });
        port
    }

    async fn forward(self, mut client: TcpStream, mut server: TcpStream) {
        let (mut up, mut down) = ([0; 16_384], [0; 16_384]);
        let mut was_frozen = false;
        loop {
            tokio::select! {
                Ok(n) = client.read(&mut up) => {
                    was_frozen |= self.is_frozen.load(Ordering::SeqCst);
                    if n == 0 {
                        break;
                    }
                    if !was_frozen {
                        server.write_all(&up[..n]).await.unwrap();
                    }
                }
                Ok(n) = server.read(&mut down), if !was_frozen => {
                    if n == 0 {
                        break;
                    }
                    client.write_all(&down[..n]).await.unwrap();
                }
                else => break,
            }
        }
        if was_frozen {
            self.frozen_closed.notify_one();
        }
    }
}

async fn endpoint(harness: &TestHarness, port: u16) {
    harness
        .endpoint_with(|form| {
            form.url = format!("https://{HOST}:{port}/hook");
            form.timeout_s = "1".into();
        })
        .await;
}

async fn send(harness: &TestHarness, call: u32) -> Status {
    let id = harness.accept(EventKind::CallProcessed, call).await.id;
    assert_eq!(harness.run().await, 1);
    harness.deliveries().await.into_iter().find(|row| row.event_id == id).unwrap().status
}

#[tokio::test]
async fn a_connection_on_which_an_attempt_timed_out_is_not_used_again() {
    let authority = Authority::new();
    let (harness, proxy) = (TestHarness::with_trust(authority.trust()).await, Proxy::default());
    endpoint(&harness, proxy.start(http2_server(&authority, None).await).await).await;
    assert_eq!(send(&harness, 1).await, Status::Delivered);
    assert_eq!(send(&harness, 2).await, Status::Delivered);
    assert_eq!(proxy.connections.load(Ordering::SeqCst), 1, "the connection is used again while it works");
    proxy.is_frozen.store(true, Ordering::SeqCst);
    assert_eq!(send(&harness, 3).await, Status::Retrying);
    assert_eq!(send(&harness, 4).await, Status::Delivered, "on another connection");
    assert_eq!(proxy.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_silent_connection_is_found_by_pings_while_it_is_idle() {
    let authority = Authority::new();
    let (harness, proxy) = (TestHarness::with_trust(authority.trust()).await, Proxy::default());
    endpoint(&harness, proxy.start(http2_server(&authority, None).await).await).await;
    assert_eq!(send(&harness, 1).await, Status::Delivered);
    proxy.is_frozen.store(true, Ordering::SeqCst);
    proxy.frozen_closed.notified().await;
    assert_eq!(send(&harness, 2).await, Status::Delivered, "no event is lost to it");
    assert_eq!(proxy.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_server_that_demands_http1_gets_it() {
    let authority = Authority::new();
    let harness = TestHarness::with_trust(authority.trust()).await;
    endpoint(&harness, http2_server(&authority, Some(Reason::HTTP_1_1_REQUIRED)).await).await;
    assert_eq!(send(&harness, 1).await, Status::Delivered);
    assert_eq!(send(&harness, 2).await, Status::Delivered);
    assert!(harness.deliveries().await.iter().all(|row| row.attempts == 1));
}

#[tokio::test]
async fn another_reset_of_a_stream_is_a_failure() {
    let authority = Authority::new();
    let harness = TestHarness::with_trust(authority.trust()).await;
    endpoint(&harness, http2_server(&authority, Some(Reason::INTERNAL_ERROR)).await).await;
    assert_eq!(send(&harness, 1).await, Status::Retrying);
    assert_eq!(harness.deliveries().await[0].failure.as_ref().map(|failure| failure.cause), Some(Cause::Reset));
}

#[tokio::test]
async fn an_idle_connection_that_dies_before_any_byte_is_replaced_once_and_not_counted() {
    let harness = TestHarness::new(On::Sqlite).await;
    harness.endpoint().await;
    harness.receiver.next([Reply::Status(200), Reply::HangUp]);
    assert_eq!(send(&harness, 1).await, Status::Delivered);
    assert_eq!(send(&harness, 2).await, Status::Delivered);
    assert_eq!(harness.receiver.received().len(), 3, "the second request was sent twice");
    assert!(harness.deliveries().await.iter().all(|row| row.attempts == 1));
    harness.receiver.next([Reply::HangUp, Reply::HangUp]);
    assert_eq!(send(&harness, 3).await, Status::Retrying, "once, not again and again");
    assert_eq!(harness.receiver.received().len(), 5);
}

#[tokio::test]
async fn a_connection_that_dies_within_a_response_is_a_failure() {
    let harness = TestHarness::new(On::Sqlite).await;
    harness.endpoint().await;
    harness.receiver.next([Reply::Status(200), Reply::Bytes("HTTP/1.1 2".into())]);
    assert_eq!(send(&harness, 1).await, Status::Delivered);
    assert_eq!(send(&harness, 2).await, Status::Retrying, "the server has begun to respond");
    assert_eq!(harness.receiver.received().len(), 2);
}

/// Never sends anything but interim responses.
async fn serve_interim(stream: TlsStream<TcpStream>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let Some(Ok((_, mut responder))) = connection.accept().await else { return };
    let (interim, pause) = (
        async move {
            let hint = "x".repeat(4_000);
            loop {
                let head = Response::builder().status(StatusCode::EARLY_HINTS).header("link", &hint).body(()).unwrap();
                if responder.send_informational(head).is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        },
        async { while connection.accept().await.is_some() {} },
    );
    tokio::select! { () = interim => {} () = pause => {} }
}

#[tokio::test]
async fn endless_interim_responses_end_before_the_time_is_up() {
    let authority = Authority::new();
    let mut config = serving(&authority.certify(|_| {}));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let harness = TestHarness::with_trust(authority.trust()).await;
    let port = rustls(config, serve_interim).await;
    harness.endpoint_with(|form| form.url = format!("https://{HOST}:{port}/hook")).await;
    assert_eq!(send(&harness, 1).await, Status::Retrying);
    let row = harness.deliveries().await.remove(0);
    let sentence = "Response was not valid HTTP: more than 2048 KiB of interim responses (1xx)";
    assert_eq!(row.sentence(harness.now()), sentence);
    assert!(harness.attempts(&row.id).await[0].duration_ms < 5_000, "before the time is up");
}

#[tokio::test]
async fn a_connection_carries_any_number_of_responses() {
    let authority = Authority::new();
    let harness = TestHarness::with_trust(authority.trust()).await;
    let body = "x".repeat(60_000);
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    let serve = move |stream: TlsStream<TcpStream>| {
        counted.fetch_add(1, Ordering::SeqCst);
        let body = body.clone();
        async move {
            let Ok(mut connection) = h2::server::handshake(stream).await else { return };
            while let Some(Ok((_, mut responder))) = connection.accept().await {
                let mut sending = responder.send_response(Response::new(()), false).unwrap();
                let _ = sending.send_data(body.clone().into(), true);
            }
        }
    };
    let mut config = serving(&authority.certify(|_| {}));
    config.alpn_protocols = vec![b"h2".to_vec()];
    endpoint(&harness, rustls(config, serve).await).await;
    // Three megabytes, more than may come without a response.
    for call in 0..50 {
        assert_eq!(send(&harness, call).await, Status::Delivered);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}
