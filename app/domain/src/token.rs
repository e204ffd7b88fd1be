//! API tokens. Only a hash is stored; the token is shown once.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use crate::scope::Scope;

use crate::{
    actor::Actor,
    error::{Error, FieldError, Result, noted, whole},
    id::TokenId,
    name,
    time::{HOUR_MS, UnixMs},
};

/// The prefix of API tokens.
pub const TOKEN_PREFIX: &str = "oh_";

/// Maximum lifetime of a token in days, if it expires.
pub const EXPIRY_MAX_DAYS: u32 = 3_650;
/// Default time a replaced token keeps working, in hours.
pub const OVERLAP_H: u32 = 24;
/// Maximum time a replaced token keeps working, in hours.
pub const OVERLAP_MAX_H: u32 = 168;
/// Revoking a token used within this time requires its name as confirmation, in milliseconds.
const USED_LATELY_MS: i64 = 24 * HOUR_MS;

/// An API token without its secret part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// Id.
    pub id: TokenId,
    /// Display name.
    pub name: String,
    /// Its last four characters.
    pub hint: String,
    /// Its scopes.
    pub scopes: Vec<Scope>,
    /// When it was created.
    pub created_at: UnixMs,
    /// Name of who created it.
    pub created_by: Option<String>,
    /// When it was last used, to the minute; `None` for never.
    pub last_used_at: Option<UnixMs>,
    /// The IP address of its last use.
    pub last_used_from: Option<String>,
    /// When it expires; `None` for never.
    pub expires_at: Option<UnixMs>,
    /// When it was revoked.
    pub revoked_at: Option<UnixMs>,
    /// The token that replaces it.
    pub replaced_by: Option<TokenId>,
}

/// The state of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// Active.
    Active,
    /// Replaced by another token, but still active.
    Retiring,
    /// Expired.
    Expired,
    /// Revoked.
    Revoked,
}

impl TokenState {
    /// The name in REST.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl ApiToken {
    /// The state at a time.
    #[must_use]
    pub fn state(&self, now: UnixMs) -> TokenState {
        if self.revoked_at.is_some() {
            TokenState::Revoked
        } else if self.expires_at.is_some_and(|at| at <= now) {
            TokenState::Expired
        } else if self.replaced_by.is_some() {
            TokenState::Retiring
        } else {
            TokenState::Active
        }
    }

    /// Whether it is active.
    #[must_use]
    pub fn works(&self, now: UnixMs) -> bool {
        matches!(self.state(now), TokenState::Active | TokenState::Retiring)
    }

    /// Whether it was used recently, so that revoking it would be noticed.
    #[must_use]
    pub fn used_lately(&self, now: UnixMs) -> bool {
        self.last_used_at.is_some_and(|at| now.since_ms(at) <= USED_LATELY_MS)
    }

    /// The masked token: `oh_…3fA9`.
    #[must_use]
    pub fn masked(&self) -> String {
        format!("{TOKEN_PREFIX}…{}", self.hint)
    }
}

/// The form for a new token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenForm {
    /// Display name.
    #[serde(default)]
    pub name: String,
    /// Scopes by name.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Days until it expires; empty for never.
    #[serde(default)]
    pub expires_days: String,
}

/// The token to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Display name.
    pub name: String,
    /// Its scopes; at least one.
    pub scopes: Vec<Scope>,
    /// Days until it expires; `None` for never.
    pub expires_days: Option<u32>,
}

const EXPIRY_MESSAGE: &str = "Enter 1 to 3,650 days, or leave blank for no expiry.";

impl TokenForm {
    /// Reads the form.
    ///
    /// # Errors
    /// As [`NewToken::read`].
    pub fn input(&self) -> Result<NewToken> {
        NewToken::read(&self.name, &self.scopes, whole(&self.expires_days, "expires_days", EXPIRY_MESSAGE))
    }
}

impl NewToken {
    /// Reads name, scopes by name, and days until it expires.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    pub fn read(
        name: &str,
        scopes: &[String],
        expires_days: std::result::Result<Option<u32>, FieldError>,
    ) -> Result<Self> {
        let known: Vec<_> = scopes.iter().filter_map(|name| Scope::parse(name)).collect();
        let unknown = known.len() < scopes.len();
        let mut wrong: Vec<_> = unknown.then(|| FieldError::new("scopes", "Unknown scope.")).into_iter().collect();
        let expires_days = noted(&mut wrong, expires_days).flatten();
        let new = Self { name: name.to_owned(), scopes: known, expires_days };
        match new.checked() {
            Ok(new) if wrong.is_empty() => Ok(new),
            checked => Err(Error::unread(wrong, checked.err(), &["name", "scopes", "expires_days"])),
        }
    }

    /// Checks the rules; the name is trimmed and the scopes are in order.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn checked(&self) -> Result<Self> {
        let mut errors = Vec::new();
        let name = noted(&mut errors, name::checked("name", &self.name)).unwrap_or_default();
        if self.scopes.is_empty() {
            errors.push(FieldError::new("scopes", "Choose at least one scope."));
        }
        if self.expires_days.is_some_and(|days| !(1..=EXPIRY_MAX_DAYS).contains(&days)) {
            errors.push(FieldError::new("expires_days", EXPIRY_MESSAGE));
        }
        if !errors.is_empty() {
            return Err(Error::Invalid(errors));
        }
        let scopes = Scope::ALL.into_iter().filter(|scope| self.scopes.contains(scope)).collect();
        Ok(Self { name, scopes, expires_days: self.expires_days })
    }
}

/// A newly created token with its secret, which is shown once and never in `Debug` output.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedToken {
    /// The token without its secret.
    pub token: ApiToken,
    /// The token to send.
    pub secret: String,
}

impl std::fmt::Debug for CreatedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedToken").field("token", &self.token).finish_non_exhaustive()
    }
}

/// Managing API tokens. For operators, these are the platform tokens.
#[async_trait]
pub trait Tokens {
    /// The actor of a bearer token, for a client at this IP address.
    ///
    /// # Errors
    /// `Unauthenticated` if the token is unknown, expired or revoked. The text says which.
    async fn authenticate(&self, bearer: &str, address: &str) -> Result<Actor>;
    /// The account's tokens, active ones first, then newest first.
    ///
    /// # Errors
    /// `Forbidden`.
    async fn api_tokens(&self, actor: &Actor) -> Result<Vec<ApiToken>>;
    /// One token.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`.
    async fn api_token(&self, actor: &Actor, id: &TokenId) -> Result<ApiToken>;
    /// Creates a token.
    ///
    /// # Errors
    /// `Invalid` per field; `Forbidden` for a token with more scopes than the actor; `Conflict` beyond the account's limit.
    async fn create_api_token(&self, actor: &Actor, new: &NewToken) -> Result<CreatedToken>;
    /// Replaces a token by one with the same name, scopes and lifetime. The old one keeps working for `overlap_h` hours.
    ///
    /// # Errors
    /// `Conflict` for a token that is not active or already replaced; `Invalid` beyond [`OVERLAP_MAX_H`].
    async fn rotate_api_token(&self, actor: &Actor, id: &TokenId, overlap_h: u32) -> Result<CreatedToken>;
    /// Revokes a token with immediate effect. No effect if it is revoked already.
    ///
    /// # Errors
    /// `Invalid` if it was used within a day and `name` is not its name.
    async fn revoke_api_token(&self, actor: &Actor, id: &TokenId, name: Option<&str>) -> Result<ApiToken>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_reports_every_invalid_field() {
        let form = TokenForm { expires_days: "0".into(), ..TokenForm::default() };
        let errors = form.input().unwrap_err();
        let fields: Vec<_> = errors.fields().iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["name", "scopes", "expires_days"]);
    }

    #[test]
    fn a_token_is_active_until_it_expires_or_is_revoked() {
        let mut token = ApiToken {
            id: TokenId::new(UnixMs(1), 1),
            name: "CRM".into(),
            hint: "3fA9".into(),
            scopes: vec![Scope::EventsRead],
            created_at: UnixMs(0),
            created_by: None,
            last_used_at: None,
            last_used_from: None,
            expires_at: Some(UnixMs(10)),
            revoked_at: None,
            replaced_by: None,
        };
        assert_eq!((token.state(UnixMs(9)), token.state(UnixMs(10))), (TokenState::Active, TokenState::Expired));
        token.replaced_by = Some(TokenId::new(UnixMs(1), 2));
        assert!(token.works(UnixMs(9)) && token.state(UnixMs(9)) == TokenState::Retiring);
        token.revoked_at = Some(UnixMs(5));
        assert_eq!(token.state(UnixMs(9)), TokenState::Revoked);
        assert_eq!(token.masked(), "oh_…3fA9");
    }
}
