//! Who asks: the first argument of everything that the engine does for somebody.

use serde::{Deserialize, Serialize};

use crate::{
    account::Role,
    error::{Error, Result},
    id::{AccountId, TokenId, UserId},
    token::Scope,
};

/// What somebody wants to do. One table ([`Role::may`], [`Scope::grants`]) says who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Permission {
    /// Post events.
    WriteEvents,
    /// See events and calls.
    ReadEvents,
    /// See endpoints, without their credentials.
    ReadEndpoints,
    /// Create, change, pause, resume, test and delete endpoints; use the test line.
    WriteEndpoints,
    /// See deliveries and attempts.
    ReadDeliveries,
    /// Resend and cancel deliveries.
    WriteDeliveries,
    /// See an auth token or signing secret in full.
    RevealCredentials,
}

impl Permission {
    /// What is needed, for the sentence of a refusal.
    const fn needs(self) -> &'static str {
        match self {
            Self::WriteEvents => "the scope events:write",
            Self::ReadEvents => "the right to read events (scope events:read)",
            Self::ReadEndpoints => "the right to read endpoints (scope endpoints:read)",
            Self::WriteEndpoints => "the role developer or admin (scope endpoints:write)",
            Self::ReadDeliveries => "the right to read deliveries (scope deliveries:read)",
            Self::WriteDeliveries => "the role developer or admin (scope deliveries:write)",
            Self::RevealCredentials => "the role developer or admin, signed in at this browser",
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in person, looking at one of their accounts.
    Member {
        /// The person.
        user: UserId,
        /// The account they look at.
        account: AccountId,
        /// Their role there.
        role: Role,
    },
    /// A program with an API token.
    Token {
        /// The token.
        token: TokenId,
        /// The account it belongs to; none for a platform token.
        account: Option<AccountId>,
        /// What it may do.
        scopes: Vec<Scope>,
    },
}

impl Actor {
    /// The account that the actor works in.
    ///
    /// # Errors
    /// `Forbidden` for a platform token, which has none of its own.
    pub fn account(&self) -> Result<&AccountId> {
        match self {
            Self::Member { account, .. } | Self::Token { account: Some(account), .. } => Ok(account),
            Self::Token { account: None, .. } => Err(Error::Forbidden(
                "A platform token only posts events. Use a token of the account for this.".to_owned(),
            )),
        }
    }

    /// Goes on only if the actor may do this.
    ///
    /// # Errors
    /// `Forbidden` naming what is needed.
    pub fn require(&self, permission: Permission) -> Result<()> {
        let may = match self {
            Self::Member { role, .. } => role.may(permission),
            Self::Token { scopes, .. } => scopes.iter().any(|scope| scope.grants(permission)),
        };
        if may { Ok(()) } else { Err(Error::Forbidden(format!("This needs {}.", permission.needs()))) }
    }

    /// [`Self::require`], then the actor's account.
    ///
    /// # Errors
    /// `Forbidden` naming what is needed.
    pub fn account_if(&self, permission: Permission) -> Result<&AccountId> {
        self.require(permission)?;
        self.account()
    }
}
