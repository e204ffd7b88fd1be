//! The only HTTP client of Offhook.
//!
//! Motive: customers choose where we connect to, so every connection is guarded, limited in time and size, and never
//! follows a redirect. Addresses of names are vetted by the resolver at connect time; addresses in URLs before.
//!
//! The one exception to the guard is the account's own test line: its URL is ours, so it is posted directly to our own
//! listener, wherever the public URL would lead.

mod bare;
mod classify;
mod destination;
mod policy;
mod resolver;
mod system_dns;
mod timing;

use crate::clock;
use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use domain::{
    UnixMs,
    attempt::{RESPONSE_KEPT_BYTES, RESPONSE_READ_MAX_BYTES, Timing},
    cause::{Cause, CauseFacts, Failure},
    target::TargetUrl,
};
use ipnet::IpNet;
use reqwest::{Client, redirect};
use tokio::time::timeout;
use url::{Host, Url};

pub use bare::Bare;
pub use destination::Destination;
pub use policy::Policy;
pub use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use resolver::VettingResolver;
pub use resolver::{DnsError, Lookup};

/// Time limit of connecting, TLS included.
pub const CONNECT_TIMEOUT_MS: u32 = domain::endpoint::CONNECT_TIMEOUT_MS;
/// Idle connections kept per host.
const IDLE_PER_HOST: usize = 64;
/// How long an idle connection is kept.
const IDLE_MS: u64 = 60_000;
/// Longest response header that is kept, in characters per line.
const HEADER_KEPT_CHARS: usize = 1_024;
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
    /// Time limit of the request, including the response body, in milliseconds.
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
    /// Whether the body was longer than what is kept.
    pub cut: bool,
    /// Total duration, in milliseconds.
    pub duration_ms: u32,
    /// The phases of the request.
    pub timing: Timing,
}

/// The client.
pub struct Outbound {
    /// Rebuilt when the guard changes, so that no open connection outlives the rule that allowed it.
    guarded: RwLock<Client>,
    own: Client,
    resolver: VettingResolver,
    own_prefix: String,
    own_address: SocketAddr,
}

/// The client could not be built: TLS has no roots or no provider.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be built: {0}")]
pub struct BuildError(#[from] reqwest::Error);

impl Outbound {
    /// A client with this policy. `public_url` is our public address, `own_address` is where we listen.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(policy: Policy, public_url: &Url, own_address: SocketAddr) -> Result<Self, BuildError> {
        Self::with_lookup(policy, public_url, own_address, resolver::system_lookup())
    }

    /// [`Self::new`] with another lookup, for tests of names that change.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn with_lookup(
        policy: Policy,
        public_url: &Url,
        own_address: SocketAddr,
        lookup: Lookup,
    ) -> Result<Self, BuildError> {
        // Another part of the process may have installed a provider already; either works.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let resolver = VettingResolver { policy: Arc::new(RwLock::new(policy)), lookup };
        let own_prefix = format!("{}{}", public_url.as_str().trim_end_matches('/'), domain::test_line::PATH_PREFIX);
        Ok(Self {
            guarded: RwLock::new(client(|builder| builder.dns_resolver(resolver.clone()))?),
            own: client(|builder| builder)?,
            resolver,
            own_prefix,
            own_address,
        })
    }

    /// Allows these networks besides public addresses, and no others, from the next attempt on.
    ///
    /// # Errors
    /// When TLS cannot be set up; the guard stays as it was.
    pub fn allow(&self, networks: Vec<IpNet>) -> Result<(), BuildError> {
        let fresh = client(|builder| builder.dns_resolver(self.resolver.clone()))?;
        *self.resolver.policy.write().unwrap_or_else(PoisonError::into_inner) = Policy::new(networks);
        *self.guarded.write().unwrap_or_else(PoisonError::into_inner) = fresh;
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
        let limit = Duration::from_millis(u64::from(post.timeout_ms));
        let timeout_ms = post.timeout_ms;
        let mut facts = post.to.facts();
        facts.body_bytes = u32::try_from(post.body.len()).ok();
        let attempt = async { timeout(limit, self.exchange(post, facts.clone())).await };
        let (result, mut timing) = timing::recorded(attempt).await;
        let mut response = result.unwrap_or_else(|_| {
            facts.timeout_ms = Some(timeout_ms);
            Response::failed(Cause::ResponseTimeout, facts)
        });
        timing.wait_ms = response.timing.wait_ms;
        timing.body_ms = response.timing.body_ms;
        Response { duration_ms: timing::ms(began.elapsed()), timing, ..std::mem::take(&mut response) }
    }

    async fn exchange(&self, post: Post, mut facts: CauseFacts) -> Response {
        let Some((client, url)) = self.route(&post.to) else { return Response::failed(Cause::BlockedAddress, facts) };
        let request = client.post(url).headers(post.headers).body(post.body);
        let (began, at) = (clock::stopwatch(), post.at);
        match request.send().await {
            Ok(response) => read(response, facts, at, timing::ms(began.elapsed())).await,
            Err(error) => {
                let cause = classify::cause(&error, &mut facts);
                Response::failed(cause, facts)
            }
        }
    }

    /// The client for a destination and the URL to call; none when its address is refused.
    fn route(&self, to: &Destination) -> Option<(Client, Url)> {
        let mut url = to.url()?.clone();
        if self.is_own(to.as_str()) {
            url.set_scheme("http").ok()?;
            url.set_ip_host(self.own_address.ip()).ok()?;
            url.set_port(Some(self.own_address.port())).ok()?;
            return Some((self.own.clone(), url));
        }
        // The guard may have changed since the URL was saved or read.
        let allowed = to.is_valid() && self.literal_allowed(&url);
        let guarded = || self.guarded.read().unwrap_or_else(PoisonError::into_inner).clone();
        allowed.then(|| (guarded(), url))
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

fn client(resolve: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> Result<Client, BuildError> {
    #[expect(clippy::disallowed_methods, reason = "this module is the one place that builds clients")]
    let builder = Client::builder();
    let builder = builder
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_millis(u64::from(CONNECT_TIMEOUT_MS)))
        .connector_layer(timing::ConnectTiming)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .pool_idle_timeout(Duration::from_millis(IDLE_MS));
    Ok(resolve(builder).build()?)
}

impl Default for Response {
    fn default() -> Self {
        Self::failed(Cause::OurFault, CauseFacts::default())
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

/// Reads a response: its head, then as much of its body as is kept.
async fn read(mut response: reqwest::Response, mut facts: CauseFacts, at: UnixMs, wait_ms: u32) -> Response {
    let began = clock::stopwatch();
    let status = response.status().as_u16();
    let head = head_lines(response.headers());
    facts.status = Some(status);
    facts.location = text(response.headers(), "location");
    if matches!(status, 429 | 503) {
        facts.retry_after_s = text(response.headers(), "retry-after").and_then(|value| retry_after_s(value.trim(), at));
    }
    let (body, cut, broken) = read_body(&mut response).await;
    // An error status says more than a connection that broke afterwards.
    let cause = Cause::of_status(status).or_else(|| broken.map(|error| classify::cause(&error, &mut facts)));
    Response {
        status: Some(status),
        failure: cause.map(|cause| Failure { cause, facts }),
        head,
        body,
        cut,
        duration_ms: 0,
        timing: Timing { wait_ms: Some(wait_ms), body_ms: Some(timing::ms(began.elapsed())), ..Timing::default() },
    }
}

/// `Retry-After` in either of its forms, seconds or a date (RFC 9110 sections 10.2.3 and 5.6.7).
fn retry_after_s(value: &str, at: UnixMs) -> Option<u32> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too many to count are the longest wait.
        return Some(value.parse().unwrap_or(u32::MAX));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(at.0.unsigned_abs());
    // A date in the past asks for no wait.
    let wait_ms = date.duration_since(at).map_or(0, |wait| wait.as_millis());
    Some(u32::try_from(wait_ms.div_ceil(1_000)).unwrap_or(u32::MAX))
}

async fn read_body(response: &mut reqwest::Response) -> (String, bool, Option<reqwest::Error>) {
    let mut kept = Vec::new();
    let mut seen = 0;
    let broken = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                seen += chunk.len();
                let room = RESPONSE_KEPT_BYTES.saturating_sub(kept.len());
                kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if seen > RESPONSE_READ_MAX_BYTES {
                    break None;
                }
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    (storable(&kept), seen > kept.len(), broken)
}

/// Bytes as text that both databases can keep: invalid UTF-8 and NUL become the replacement character.
fn storable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}")
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| storable(value.as_bytes()).chars().take(HEADER_KEPT_CHARS).collect())
}

fn head_lines(headers: &HeaderMap) -> String {
    let line = |(name, value): (&HeaderName, &HeaderValue)| {
        let value: String = storable(value.as_bytes()).chars().take(HEADER_KEPT_CHARS).collect();
        format!("{name}: {value}")
    };
    headers.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let at = UnixMs(784_111_777_000);
        assert_eq!(retry_after_s("120", at), Some(120));
        assert_eq!(retry_after_s("Sun, 06 Nov 1994 08:49:47 GMT", at), Some(10));
        assert_eq!(retry_after_s("Sun, 06 Nov 1994 08:49:00 GMT", at), Some(0));
        assert_eq!(retry_after_s("Sunday, 06-Nov-94 08:49:47 GMT", at), Some(10), "as RFC 850 has it");
        assert_eq!(retry_after_s("Sun Nov  6 08:49:47 1994", at), Some(10), "as asctime has it");
        for none in ["soon", "", "-1", "1.5", "1h"] {
            assert_eq!(retry_after_s(none, at), None, "{none}");
        }
    }

    #[test]
    fn a_retry_after_that_overflows_is_the_longest_wait() {
        for long in ["4294967296", "99999999999999999999", "Thu, 30 Dec 9999 12:00:00 GMT"] {
            assert_eq!(retry_after_s(long, UnixMs(784_111_777_000)), Some(u32::MAX), "{long}");
        }
    }

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
        let outbound = Outbound::with_lookup(Policy::new(Vec::new()), &public, own, rebinding()).unwrap();
        let url = format!("http://rebinding.example:{}/", own.port());
        assert!(outbound.vet(&TargetUrl::stored(url.clone())).await.is_ok(), "it is public when it is saved");
        let to = Arc::new(Destination::new(&url));
        let post = Post { to, headers: HeaderMap::new(), body: "{}".into(), at: UnixMs(0), timeout_ms: 5_000 };
        let response = outbound.post(post).await;
        assert_eq!(response.failure.map(|failure| failure.cause), Some(Cause::BlockedAddress));
        assert!(listener.accept().is_err(), "no connection was made");
    }

    #[test]
    fn what_is_kept_can_be_stored_in_both_databases() {
        assert_eq!(storable(b"a\0b\xff"), "a\u{fffd}b\u{fffd}");
    }
}
