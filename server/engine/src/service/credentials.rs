//! The credentials of an endpoint: made, sealed for its row, and opened again.

use crate::random;
use domain::{
    UnixMs,
    endpoint::{Credentials, Header},
    error::{Error, Result},
    id::{AccountId, EndpointId},
    rotation::{Credential, TokenRotation},
    secret::{SECRET_BYTES, SigningSecret, auth_token, masked},
};

use crate::{
    store::endpoints::{Sealed, StoredEndpoint},
    vault::{DecryptError, Vault},
};

/// Random bytes for an auth token: some are passed over, this many are always enough in practice.
const TOKEN_RANDOM_BYTES: usize = 64;

/// The credentials of an endpoint, open.
#[derive(Debug, Clone)]
pub struct Open {
    /// Stands in the body.
    pub auth_token: String,
    /// Signs the headers.
    pub secret: SigningSecret,
    /// Custom headers.
    pub headers: Vec<Header>,
}

impl Open {
    /// In full, for the customer's eyes.
    #[must_use]
    pub fn shown(&self) -> Credentials {
        let signing_secret = self.secret.reveal().to_owned();
        let auth_token = self.auth_token.clone();
        Credentials { auth_token, signing_secret, other_auth_token: None, earlier_signing_secret: None }
    }

    /// New credentials: the auth token that was chosen, or a random one, and a random secret.
    #[must_use]
    pub fn new(chosen: Option<String>, headers: Vec<Header>) -> Self {
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

/// What a sealed value belongs to: it does not open elsewhere.
fn place(account: &AccountId, endpoint: &EndpointId, what: &str) -> String {
    format!("{account}/{endpoint}/{what}")
}

/// Seals the credentials for the row of this endpoint.
#[must_use]
pub fn seal(vault: &Vault, account: &AccountId, endpoint: &EndpointId, open: &Open) -> Sealed {
    Sealed {
        headers: seal_headers(vault, account, endpoint, &open.headers),
        auth_token: vault.seal(&open.auth_token, &place(account, endpoint, "auth_token")),
        auth_token_masked: masked(&open.auth_token),
        secret: vault.seal(open.secret.reveal(), &place(account, endpoint, "secret")),
        secret_masked: open.secret.masked(),
    }
}

/// Seals custom headers for the row of this endpoint.
#[must_use]
pub fn seal_headers(vault: &Vault, account: &AccountId, endpoint: &EndpointId, headers: &[Header]) -> String {
    let json = serde_json::to_string(headers).unwrap_or_else(|_| "[]".to_owned());
    vault.seal(&json, &place(account, endpoint, "headers"))
}

/// Opens the credentials of a stored endpoint.
///
/// # Errors
/// [`DecryptError`] when they were sealed with another key or changed.
pub fn open(vault: &Vault, stored: &StoredEndpoint) -> std::result::Result<Open, DecryptError> {
    let (account, id, sealed) = (&stored.account, &stored.endpoint.id, &stored.sealed);
    let secret = vault.open(&sealed.secret, &place(account, id, "secret"))?;
    let headers = vault.open(&sealed.headers, &place(account, id, "headers"))?;
    Ok(Open {
        auth_token: vault.open(&sealed.auth_token, &place(account, id, "auth_token"))?,
        secret: SigningSecret::parse(&secret).map_err(|_| DecryptError)?,
        headers: serde_json::from_str(&headers).map_err(|_| DecryptError)?,
    })
}

/// [`open`] for somebody who asked: logs, and answers that it is our fault.
///
/// # Errors
/// `Internal`.
pub fn open_for(vault: &Vault, stored: &StoredEndpoint) -> Result<Open> {
    open(vault, stored).map_err(|error| {
        tracing::error!(%error, endpoint = %stored.endpoint.id);
        Error::Internal
    })
}

/// Seals one credential for the row of this endpoint. Earlier, present and next are sealed alike, so that a switch
/// copies the sealed text and needs no key.
#[must_use]
pub fn seal_one(vault: &Vault, account: &AccountId, endpoint: &EndpointId, what: Credential, text: &str) -> String {
    vault.seal(text, &place(account, endpoint, what.as_str()))
}

/// Opens what [`seal_one`] has sealed.
///
/// # Errors
/// [`DecryptError`].
pub fn open_one(
    vault: &Vault,
    account: &AccountId,
    endpoint: &EndpointId,
    what: Credential,
    sealed: &str,
) -> std::result::Result<String, DecryptError> {
    vault.open(sealed, &place(account, endpoint, what.as_str()))
}

/// The credentials of an endpoint at a moment, with what its running rotations add.
#[derive(Debug, Clone)]
pub struct Present {
    /// What is sent and signs.
    pub open: Open,
    /// While the auth token is rotated: when that began, and the next token.
    pub next_token: Option<(UnixMs, String)>,
    /// While the auth token is rotated: the one that is not sent.
    pub other_token: Option<String>,
    /// While two secrets overlap: when that began. The new one is that of `open`.
    pub overlap_since: Option<UnixMs>,
    /// While two secrets overlap: the old one.
    pub earlier_secret: Option<SigningSecret>,
    /// When this is no longer true by itself.
    pub changes_at: Option<UnixMs>,
}

/// What holds at a moment. Switches and ends whose time has come count, whether or not they are stored already.
///
/// # Errors
/// [`DecryptError`] when something was sealed with another key or changed.
pub fn present(vault: &Vault, stored: &StoredEndpoint, now: UnixMs) -> std::result::Result<Present, DecryptError> {
    let (account, id) = (&stored.account, &stored.endpoint.id);
    let one = |what: Credential, sealed: &str| vault.open(sealed, &place(account, id, what.as_str()));
    let mut present = Present {
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
        present.open.auth_token = sent;
        if let Some(rotation) = rotation {
            present.next_token = Some((rotation.since, next));
            present.other_token = Some(other);
            present.changes_at = rotation.changes_at();
        }
    }
    if let Some(running) = &stored.secret_rotation
        && let Some(rotation) = running.rotation.clone().at(now)
    {
        let earlier = one(Credential::SigningSecret, &running.earlier_sealed)?;
        present.earlier_secret = Some(SigningSecret::parse(&earlier).map_err(|_| DecryptError)?);
        present.overlap_since = Some(rotation.since);
        let until = rotation.overlap_until;
        present.changes_at = Some(present.changes_at.map_or(until, |at| at.min(until)));
    }
    Ok(present)
}

/// All credentials in full for somebody who asked: logs, and answers that it is our fault.
///
/// # Errors
/// `Internal`.
pub fn revealed(vault: &Vault, stored: &StoredEndpoint, now: UnixMs) -> Result<Credentials> {
    let present = present(vault, stored, now).map_err(|error| {
        tracing::error!(%error, endpoint = %stored.endpoint.id);
        Error::Internal
    })?;
    Ok(Credentials {
        other_auth_token: present.other_token,
        earlier_signing_secret: present.earlier_secret.map(|secret| secret.reveal().to_owned()),
        ..present.open.shown()
    })
}

/// The auth token that is sent at a moment, masked.
#[must_use]
pub fn token_masked(stored: &StoredEndpoint, now: UnixMs) -> String {
    let Some(running) = &stored.token_rotation else { return stored.sealed.auth_token_masked.clone() };
    let switched = running.rotation.clone().at(now).is_none_or(|rotation| rotation.is_switched());
    let rotation = &running.rotation;
    if switched { rotation.next_masked.clone() } else { rotation.earlier_masked.clone() }
}
