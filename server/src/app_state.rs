//! What pages, REST and the small services share.

use std::sync::Arc;

use domain::Backend;
use engine::{Engine, shares::Shares};
use ipnet::IpNet;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    admission::{Admission, CONNECTIONS_MAX},
    byte_budget::ByteBudget,
    http_metrics::HttpMetrics,
    known_host::KnownHosts,
    rate_limit::RateLimit,
};

/// The state as handlers hold it.
pub type SharedState = Arc<AppState>;

/// What is the same for every request.
pub struct AppState {
    /// Every operation of the product, checked against the caller's permissions.
    pub backend: Arc<dyn Backend>,
    /// The same engine with what running it needs: sessions, metrics, change notifications.
    pub engine: Arc<Engine>,
    /// Where browsers reach us: origin check, `Secure` cookies, HSTS.
    pub public_url: Url,
    /// Peers whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// The hosts that requests may name; any if the public URL is not set.
    pub known_hosts: Option<KnownHosts>,
    /// Whether supervisors have a listener of their own.
    pub has_admin_listener: bool,
    /// Connections and forwarded requests.
    pub admission: Arc<Admission>,
    /// Live streams by user.
    pub streams: Shares<String>,
    /// Rate limits.
    pub rates: Rates,
    /// Bytes of request bodies in memory.
    pub bodies: Bodies,
    /// What is counted of requests.
    pub http_metrics: HttpMetrics,
    /// Cancelled when the server stops: endless streams finish then.
    pub stopping: CancellationToken,
}

/// Bytes that the bodies of REST calls may have in memory together, from their arrival to the response.
const CALLS_MAX_BYTES: usize = 24 * 1_024 * 1_024;
/// The same for batches of events, so that these leave room for single ones. Processing takes about three times as much.
const BATCHES_MAX_BYTES: usize = 16 * 1_024 * 1_024;

/// The budgets of request bodies.
pub struct Bodies {
    /// Of batches of events.
    pub batches: ByteBudget,
    /// Of all other REST calls.
    pub calls: ByteBudget,
}

impl Default for Bodies {
    fn default() -> Self {
        Self { batches: ByteBudget::new(BATCHES_MAX_BYTES), calls: ByteBudget::new(CALLS_MAX_BYTES) }
    }
}

/// The rate limits of incoming requests. Failed sign-ins are counted by the engine as well.
pub struct Rates {
    /// Events posted, by API token.
    pub events: RateLimit,
    /// Events of accounts that have their own limit, by account: each event of a batch counts.
    pub account_events: RateLimit,
    /// All other REST calls, by API token.
    pub calls: RateLimit,
    /// Sign-in and sign-up attempts, by client address.
    pub sign_in: RateLimit,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            events: RateLimit::new("events", 50_000, 50_000),
            account_events: RateLimit::new("account-events", 50_000, 50_000),
            calls: RateLimit::new("calls", 1_000, 500),
            sign_in: RateLimit::new("sign-in", 120, 2),
        }
    }
}

impl AppState {
    /// The state around an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>, public_url: Url, trusted_proxies: Vec<IpNet>) -> Self {
        Self {
            backend: Arc::clone(&engine) as Arc<dyn Backend>,
            engine,
            public_url,
            admission: Arc::new(Admission::new(trusted_proxies.clone(), CONNECTIONS_MAX)),
            trusted_proxies,
            known_hosts: None,
            has_admin_listener: false,
            streams: Shares::default(),
            rates: Rates::default(),
            bodies: Bodies::default(),
            http_metrics: HttpMetrics::default(),
            stopping: CancellationToken::new(),
        }
    }

    /// Whether browsers use https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}
