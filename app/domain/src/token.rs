//! API tokens: how programs come in. Only a hash is stored; the token is shown once.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    actor::{Actor, Permission},
    error::{Error, FieldError, Result},
    id::TokenId,
    name,
    time::{HOUR_MS, UnixMs},
};

/// What every API token begins with.
pub const TOKEN_PREFIX: &str = "oh_";

/// What an API token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// Post events.
    #[serde(rename = "events:write")]
    EventsWrite,
    /// Read events.
    #[serde(rename = "events:read")]
    EventsRead,
    /// Change endpoints.
    #[serde(rename = "endpoints:write")]
    EndpointsWrite,
    /// Read endpoints.
    #[serde(rename = "endpoints:read")]
    EndpointsRead,
    /// Resend deliveries.
    #[serde(rename = "deliveries:write")]
    DeliveriesWrite,
    /// Read deliveries and attempts.
    #[serde(rename = "deliveries:read")]
    DeliveriesRead,
    /// Rotate auth tokens and signing secrets.
    #[serde(rename = "credentials:write")]
    CredentialsWrite,
    /// Create, rotate and revoke API tokens.
    #[serde(rename = "tokens:write")]
    TokensWrite,
    /// Read the audit log.
    #[serde(rename = "audit:read")]
    AuditRead,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 9] = [
        Self::EventsWrite,
        Self::EventsRead,
        Self::EndpointsWrite,
        Self::EndpointsRead,
        Self::DeliveriesWrite,
        Self::DeliveriesRead,
        Self::CredentialsWrite,
        Self::TokensWrite,
        Self::AuditRead,
    ];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventsWrite => "events:write",
            Self::EventsRead => "events:read",
            Self::EndpointsWrite => "endpoints:write",
            Self::EndpointsRead => "endpoints:read",
            Self::DeliveriesWrite => "deliveries:write",
            Self::DeliveriesRead => "deliveries:read",
            Self::CredentialsWrite => "credentials:write",
            Self::TokensWrite => "tokens:write",
            Self::AuditRead => "audit:read",
        }
    }

    /// The scope of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// Whether this scope allows that. A writing scope does not imply reading.
    #[must_use]
    pub const fn grants(self, permission: Permission) -> bool {
        matches!(
            (self, permission),
            (Self::EventsWrite, Permission::WriteEvents)
                | (Self::EventsRead, Permission::ReadEvents)
                | (Self::EndpointsWrite, Permission::WriteEndpoints)
                | (Self::EndpointsRead, Permission::ReadEndpoints)
                | (Self::DeliveriesWrite, Permission::WriteDeliveries)
                | (Self::DeliveriesRead, Permission::ReadDeliveries)
                | (Self::CredentialsWrite, Permission::RotateCredentials)
                | (Self::TokensWrite, Permission::ManageTokens)
                | (Self::AuditRead, Permission::ReadAudit)
        )
    }
}

impl Scope {
    /// What it allows, in one line.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::EventsWrite => "Post events",
            Self::EventsRead => "Read events and calls",
            Self::EndpointsWrite => "Create, change, pause, test and delete endpoints",
            Self::EndpointsRead => "Read endpoints, without their credentials",
            Self::DeliveriesWrite => "Send deliveries again, and recover many",
            Self::DeliveriesRead => "Read deliveries and attempts",
            Self::CredentialsWrite => "Rotate auth tokens and signing secrets",
            Self::TokensWrite => "Create, rotate and revoke API tokens, with at most its own scopes",
            Self::AuditRead => "Read the audit log",
        }
    }
}

/// Longest life of a token in days; a token may also live without an end.
pub const EXPIRY_MAX_DAYS: u32 = 3_650;
/// How long the earlier token works on beside the one that takes its place, in hours, unless something else is asked.
pub const OVERLAP_H: u32 = 24;
/// Longest such time, in hours: seven days.
pub const OVERLAP_MAX_H: u32 = 168;
/// A token that was used this short a while ago is not revoked without naming it, in milliseconds.
pub const USED_LATELY_MS: i64 = 24 * HOUR_MS;
/// Most tokens of an account that work at a time.
pub const TOKENS_MAX: u32 = 200;

/// An API token as people see it: never the token itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// Id.
    pub id: TokenId,
    /// Name for people.
    pub name: String,
    /// Its last four characters.
    pub hint: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: UnixMs,
    /// Who made it, by name.
    pub created_by: Option<String>,
    /// When it was used last, to the minute; none for never.
    pub last_used_at: Option<UnixMs>,
    /// From which address.
    pub last_used_from: Option<String>,
    /// When it stops working by itself; none for never.
    pub expires_at: Option<UnixMs>,
    /// When it was revoked.
    pub revoked_at: Option<UnixMs>,
    /// The token that takes its place.
    pub replaced_by: Option<TokenId>,
}

/// How a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// It works.
    Active,
    /// It works beside the one that takes its place.
    Retiring,
    /// Its time is over.
    Expired,
    /// Somebody revoked it.
    Revoked,
}

impl TokenState {
    /// The name on the wire.
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
    /// How it stands now.
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

    /// Whether it still lets somebody in.
    #[must_use]
    pub fn works(&self, now: UnixMs) -> bool {
        matches!(self.state(now), TokenState::Active | TokenState::Retiring)
    }

    /// Whether somebody used it a short while ago, and would notice.
    #[must_use]
    pub fn used_lately(&self, now: UnixMs) -> bool {
        self.last_used_at.is_some_and(|at| now.since_ms(at) <= USED_LATELY_MS)
    }

    /// As lists show it: `oh_…3fA9`.
    #[must_use]
    pub fn masked(&self) -> String {
        format!("{TOKEN_PREFIX}…{}", self.hint)
    }
}

/// What the form for a new token holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenForm {
    /// Name for people.
    #[serde(default)]
    pub name: String,
    /// Scopes by name.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Days until it stops working; empty for never.
    #[serde(default)]
    pub expires_days: String,
}

/// A form that was found right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Name for people.
    pub name: String,
    /// What it may do; at least one.
    pub scopes: Vec<Scope>,
    /// Days until it stops working; none for never.
    pub expires_days: Option<u32>,
}

impl TokenForm {
    /// The same, checked.
    ///
    /// # Errors
    /// `Invalid` with one entry per field that cannot be accepted.
    pub fn check(&self) -> Result<NewToken> {
        let mut errors = Vec::new();
        let name = name::checked("name", &self.name).map_err(|wrong| errors.push(wrong)).unwrap_or_default();
        let scopes: Vec<Scope> =
            Scope::ALL.into_iter().filter(|scope| self.scopes.iter().any(|name| name == scope.as_str())).collect();
        if self.scopes.iter().any(|name| Scope::parse(name).is_none()) {
            errors.push(FieldError::new("scopes", "There is no such scope."));
        } else if scopes.is_empty() {
            errors.push(FieldError::new("scopes", "Choose at least one thing that it may do."));
        }
        let days = match self.expires_days.trim() {
            "" => None,
            text => Some(text.parse().ok().filter(|days| (1..=EXPIRY_MAX_DAYS).contains(days)).unwrap_or_else(|| {
                errors.push(FieldError::new("expires_days", "A token lives 1 to 3,650 days, or without an end."));
                1
            })),
        };
        if errors.is_empty() { Ok(NewToken { name, scopes, expires_days: days }) } else { Err(Error::Invalid(errors)) }
    }
}

/// A token that was just made. Its text is told this once; its debug form does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeToken {
    /// The token as it is shown from now on.
    pub token: ApiToken,
    /// What programs send.
    pub secret: String,
}

impl std::fmt::Debug for MadeToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeToken").field("token", &self.token).finish_non_exhaustive()
    }
}

/// Tokens: the part of the port that lets programs in. To an operator, the tokens are those of the platform.
#[async_trait]
pub trait Tokens {
    /// The actor behind a bearer token that came from this address.
    ///
    /// # Errors
    /// `Unauthenticated` when the token is unknown, expired or revoked; the text says which.
    async fn authenticate(&self, bearer: &str, address: &str) -> Result<Actor>;
    /// The account's tokens, those that work first, then the newest.
    ///
    /// # Errors
    /// `Forbidden`.
    async fn api_tokens(&self, actor: &Actor) -> Result<Vec<ApiToken>>;
    /// One of them.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`.
    async fn api_token(&self, actor: &Actor, id: &TokenId) -> Result<ApiToken>;
    /// Makes a token.
    ///
    /// # Errors
    /// `Invalid` per field; `Forbidden` for a token that would give more than it has; `Conflict` past [`TOKENS_MAX`].
    async fn make_api_token(&self, actor: &Actor, form: &TokenForm) -> Result<MadeToken>;
    /// Makes a token with the same name, scopes and length of life; the earlier one works on for `overlap_h` hours.
    ///
    /// # Errors
    /// `Conflict` for one that no longer works or is being replaced already; `Invalid` past [`OVERLAP_MAX_H`].
    async fn rotate_api_token(&self, actor: &Actor, id: &TokenId, overlap_h: u32) -> Result<MadeToken>;
    /// Revokes a token; from the next request on it lets nobody in. Revoking a revoked one changes nothing.
    ///
    /// # Errors
    /// `Invalid` when it was used within a day and `name` is not its name.
    async fn revoke_api_token(&self, actor: &Actor, id: &TokenId, name: Option<&str>) -> Result<ApiToken>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_names_every_field_that_is_wrong() {
        let form = TokenForm { expires_days: "0".into(), ..TokenForm::default() };
        let errors = form.check().unwrap_err();
        let fields: Vec<_> = errors.fields().iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["name", "scopes", "expires_days"]);
    }

    #[test]
    fn a_token_works_until_it_expires_or_is_revoked() {
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
