//! Where and how to post to an endpoint: read from the store, decrypted, and cached briefly.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{
    UnixMs,
    endpoint::{EndpointState, Header},
    id::{AccountId, EndpointId},
    rotation::Credential,
    secret::SigningSecret,
    time::SECOND_MS,
};

use crate::{
    credentials,
    outbound::{Destination, HeaderName, HeaderValue},
    store::{db::Db, endpoints, error::StoreResult},
    vault::Vault,
};

use super::{hosts::HostKey, queue::DeliverySettings};

/// How long a target is cached. A change made on this node takes effect at once; one made on another node after this time,
/// so a credential that was retired there stays in use here that long. Scheduled switches and ends are never late.
const CACHED_MS: i64 = 2 * SECOND_MS;
/// Most targets in the cache.
const CACHED_MAX: usize = 10_000;

/// What an attempt needs to know about its endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Whether it receives: it is active and its account is not suspended.
    pub active: bool,
    /// Where it is.
    pub to: Arc<Destination>,
    /// Sent in the body.
    pub auth_token: String,
    /// Each signs the headers; the newest is first.
    pub secrets: Vec<SigningSecret>,
    /// While the auth token is rotated: when that began, and the next token.
    pub next_token: Option<(UnixMs, String)>,
    /// While two secrets overlap: when that began.
    pub overlap_since: Option<UnixMs>,
    /// When a scheduled switch or the end of an overlap makes this outdated.
    pub valid_until: Option<UnixMs>,
    /// Custom headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Time limit of an attempt.
    pub timeout_ms: u32,
    /// Whether it is sent the details of events.
    pub send_details: bool,
    /// How it wants to be served.
    pub settings: DeliverySettings,
}

/// The credentials of one attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttemptCredentials<'a> {
    /// Sent in the body.
    pub auth_token: &'a str,
    /// Each signs the headers.
    pub secrets: &'a [SigningSecret],
    /// What a success proves: the credential, and when its rotation began.
    pub proves: Option<(Credential, UnixMs)>,
}

impl Target {
    /// The credentials of an attempt; a proof uses only the next one of its credential.
    #[must_use]
    pub(crate) fn credentials(&self, proof: Option<Credential>) -> AttemptCredentials<'_> {
        let current = AttemptCredentials { auth_token: &self.auth_token, secrets: &self.secrets, proves: None };
        match (proof, &self.next_token, self.overlap_since) {
            (Some(Credential::AuthToken), Some((since, next)), _) => {
                AttemptCredentials { auth_token: next, proves: Some((Credential::AuthToken, *since)), ..current }
            }
            (Some(Credential::SigningSecret), _, Some(since)) => {
                let secrets = self.secrets.get(..1).unwrap_or_default();
                AttemptCredentials { secrets, proves: Some((Credential::SigningSecret, since)), ..current }
            }
            _ => current,
        }
    }
}

/// The cache of targets.
pub(crate) struct Targets {
    db: Db,
    vault: Arc<Vault>,
    cached: Mutex<HashMap<String, (UnixMs, Arc<Target>)>>,
}

impl Targets {
    /// An empty cache.
    #[must_use]
    pub(crate) fn new(db: Db, vault: Arc<Vault>) -> Self {
        Self { db, vault, cached: Mutex::default() }
    }

    fn cached(&self) -> MutexGuard<'_, HashMap<String, (UnixMs, Arc<Target>)>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes a target that has changed.
    pub(crate) fn forget(&self, endpoint: &str) {
        self.cached().remove(endpoint);
    }

    /// The URL of an endpoint and whether it accepts late call events, if that is known without reading.
    pub(crate) fn cached_url(&self, endpoint: &str) -> (String, bool) {
        let cached = self.cached();
        let target = cached.get(endpoint).map(|(_, target)| target);
        target.map(|target| (target.to.as_str().to_owned(), target.settings.deliver_late)).unwrap_or_default()
    }

    /// The target of an endpoint; none when it does not exist or its credentials cannot be decrypted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) async fn get(&self, account: &str, endpoint: &str, now: UnixMs) -> StoreResult<Option<Arc<Target>>> {
        if let Some((at, target)) = self.cached().get(endpoint)
            && now.since_ms(*at).abs() < CACHED_MS
            && target.valid_until.is_none_or(|until| now < until)
        {
            return Ok(Some(target.clone()));
        }
        let (Ok(account), Ok(id)) = (AccountId::parse(account), EndpointId::parse(endpoint)) else { return Ok(None) };
        let Some(stored) = endpoints::one(&self.db, &account, &id).await? else { return Ok(None) };
        let Some(target) = self.open(&account, &stored, now) else { return Ok(None) };
        let target = Arc::new(target);
        let mut cached = self.cached();
        if cached.len() >= CACHED_MAX {
            cached.clear();
        }
        cached.insert(endpoint.to_owned(), (now, target.clone()));
        Ok(Some(target))
    }

    fn open(&self, account: &AccountId, stored: &endpoints::StoredEndpoint, now: UnixMs) -> Option<Target> {
        let present = credentials::current(&self.vault, stored, now);
        let present = present.inspect_err(|error| tracing::error!(%error, endpoint = %stored.endpoint.id)).ok()?;
        let open = present.open;
        let header = |header: Header| {
            Some((HeaderName::from_bytes(header.name.as_bytes()).ok()?, HeaderValue::from_str(&header.value).ok()?))
        };
        Some(Target {
            active: stored.endpoint.state == EndpointState::Active && !stored.suspended,
            to: Arc::new(Destination::new(stored.endpoint.url.as_str())),
            auth_token: open.auth_token,
            secrets: std::iter::once(open.secret).chain(present.earlier_secret).collect(),
            next_token: present.next_token,
            overlap_since: present.overlap_since,
            valid_until: present.changes_at,
            headers: open.headers.into_iter().filter_map(header).collect(),
            timeout_ms: stored.endpoint.timeout_ms,
            send_details: stored.endpoint.send_details,
            settings: DeliverySettings {
                rate_per_s: stored.endpoint.rate_per_s,
                resumed: stored.endpoint.state_since,
                drain_per_s: stored.endpoint.drain_per_s,
                deliver_late: stored.endpoint.deliver_late,
                throttled_until: stored.throttled_until,
                host: HostKey::of(account.as_str(), stored.endpoint.url.as_str()),
            },
        })
    }
}
