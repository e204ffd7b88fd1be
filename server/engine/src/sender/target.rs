//! Where and how to post to an endpoint, opened from the store and kept for a moment.

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

use super::queue::Terms;

/// How long a target is kept. A change through this node is seen at once; one through another node after this,
/// so a credential that was retired there stays in use here for so long. A switch or an end at a set time is not late.
const KEPT_MS: i64 = 2 * SECOND_MS;
/// Most targets that are kept.
const KEPT_MAX: usize = 10_000;

/// What an attempt needs to know about its endpoint.
#[derive(Debug, Clone)]
pub struct Target {
    /// Whether it receives: it is active, and its account is not suspended.
    pub active: bool,
    /// Where it is.
    pub to: Arc<Destination>,
    /// Stands in the body.
    pub auth_token: String,
    /// Each signs the headers, the newest first.
    pub secrets: Vec<SigningSecret>,
    /// While the auth token is rotated: when that began, and the next token.
    pub next_token: Option<(UnixMs, String)>,
    /// While two secrets overlap: when that began.
    pub overlap_since: Option<UnixMs>,
    /// When a set switch or the end of an overlap makes this untrue.
    pub valid_until: Option<UnixMs>,
    /// Custom headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Time limit of an attempt.
    pub timeout_ms: u32,
    /// How it wants to be served.
    pub terms: Terms,
}

/// The credentials of one attempt.
#[derive(Debug, Clone, Copy)]
pub struct Used<'a> {
    /// Stands in the body.
    pub auth_token: &'a str,
    /// Each signs the headers.
    pub secrets: &'a [SigningSecret],
    /// What a success proves: the credential, and which of its rotations, by when it began.
    pub proves: Option<(Credential, UnixMs)>,
}

impl Target {
    /// The credentials of an attempt; a proof carries the next of its credential alone.
    #[must_use]
    pub fn used(&self, proof: Option<Credential>) -> Used<'_> {
        let usual = Used { auth_token: &self.auth_token, secrets: &self.secrets, proves: None };
        match (proof, &self.next_token, self.overlap_since) {
            (Some(Credential::AuthToken), Some((since, next)), _) => {
                Used { auth_token: next, proves: Some((Credential::AuthToken, *since)), ..usual }
            }
            (Some(Credential::SigningSecret), _, Some(since)) => {
                let secrets = self.secrets.get(..1).unwrap_or_default();
                Used { secrets, proves: Some((Credential::SigningSecret, since)), ..usual }
            }
            _ => usual,
        }
    }
}

/// Targets that are kept.
pub struct Targets {
    db: Db,
    vault: Arc<Vault>,
    kept: Mutex<HashMap<String, (UnixMs, Arc<Target>)>>,
}

impl Targets {
    /// None kept yet.
    #[must_use]
    pub fn new(db: Db, vault: Arc<Vault>) -> Self {
        Self { db, vault, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, (UnixMs, Arc<Target>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a target that has changed.
    pub fn forget(&self, endpoint: &str) {
        self.kept().remove(endpoint);
    }

    /// The target of an endpoint; none when it does not exist or does not open with this instance's key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn get(&self, account: &str, endpoint: &str, now: UnixMs) -> StoreResult<Option<Arc<Target>>> {
        if let Some((at, target)) = self.kept().get(endpoint)
            && now.since_ms(*at).abs() < KEPT_MS
            && target.valid_until.is_none_or(|until| now < until)
        {
            return Ok(Some(target.clone()));
        }
        let (Ok(account), Ok(id)) = (AccountId::parse(account), EndpointId::parse(endpoint)) else { return Ok(None) };
        let Some(stored) = endpoints::one(&self.db, &account, &id).await? else { return Ok(None) };
        let Some(target) = self.open(&stored, now) else { return Ok(None) };
        let target = Arc::new(target);
        let mut kept = self.kept();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(endpoint.to_owned(), (now, target.clone()));
        Ok(Some(target))
    }

    fn open(&self, stored: &endpoints::StoredEndpoint, now: UnixMs) -> Option<Target> {
        let present = credentials::current(&self.vault, stored, now);
        let present = present.inspect_err(|error| tracing::error!(%error, endpoint = %stored.endpoint.id)).ok()?;
        let opened = present.open;
        let header = |header: Header| {
            Some((HeaderName::from_bytes(header.name.as_bytes()).ok()?, HeaderValue::from_str(&header.value).ok()?))
        };
        Some(Target {
            active: stored.endpoint.state == EndpointState::Active && !stored.suspended,
            to: Arc::new(Destination::new(stored.endpoint.url.as_str())),
            auth_token: opened.auth_token,
            secrets: std::iter::once(opened.secret).chain(present.earlier_secret).collect(),
            next_token: present.next_token,
            overlap_since: present.overlap_since,
            valid_until: present.changes_at,
            headers: opened.headers.into_iter().filter_map(header).collect(),
            timeout_ms: stored.endpoint.timeout_ms,
            terms: Terms {
                rate_per_s: stored.endpoint.rate_per_s,
                resumed: stored.endpoint.state_since,
                drain_per_s: stored.endpoint.drain_per_s,
                deliver_late: stored.endpoint.deliver_late,
            },
        })
    }
}
