//! What pages, REST and the small services share.

use std::{net::IpAddr, sync::Arc};

use domain::Backend;
use engine::{Engine, shares::Shares};
use ipnet::IpNet;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    admission::{Admission, CONNECTIONS_MAX},
    fair_budget::FairBudget,
    http_metrics::HttpMetrics,
    known_host::KnownHosts,
    phone_systems::PhoneSystems,
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
    /// Phone systems that have connected to this node.
    pub phone_systems: PhoneSystems,
    /// Rate limits.
    pub rates: Rates,
    /// Bytes of request bodies in memory.
    pub bodies: Bodies,
    /// What is counted of requests.
    pub http_metrics: HttpMetrics,
    /// Cancelled when the server stops: endless streams finish then.
    pub stopping: CancellationToken,
}

/// Bytes that the bodies of programs (REST calls, requests to test lines) may have in memory together, from their arrival to
/// the response. One account may hold half, and while it does, another can still post the largest batch. Processing takes
/// about three times as much.
const CALLS_MAX_BYTES: usize = 32 * 1_024 * 1_024;
/// The same for forms, which strangers can send: what they take is not missing for programs.
const FORMS_MAX_BYTES: usize = 16 * 1_024 * 1_024;

/// Bodies that may be waited for at once, after their heads. A request that waits takes 70 KiB beside its body.
const WAITING_MAX: usize = 512;

/// The budgets of request bodies.
#[derive(Debug)]
pub struct Bodies {
    /// Bytes of programs, by account; by token for platform tokens.
    pub calls: FairBudget<String>,
    /// Bytes of forms, by address.
    pub forms: FairBudget<IpAddr>,
    /// Bodies that have not arrived yet, by address.
    pub waiting: FairBudget<IpAddr>,
}

impl Default for Bodies {
    fn default() -> Self {
        Self {
            calls: FairBudget::new(CALLS_MAX_BYTES),
            forms: FairBudget::new(FORMS_MAX_BYTES),
            waiting: FairBudget::new(WAITING_MAX),
        }
    }
}

/// The rate limits of incoming requests. Failed sign-ins are counted by the engine as well.
pub struct Rates {
    /// Events posted, by API token.
    pub events: RateLimit,
    /// Events of accounts that have their own limit, by account: each event of a batch counts.
    pub account_events: RateLimit,
    /// Events of call record files, by account: a part of its events.
    pub imports: RateLimit,
    /// All other REST calls, by API token.
    pub calls: RateLimit,
    /// Requests to HTTP connectors, by connector: each takes a transaction or two.
    pub connectors: RateLimit,
    /// Sign-in and sign-up attempts, by client address.
    pub sign_in: RateLimit,
    /// Connections of phone systems, by client address.
    pub phone_systems: RateLimit,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            events: RateLimit::new("events", 50_000, 50_000),
            account_events: RateLimit::new("account-events", 50_000, 50_000),
            imports: RateLimit::new("imports", 25_000, 25_000),
            calls: RateLimit::new("calls", 1_000, 500),
            connectors: RateLimit::new("connectors", 500, 250),
            sign_in: RateLimit::new("sign-in", 120, 2),
            phone_systems: RateLimit::new("phone-systems", 120, 2),
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
            phone_systems: PhoneSystems::default(),
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
