//! The credentials of an endpoint: generate, seal and open.

use domain::{
    UnixMs,
    endpoint::{Credentials, Header},
    error::{Error, Result},
    id::{AccountId, EndpointId},
    rotation::{Credential, TokenRotation},
    secret::{SECRET_BYTES, SigningSecret, auth_token, masked},
};

use crate::{
    random,
    store::endpoints::{Sealed, StoredEndpoint},
    vault::{DecryptError, Vault},
};

/// Random bytes for an auth token: some are skipped; this many are always enough in practice.
const TOKEN_RANDOM_BYTES: usize = 64;

/// The opened credentials of an endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    /// Sent in the body.
    pub auth_token: String,
    /// Signs the headers.
    pub secret: SigningSecret,
    /// Custom headers.
    pub headers: Vec<Header>,
}

impl Open {
    /// Unmasked, for users who may reveal them.
    #[must_use]
    pub(crate) fn shown(&self) -> Credentials {
        let signing_secret = self.secret.reveal().to_owned();
        let auth_token = self.auth_token.clone();
        Credentials { auth_token, signing_secret, other_auth_token: None, earlier_signing_secret: None }
    }

    /// New credentials: the chosen auth token, or a random one, and a random secret.
    #[must_use]
    pub(crate) fn new(chosen: Option<String>, headers: Vec<Header>) -> Self {
        Self { auth_token: chosen.unwrap_or_else(random_token), secret: random_secret(), headers }
    }
}

pub(super) fn random_token() -> String {
    loop {
        let random: [u8; TOKEN_RANDOM_BYTES] = random::any();
        if let Some(token) = auth_token(&random) {
            return token;
        }
    }
}

/// A new signing secret.
pub(super) fn random_secret() -> SigningSecret {
    let secret: [u8; SECRET_BYTES] = random::any();
    SigningSecret::new(&secret)
}

/// The associated data of a sealed value: it cannot be opened elsewhere.
fn seal_context(account: &AccountId, endpoint: &EndpointId, what: &str) -> String {
    format!("{account}/{endpoint}/{what}")
}

/// Seals the credentials of this endpoint.
#[must_use]
pub(crate) fn seal(vault: &Vault, account: &AccountId, endpoint: &EndpointId, open: &Open) -> Sealed {
    Sealed {
        headers: seal_headers(vault, account, endpoint, &open.headers),
        auth_token: vault.seal(&open.auth_token, &seal_context(account, endpoint, "auth_token")),
        auth_token_masked: masked(&open.auth_token),
        secret: vault.seal(open.secret.reveal(), &seal_context(account, endpoint, "secret")),
        secret_masked: open.secret.masked(),
    }
}

/// Seals the custom headers of this endpoint.
#[must_use]
pub(crate) fn seal_headers(vault: &Vault, account: &AccountId, endpoint: &EndpointId, headers: &[Header]) -> String {
    let json = serde_json::to_string(headers).unwrap_or_else(|_| "[]".to_owned());
    vault.seal(&json, &seal_context(account, endpoint, "headers"))
}

/// Opens the credentials of a stored endpoint.
///
/// # Errors
/// [`DecryptError`] if they were sealed with an unknown key or changed.
pub(crate) fn open(vault: &Vault, stored: &StoredEndpoint) -> std::result::Result<Open, DecryptError> {
    let (account, id, sealed) = (&stored.account, &stored.endpoint.id, &stored.sealed);
    let secret = vault.open(&sealed.secret, &seal_context(account, id, "secret"))?;
    let headers = vault.open(&sealed.headers, &seal_context(account, id, "headers"))?;
    Ok(Open {
        auth_token: vault.open(&sealed.auth_token, &seal_context(account, id, "auth_token"))?,
        secret: SigningSecret::parse(&secret).map_err(|_| DecryptError)?,
        headers: serde_json::from_str(&headers).map_err(|_| DecryptError)?,
    })
}

/// [`open`] for a request: logs the error and returns `Internal`.
///
/// # Errors
/// `Internal`.
pub(crate) fn open_or_internal(vault: &Vault, stored: &StoredEndpoint) -> Result<Open> {
    open(vault, stored).map_err(|error| {
        tracing::error!(%error, endpoint = %stored.endpoint.id);
        Error::Internal
    })
}

/// Seals one credential of this endpoint. Previous, current and next credentials are sealed alike, so that a switch copies
/// the sealed text and needs no key.
#[must_use]
pub(crate) fn seal_one(
    vault: &Vault,
    account: &AccountId,
    endpoint: &EndpointId,
    what: Credential,
    text: &str,
) -> String {
    vault.seal(text, &seal_context(account, endpoint, what.as_str()))
}

/// Opens what [`seal_one`] has sealed.
///
/// # Errors
/// [`DecryptError`].
pub(crate) fn open_one(
    vault: &Vault,
    account: &AccountId,
    endpoint: &EndpointId,
    what: Credential,
    sealed: &str,
) -> std::result::Result<String, DecryptError> {
    vault.open(sealed, &seal_context(account, endpoint, what.as_str()))
}

/// The credentials of an endpoint at a given time, including its running rotations.
#[derive(Debug, Clone)]
pub(crate) struct CurrentCredentials {
    /// The credentials in use.
    pub open: Open,
    /// During a rotation of the auth token: when it started, and the next token.
    pub next_token: Option<(UnixMs, String)>,
    /// During a rotation of the auth token: the token that is not in use.
    pub other_token: Option<String>,
    /// While two secrets overlap: since when. The new one is in `open`.
    pub overlap_since: Option<UnixMs>,
    /// While two secrets overlap: the old one.
    pub earlier_secret: Option<SigningSecret>,
    /// When this changes on schedule.
    pub changes_at: Option<UnixMs>,
}

/// The credentials in use at a given time. Scheduled steps that are due count, whether or not they are stored yet.
///
/// # Errors
/// [`DecryptError`] if something was sealed with an unknown key or changed.
pub(crate) fn current(
    vault: &Vault,
    stored: &StoredEndpoint,
    now: UnixMs,
) -> std::result::Result<CurrentCredentials, DecryptError> {
    let (account, id) = (&stored.account, &stored.endpoint.id);
    let one = |what: Credential, sealed: &str| vault.open(sealed, &seal_context(account, id, what.as_str()));
    let mut current = CurrentCredentials {
        open: open(vault, stored)?,
        next_token: None,
        other_token: None,
        overlap_since: None,
        earlier_secret: None,
        changes_at: None,
    };
    if let Some(running) = &stored.token_rotation {
        let next = one(Credential::AuthToken, &running.next_sealed)?;
        let earlier = one(Credential::AuthToken, &running.earlier_sealed)?;
        let rotation = running.rotation.clone().at(now);
        let switched = rotation.as_ref().is_none_or(TokenRotation::is_switched);
        let (sent, other) = if switched { (next.clone(), earlier) } else { (earlier, next.clone()) };
        current.open.auth_token = sent;
        if let Some(rotation) = rotation {
            current.next_token = Some((rotation.since, next));
            current.other_token = Some(other);
            current.changes_at = rotation.changes_at();
        }
    }
    if let Some(running) = &stored.secret_rotation
        && let Some(rotation) = running.rotation.clone().at(now)
    {
        let earlier = one(Credential::SigningSecret, &running.earlier_sealed)?;
        current.earlier_secret = Some(SigningSecret::parse(&earlier).map_err(|_| DecryptError)?);
        current.overlap_since = Some(rotation.since);
        let until = rotation.overlap_until;
        current.changes_at = Some(current.changes_at.map_or(until, |at| at.min(until)));
    }
    Ok(current)
}

/// All credentials unmasked, for a request: logs errors and returns `Internal`.
///
/// # Errors
/// `Internal`.
pub(crate) fn revealed(vault: &Vault, stored: &StoredEndpoint, now: UnixMs) -> Result<Credentials> {
    let current = current(vault, stored, now).map_err(|error| {
        tracing::error!(%error, endpoint = %stored.endpoint.id);
        Error::Internal
    })?;
    Ok(Credentials {
        other_auth_token: current.other_token,
        earlier_signing_secret: current.earlier_secret.map(|secret| secret.reveal().to_owned()),
        ..current.open.shown()
    })
}

/// The masked auth token in use at a given time.
#[must_use]
pub(crate) fn token_masked(stored: &StoredEndpoint, now: UnixMs) -> String {
    let Some(running) = &stored.token_rotation else { return stored.sealed.auth_token_masked.clone() };
    let switched = running.rotation.clone().at(now).is_none_or(|rotation| rotation.is_switched());
    let rotation = &running.rotation;
    if switched { rotation.next_masked.clone() } else { rotation.earlier_masked.clone() }
}
