//! Whatever a server responds, the result is one of the causes, is never our fault, and is kept within the limits.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use domain::{
    UnixMs,
    attempt::{RESPONSE_HEAD_KEPT_BYTES, RESPONSE_KEPT_BYTES},
    cause::Cause,
};
use engine::outbound::{Destination, HeaderMap, Outbound, Policy, Post, Response, Trust};
use url::Url;

use super::inputs;

/// Ample: the server closes the connection as soon as it has responded.
const TIMEOUT_MS: u32 = 10_000;
/// Longest sentence: a quoted header line, and the words around it.
const SENTENCE_MAX_CHARS: usize = 2_048;

/// Responds to each connection with the next bytes that it is given.
fn server() -> (SocketAddr, std::sync::mpsc::Sender<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, responses): (_, Receiver<Vec<u8>>) = channel();
    thread::spawn(move || {
        while let Ok(response) = responses.recv() {
            let Ok((stream, _)) = listener.accept() else { return };
            respond(stream, &response);
        }
    });
    (address, sender)
}

/// A client that gives up closes the connection, which is no fault of this server.
fn respond(mut stream: TcpStream, response: &[u8]) {
    let mut request = Vec::new();
    let mut chunk = [0; 4_096];
    while !request.ends_with(b"{}") {
        match stream.read(&mut chunk) {
            Ok(n) if n > 0 => request.extend_from_slice(&chunk[..n]),
            _ => return,
        }
    }
    let _ = stream.write_all(response).and_then(|()| stream.shutdown(Shutdown::Write));
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    while matches!(stream.read(&mut chunk), Ok(n) if n > 0) {}
}

#[test]
fn every_response_has_a_cause_and_is_kept_within_the_limits() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (address, responses) = server();
    let public: Url = "https://our.example".parse().unwrap();
    let policy = Policy::new(vec!["127.0.0.0/8".parse().unwrap()]);
    let client = Outbound::new(policy, &public, address, Trust::default()).unwrap();
    let to = Arc::new(Destination::new(&format!("http://{address}/hook")));
    let world = AssertUnwindSafe((runtime, client, to, responses));
    inputs("responses", 150, |bytes| {
        let (runtime, client, to, responses) = &*world;
        responses.send(bytes.to_vec()).unwrap();
        let post = Post {
            to: to.clone(),
            headers: HeaderMap::new(),
            body: "{}".into(),
            at: UnixMs(1_764_000_000_000),
            timeout_ms: TIMEOUT_MS,
        };
        is_sound(&runtime.block_on(client.post(post)));
    });
}

fn is_sound(response: &Response) {
    let is_success = response.status.is_some_and(|status| (200..300).contains(&status));
    assert_eq!(response.failure.is_none(), is_success, "{response:?}");
    assert!(response.status.is_none_or(|status| (100..1_000).contains(&status)), "{response:?}");
    assert!(response.head.len() <= RESPONSE_HEAD_KEPT_BYTES, "{}", response.head.len());
    // Latin-1 takes two bytes in UTF-8, and what isn't text takes three.
    assert!(response.body.len() <= 3 * RESPONSE_KEPT_BYTES, "{}", response.body.len());
    assert!(!response.head.contains('\0') && !response.body.contains('\0'), "PostgreSQL can't store it");
    let Some(failure) = &response.failure else { return };
    let is_ours = matches!(failure.cause, Cause::OurFault | Cause::BlockedAddress);
    let is_slow = matches!(failure.cause, Cause::ResponseTimeout | Cause::ConnectTimeout | Cause::TlsTimeout);
    assert!(!is_ours && !is_slow, "{response:?}");
    let sentence = failure.sentence(UnixMs(1_764_000_000_000));
    // A header's value may have tabs (RFC 9110 section 5.5).
    assert!(!sentence.contains(|c: char| c.is_control() && c != '\t'), "{sentence:?}");
    assert!(sentence.chars().count() <= SENTENCE_MAX_CHARS, "{sentence}");
}
