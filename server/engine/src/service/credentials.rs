//! The credentials of an endpoint: made, sealed for its row, and opened again.

use crate::random;
use domain::{
    endpoint::Header,
    error::{Error, Result},
    id::{AccountId, EndpointId},
    secret::{SECRET_BYTES, SigningSecret, auth_token, masked},
};

use crate::{
    store::endpoints::{Sealed, StoredEndpoint},
    vault::{DoesNotOpen, Vault},
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
    /// New credentials: the auth token that was chosen, or a random one, and a random secret.
    #[must_use]
    pub fn new(chosen: Option<String>, headers: Vec<Header>) -> Self {
        let secret: [u8; SECRET_BYTES] = random::any();
        Self { auth_token: chosen.unwrap_or_else(random_token), secret: SigningSecret::new(&secret), headers }
    }
}

fn random_token() -> String {
    loop {
        let random: [u8; TOKEN_RANDOM_BYTES] = random::any();
        if let Some(token) = auth_token(&random) {
            return token;
        }
    }
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
/// [`DoesNotOpen`] when they were sealed with another key or changed.
pub fn open(vault: &Vault, stored: &StoredEndpoint) -> std::result::Result<Open, DoesNotOpen> {
    let (account, id, sealed) = (&stored.account, &stored.endpoint.id, &stored.sealed);
    let secret = vault.open(&sealed.secret, &place(account, id, "secret"))?;
    let headers = vault.open(&sealed.headers, &place(account, id, "headers"))?;
    Ok(Open {
        auth_token: vault.open(&sealed.auth_token, &place(account, id, "auth_token"))?,
        secret: SigningSecret::parse(&secret).map_err(|_| DoesNotOpen)?,
        headers: serde_json::from_str(&headers).map_err(|_| DoesNotOpen)?,
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
