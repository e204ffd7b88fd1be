//! The only HTTP client of Offhook.
//!
//! Motive: customers choose where we connect to, so every connection is guarded, limited in time and size, and never
//! follows a redirect. Addresses of names are vetted by the resolver at connect time; addresses in URLs before.
//!
//! The one exception to the guard is the account's own test line: its URL is ours, so it is posted directly to our own
//! listener, wherever the public URL would lead.

mod classify;
mod client;
mod connection;
mod connector;
mod destination;
mod errors;
mod handshake;
mod own_limits;
mod policy;
mod resolver;
mod response;
mod rsa;
mod system_dns;
mod text;
mod timing;
mod tls;

use crate::clock;
use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use domain::{
    UnixMs,
    attempt::Timing,
    cause::{Cause, CauseFacts, Failure},
    target::TargetUrl,
};
use http::header::{ACCEPT, USER_AGENT as USER_AGENT_HEADER};
use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use url::{Host, Url};

use client::{Clients, Sending};
pub use destination::Destination;
pub use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};
pub use policy::Policy;
use resolver::VettingResolver;
pub use resolver::{DnsError, Lookup};
use response::Awaited;

/// Time limit of connecting, TLS included.
pub const CONNECT_TIMEOUT_MS: u32 = domain::endpoint::CONNECT_TIMEOUT_MS;
/// Our `User-Agent`.
pub const USER_AGENT: &str = concat!("Offhook/", env!("CARGO_PKG_VERSION"));

/// A request to an endpoint.
#[derive(Debug, Clone)]
pub struct Post {
    /// Where to.
    pub to: Arc<Destination>,
    /// Headers beside `Content-Type` and `User-Agent`.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
    /// The time of the attempt, for dates in the response.
    pub at: UnixMs,
    /// Time limit of the request, in milliseconds. Reading the response body ends with it, too.
    pub timeout_ms: u32,
}

/// The result of a request.
#[derive(Debug, Clone)]
pub struct Response {
    /// HTTP status, if there was one.
    pub status: Option<u16>,
    /// Why it failed; none for 2xx.
    pub failure: Option<Failure>,
    /// Response header lines.
    pub head: String,
    /// Kept part of the response body, as text.
    pub body: String,
    /// Whether the body was longer than what is kept, or did not arrive completely.
    pub cut: bool,
    /// Total duration, in milliseconds.
    pub duration_ms: u32,
    /// The phases of the request.
    pub timing: Timing,
}

/// The client.
pub struct Outbound {
    /// Rebuilt when the guard changes, so that no open connection outlives the rule that allowed it.
    clients: RwLock<Arc<Clients>>,
    resolver: VettingResolver,
    roots: Vec<CertificateDer<'static>>,
    own_prefix: String,
    own_address: SocketAddr,
}

/// The client could not be built: TLS has no roots, or the system's are unusable.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be built: {0}")]
pub struct BuildError(#[from] rustls::Error);

/// Where a client looks up names, and whom it trusts besides the system's authorities.
#[derive(Clone)]
pub struct Trust {
    /// Resolves names.
    pub lookup: Lookup,
    /// Certificates of further authorities.
    pub roots: Vec<CertificateDer<'static>>,
}

impl Default for Trust {
    fn default() -> Self {
        Self { lookup: resolver::system_lookup(), roots: Vec::new() }
    }
}

impl Outbound {
    /// A client with this policy. `public_url` is our public address, `own_address` is where we listen.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(policy: Policy, public_url: &Url, own_address: SocketAddr, trust: Trust) -> Result<Self, BuildError> {
        let Trust { lookup, roots } = trust;
        let resolver = VettingResolver { policy: Arc::new(RwLock::new(policy)), lookup };
        let own_prefix = format!("{}{}", public_url.as_str().trim_end_matches('/'), domain::test_line::PATH_PREFIX);
        let clients = RwLock::new(Arc::new(Clients::new(&resolver, &roots)?));
        Ok(Self { clients, resolver, roots, own_prefix, own_address })
    }

    /// Allows these networks besides public addresses, and no others, from the next attempt on.
    ///
    /// # Errors
    /// When a fresh client cannot be built; the guard stays as it was.
    pub fn allow(&self, networks: Vec<IpNet>) -> Result<(), BuildError> {
        let fresh = Clients::new(&self.resolver, &self.roots)?;
        *self.resolver.policy.write().unwrap_or_else(PoisonError::into_inner) = Policy::new(networks);
        *self.clients.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        Ok(())
    }

    /// Vets a URL before it is saved. A name that does not resolve now is no reason to refuse it.
    ///
    /// # Errors
    /// The failure, when the URL's address or all addresses of its name are refused.
    pub async fn vet(&self, url: &TargetUrl) -> Result<(), Failure> {
        if self.is_own(url.as_str()) {
            return Ok(());
        }
        let to = Destination::new(url.as_str());
        let refused = || Failure { cause: Cause::BlockedAddress, facts: to.facts() };
        let Some(parsed) = to.url() else { return Err(refused()) };
        match parsed.host() {
            Some(Host::Domain(name)) => match self.resolver.addresses(name).await {
                Err(DnsError::Blocked) => Err(refused()),
                _ => Ok(()),
            },
            _ if self.literal_allowed(parsed) => Ok(()),
            _ => Err(refused()),
        }
    }

    /// Posts, and reads the response within the limits. It never fails: a failure is a result, too.
    pub async fn post(&self, post: Post) -> Response {
        let began = clock::stopwatch();
        let mut facts = post.to.facts();
        facts.body_bytes = u32::try_from(post.body.len()).ok();
        let (response, recorded) = timing::recorded(self.exchange(post, facts)).await;
        let Timing { wait_ms, body_ms, .. } = response.timing;
        Response {
            duration_ms: timing::ms(began.elapsed()),
            timing: Timing { wait_ms, body_ms, ..recorded },
            ..response
        }
    }

    async fn exchange(&self, post: Post, mut facts: CauseFacts) -> Response {
        let Some(url) = self.route(&post.to) else { return Response::failed(Cause::BlockedAddress, facts) };
        let Ok(uri) = url.as_str().parse() else { return Response::failed(Cause::OurFault, facts) };
        let mut headers = post.headers;
        headers.insert(USER_AGENT_HEADER, HeaderValue::from_static(USER_AGENT));
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        let began = clock::stopwatch();
        let deadline = began + Duration::from_millis(u64::from(post.timeout_ms));
        let sending = Sending { uri, headers, body: post.body.into(), deadline };
        match self.clients().send(&sending).await {
            Ok(head) => {
                let wait_ms = timing::ms(began.elapsed());
                response::read(head, facts, Awaited { at: post.at, wait_ms, deadline }).await
            }
            Err(error) => {
                let cause = classify::cause(&error, post.timeout_ms, &mut facts);
                tracing::debug!(?error, cause = cause.code(), "no response");
                Response::failed(cause, facts)
            }
        }
    }

    fn clients(&self) -> Arc<Clients> {
        self.clients.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The URL to call for a destination; none when its address is refused.
    fn route(&self, to: &Destination) -> Option<Url> {
        let mut url = to.url()?.clone();
        if self.is_own(to.as_str()) {
            url.set_scheme("http").ok()?;
            url.set_ip_host(self.own_address.ip()).ok()?;
            url.set_port(Some(self.own_address.port())).ok()?;
            return Some(url);
        }
        // The guard may have changed since the URL was saved or read.
        (to.is_valid() && self.literal_allowed(&url)).then_some(url)
    }

    /// Whether a URL is a test line of this installation.
    fn is_own(&self, url: &str) -> bool {
        url.strip_prefix(&self.own_prefix).is_some_and(|key| key.bytes().all(|b| b.is_ascii_alphanumeric()))
    }

    /// An address in the URL itself never meets the resolver, so it is vetted here.
    fn literal_allowed(&self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Ipv4(address)) => self.resolver.allows(address.into()),
            Some(Host::Ipv6(address)) => self.resolver.allows(address.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        }
    }
}

impl Response {
    fn failed(cause: Cause, facts: CauseFacts) -> Self {
        Self {
            status: facts.status,
            failure: Some(Failure { cause, facts }),
            head: String::new(),
            body: String::new(),
            cut: false,
            duration_ms: 0,
            timing: Timing::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that is public at the first lookup and private from then on, as an attacker's name server may respond.
    fn rebinding() -> Lookup {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        Arc::new(move |_| {
            let first = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
            let address: SocketAddr = if first { ([1, 1, 1, 1], 0).into() } else { ([127, 0, 0, 1], 0).into() };
            Box::pin(async move { Ok(vec![address]) })
        })
    }

    #[tokio::test]
    async fn a_name_that_turns_private_between_check_and_connect_is_not_called() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let public: Url = "https://offhook.example".parse().unwrap();
        let trust = Trust { lookup: rebinding(), roots: Vec::new() };
        let outbound = Outbound::new(Policy::new(Vec::new()), &public, own, trust).unwrap();
        let url = format!("http://rebinding.example:{}/", own.port());
        assert!(outbound.vet(&TargetUrl::stored(url.clone())).await.is_ok(), "it is public when it is saved");
        let to = Arc::new(Destination::new(&url));
        let post = Post { to, headers: HeaderMap::new(), body: "{}".into(), at: UnixMs(0), timeout_ms: 5_000 };
        let response = outbound.post(post).await;
        assert_eq!(response.failure.map(|failure| failure.cause), Some(Cause::BlockedAddress));
        assert!(listener.accept().is_err(), "no connection was made");
    }
}
