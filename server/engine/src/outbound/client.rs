//! The HTTP library, set up: connections are pooled, probed while they are open, and used again only if they work.

use std::{
    collections::HashSet,
    error::Error,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use domain::attempt::RESPONSE_READ_MAX_BYTES;
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper_util::{
    client::legacy::{
        self,
        connect::{CaptureConnection, Connected, capture_connection},
    },
    rt::{TokioExecutor, TokioTimer},
};
use rustls::pki_types::CertificateDer;
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::{BuildError, connection::Seen, connector::Connector, errors, resolver::VettingResolver, timing, tls};

/// Idle connections kept per host.
const IDLE_PER_HOST: usize = 64;
/// How long an idle connection is kept.
const IDLE_MS: u64 = 60_000;
/// A ping is sent on an HTTP/2 connection after this time without a byte, and must be answered within it: a connection that
/// went silent is closed after [`SILENT_MS`].
const PING_MS: u64 = 5_000;
/// How long an HTTP/2 connection may be silent while a response is awaited.
pub(super) const SILENT_MS: u32 = 10_000;
/// Most header lines of a response.
pub(super) const HEADERS_MAX: usize = 100;
/// Most bytes of a response's head.
pub(super) const HEAD_MAX_BYTES: usize = RESPONSE_READ_MAX_BYTES;
/// How much of a body the server may send before it is read: as much as is read of one at all.
const STREAM_WINDOW_BYTES: u32 = 64 * 1_024;
/// The same for all bodies of a connection.
const CONNECTION_WINDOW_BYTES: u32 = 1_024 * 1_024;
/// Servers that demanded HTTP/1.1 and are remembered.
const HTTP1_ONLY_MAX: usize = 1_000;
/// Bytes of an interim response beside its header lines, without a reason: `HTTP/1.1 103`, a space, and two line ends.
const STATUS_LINE_BYTES: usize = 17;

type Library = legacy::Client<Connector, Full<Bytes>>;

/// What to send, as often as necessary.
pub(super) struct Sending {
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// When the time for the attempt is up.
    pub(super) deadline: Instant,
}

/// Why there is no response.
#[derive(Debug)]
pub(super) enum SendError {
    /// The time was up before there was a connection.
    ConnectTimeout,
    /// The time was up during the TLS handshake.
    TlsTimeout,
    /// The time was up before there was a response.
    ResponseTimeout,
    /// Interim responses (1xx) exceeded the limit of a response.
    TooManyInterim,
    /// The library failed.
    Failed(legacy::Error),
}

/// A response's head and the connection on which its body arrives.
pub(super) struct Head {
    pub(super) response: Response<Incoming>,
    connection: CaptureConnection,
    seen: Option<Arc<Seen>>,
}

impl Head {
    /// A part of the body was read.
    pub(super) fn note_body(&self) {
        if let Some(seen) = &self.seen {
            seen.note_response();
        }
    }

    /// Uses the connection for no other request.
    pub(super) fn retire_connection(&self) {
        retire(&self.connection);
    }
}

/// The clients and their pools.
pub(super) struct Clients {
    any: Library,
    http1: Library,
    http1_only: Mutex<HashSet<String>>,
}

impl Clients {
    /// Clients without connections.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(super) fn new(resolver: &VettingResolver, roots: &[CertificateDer<'static>]) -> Result<Self, BuildError> {
        let config = tls::config(roots)?;
        let library = |protocols: &[&str]| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
            library(Connector::new(resolver.clone(), Arc::new(config)))
        };
        Ok(Self { any: library(&["h2", "http/1.1"]), http1: library(&["http/1.1"]), http1_only: Mutex::default() })
    }

    /// Sends until there is a response's head. A request is repeated at once if the server demands HTTP/1.1 for it, and once
    /// if an idle connection died before any byte of a response: both are no attempt that the server failed.
    ///
    /// # Errors
    /// [`SendError`].
    pub(super) async fn send(&self, sending: &Sending) -> Result<Head, SendError> {
        let host = sending.uri.authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default();
        let (mut is_http1, mut is_repeated) = (self.http1_only().contains(&host), false);
        loop {
            let library = if is_http1 { &self.http1 } else { &self.any };
            let error = match once(library, sending).await {
                Err(SendError::Failed(error)) => error,
                done => return done,
            };
            if !is_http1 && errors::demands_http1(&error) {
                is_http1 = true;
                self.remember_http1(&host);
            } else if !is_repeated && died_before_any_byte(&error) {
                is_repeated = true;
            } else {
                return Err(SendError::Failed(error));
            }
        }
    }

    fn http1_only(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.http1_only.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember_http1(&self, host: &str) {
        let mut http1_only = self.http1_only();
        if http1_only.len() >= HTTP1_ONLY_MAX {
            http1_only.clear();
        }
        http1_only.insert(host.to_owned());
    }
}

fn library(connector: Connector) -> Library {
    legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .pool_idle_timeout(Duration::from_millis(IDLE_MS))
        // Odd but common: a space before the colon, folded lines, a line without a colon.
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_max_headers(HEADERS_MAX)
        .http1_max_buf_size(HEAD_MAX_BYTES)
        .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
        .http2_initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_max_header_list_size(u32::try_from(HEAD_MAX_BYTES).unwrap_or(u32::MAX))
        .http2_keep_alive_interval(Duration::from_millis(PING_MS))
        .http2_keep_alive_timeout(Duration::from_millis(PING_MS))
        .http2_keep_alive_while_idle(true)
        .build(connector)
}

async fn once(library: &Library, sending: &Sending) -> Result<Head, SendError> {
    let mut request = Request::new(Full::new(sending.body.clone()));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = sending.uri.clone();
    *request.headers_mut() = sending.headers.clone();
    let connection = capture_connection(&mut request);
    let interim = Interim::count(&mut request);
    let result = tokio::select! {
        result = timeout_at(sending.deadline, library.request(request)) => result,
        () = interim.exceeded.notified() => {
            // Dropping the request closes its connection, unless that has just become idle.
            retire(&connection);
            return Err(SendError::TooManyInterim);
        }
    };
    // The response may have arrived with them.
    if interim.is_too_much() {
        retire(&connection);
        return Err(SendError::TooManyInterim);
    }
    match result {
        Ok(Ok(response)) => {
            let seen = connection.connection_metadata().as_ref().and_then(seen);
            let head = Head { response, connection, seen };
            head.note_body();
            Ok(head)
        }
        Ok(Err(error)) => Err(SendError::Failed(error)),
        Err(_) if connection.connection_metadata().is_some() => {
            // Over HTTP/2 the connection stays open: the next request on it might wait as long.
            retire(&connection);
            Err(SendError::ResponseTimeout)
        }
        Err(_) if timing::is_tcp_connected() => Err(SendError::TlsTimeout),
        Err(_) => Err(SendError::ConnectTimeout),
    }
}

/// The interim responses to a request, which count towards the limit of a response. hyper reports them over HTTP/1.1; over
/// HTTP/2 it discards them, and [`Seen`] bounds the bytes of the connection.
#[derive(Default)]
struct Interim {
    bytes: AtomicUsize,
    exceeded: Notify,
}

impl Interim {
    fn count<B>(request: &mut Request<B>) -> Arc<Self> {
        let counted = Arc::new(Self::default());
        let counting = Arc::clone(&counted);
        hyper::ext::on_informational(request, move |interim| {
            let lines =
                interim.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
            counting.bytes.fetch_add(STATUS_LINE_BYTES + lines.sum::<usize>(), Ordering::Release);
            if counting.is_too_much() {
                counting.exceeded.notify_one();
            }
        });
        counted
    }

    fn is_too_much(&self) -> bool {
        self.bytes.load(Ordering::Acquire) > RESPONSE_READ_MAX_BYTES
    }
}

fn retire(connection: &CaptureConnection) {
    if let Some(connected) = connection.connection_metadata().as_ref() {
        connected.poison();
    }
}

/// What was seen on a connection.
pub(super) fn seen(connected: &Connected) -> Option<Arc<Seen>> {
    let mut extras = http::Extensions::new();
    connected.get_extras(&mut extras);
    extras.remove()
}

/// Whether an idle connection died: the server closed it at about the time the request was sent. Servers do so routinely.
fn died_before_any_byte(error: &legacy::Error) -> bool {
    let Some(connected) = error.connect_info() else { return false };
    let is_silent = |seen: &Seen| (connected.is_negotiated_h2() || seen.is_silent()) && !seen.had_too_many_interim();
    let is_reused = seen(connected).is_some_and(|seen| seen.was_used() && is_silent(&seen));
    is_reused && errors::is_connection_lost(error as &(dyn Error + 'static))
}
