//! The actor: who makes a request. It is the first argument of every operation of the engine.

pub use crate::permission::Permission;
use crate::permission::suspension_message;

use crate::{
    error::{Error, Result},
    id::{AccountId, ConnectorId, SupportId, TokenId, UserId},
    role::{Role, StaffRole},
    scope::Scope,
};

/// Who makes a request, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub who: Who,
    /// The client's IP address; `None` for the command line.
    pub address: Option<String>,
    /// Why the actor's account is suspended, if it is. A suspended account is read-only.
    pub suspended: Option<String>,
    /// The account's own limit in events per second, across all its tokens, if it has one.
    pub events_per_s: Option<u32>,
}

/// The kinds of actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A signed-in user in one of their accounts.
    Member {
        /// The user.
        user: UserId,
        /// Their email address.
        name: String,
        /// The account.
        account: AccountId,
        /// Their role in it.
        role: Role,
        /// Whether the account lets developers rotate credentials.
        developers_rotate: bool,
    },
    /// A program with an API token.
    Token {
        /// The token.
        token: TokenId,
        /// Its name.
        name: String,
        /// The account it belongs to; `None` for a platform token.
        account: Option<AccountId>,
        /// Its scopes.
        scopes: Vec<Scope>,
    },
    /// Support staff in a support session, which the account's audit log records.
    Support {
        /// The user.
        user: UserId,
        /// Their email address.
        name: String,
        /// The account.
        account: AccountId,
        /// The support session.
        session: SupportId,
    },
    /// A connector that runs inside the server.
    Connector {
        /// The connector.
        connector: ConnectorId,
        /// Its name.
        name: String,
        /// The account it belongs to; `None` for a platform connector.
        account: Option<AccountId>,
    },
    /// The provider's staff, outside any account.
    Staff {
        /// The user.
        user: UserId,
        /// Their email address.
        name: String,
        /// Their role.
        role: StaffRole,
    },
    /// The command line on the server.
    CommandLine,
}

impl Actor {
    /// The command line on the server.
    pub const COMMAND_LINE: Self = Self::new(Who::CommandLine);

    /// An actor without a known address.
    #[must_use]
    pub const fn new(who: Who) -> Self {
        Self { who, address: None, suspended: None, events_per_s: None }
    }

    /// Sets the reason why the actor's account is suspended.
    #[must_use]
    pub fn with_suspension(mut self, reason: Option<String>) -> Self {
        self.suspended = reason;
        self
    }

    /// Sets the client's IP address; an empty one counts as unknown.
    #[must_use]
    pub fn at(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into()).filter(|address| !address.is_empty());
        self
    }

    /// The account the actor acts in.
    ///
    /// # Errors
    /// `Forbidden` for actors outside any account.
    pub fn account(&self) -> Result<&AccountId> {
        match &self.who {
            Who::Member { account, .. }
            | Who::Support { account, .. }
            | Who::Token { account: Some(account), .. }
            | Who::Connector { account: Some(account), .. } => Ok(account),
            Who::Token { account: None, .. } | Who::Connector { account: None, .. } => Err(Error::Forbidden(
                "Platform tokens can only post events and manage connectors of the platform. Use a token of the account instead.".to_owned(),
            )),
            Who::Staff { .. } | Who::CommandLine => Err(Error::Forbidden(
                "Staff can read an account in a support session only. Start one first.".to_owned(),
            )),
        }
    }

    /// Whether the actor has this permission.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        if self.suspended.is_some() && !permission.is_read_only() {
            return false;
        }
        match &self.who {
            Who::Member { role, developers_rotate, .. } => role.may_in(permission, *developers_rotate),
            Who::Token { scopes, .. } => scopes.iter().any(|scope| scope.grants(permission)),
            Who::Support { .. } => matches!(
                permission,
                Permission::ReadEvents
                    | Permission::ReadEndpoints
                    | Permission::ReadDeliveries
                    | Permission::ReadConnectors
            ),
            Who::Connector { .. } => matches!(permission, Permission::WriteEvents),
            Who::Staff { role, .. } => role.may(permission),
            Who::CommandLine => matches!(permission, Permission::Ops),
        }
    }

    /// Checks that the actor has this permission.
    ///
    /// # Errors
    /// `Forbidden` naming what is needed.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.may(permission) {
            return Ok(());
        }
        if let Some(reason) = &self.suspended
            && !permission.is_read_only()
        {
            return Err(Error::Suspended(suspension_message(reason)));
        }
        Err(match &self.who {
            Who::Token { .. } => refused_to_token(permission),
            Who::Support { .. } => {
                Error::Forbidden("Support sessions are read-only. Ask the customer to make the change.".into())
            }
            _ => refused_to_user(permission),
        })
    }

    /// [`Self::require`], then [`Self::account`].
    ///
    /// # Errors
    /// `Forbidden` naming what is needed.
    pub fn account_if(&self, permission: Permission) -> Result<&AccountId> {
        self.require(permission)?;
        self.account()
    }

    /// The actor's name for display.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.who {
            Who::Member { name, .. } | Who::Staff { name, .. } => name.clone(),
            Who::Connector { name, .. } => format!("connector {name}"),
            Who::Support { name, .. } => format!("{name} (provider support)"),
            Who::Token { name, .. } => format!("API token {name}"),
            Who::CommandLine => "command line".to_owned(),
        }
    }

    /// The id of the user or token; `None` for the command line.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match &self.who {
            Who::Member { user, .. } | Who::Staff { user, .. } | Who::Support { user, .. } => Some(user.as_str()),
            Who::Token { token, .. } => Some(token.as_str()),
            Who::Connector { connector, .. } => Some(connector.as_str()),
            Who::CommandLine => None,
        }
    }

    /// Whether phone numbers are masked for this actor.
    #[must_use]
    pub const fn sees_masked_numbers(&self) -> bool {
        matches!(self.who, Who::Support { .. })
    }
}

/// Refuses a user, naming the role that is needed.
#[must_use]
pub fn refused_to_user(permission: Permission) -> Error {
    let roles: Vec<&str> = Role::ALL.into_iter().filter(|role| role.may(permission)).map(Role::as_str).collect();
    Error::Forbidden(match (permission, roles.as_slice()) {
        (Permission::UseSupport | Permission::Ops, _) => "Only the provider's staff can do this.".to_owned(),
        (_, []) => "This needs an API token.".to_owned(),
        (_, roles) => format!("This needs the role {}.", roles.join(" or ")),
    })
}

/// Refuses an API token, naming the scope that is needed.
fn refused_to_token(permission: Permission) -> Error {
    let scope = Scope::ALL.into_iter().find(|scope| scope.grants(permission));
    Error::Forbidden(match scope {
        Some(scope) => format!("This needs the scope {}.", scope.as_str()),
        None => "This needs a signed-in user. API tokens can't do it.".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnixMs;

    #[test]
    fn users_are_told_the_role_and_tokens_the_scope_that_is_missing() {
        let text = |error: Error| error.to_string();
        assert_eq!(text(refused_to_user(Permission::WriteEndpoints)), "This needs the role developer or admin.");
        assert_eq!(text(refused_to_token(Permission::WriteEndpoints)), "This needs the scope endpoints:write.");
        assert_eq!(text(refused_to_user(Permission::ManageMembers)), "This needs the role admin.");
        assert!(text(refused_to_user(Permission::WriteEvents)).contains("API token"));
        assert!(text(refused_to_token(Permission::RevealCredentials)).contains("signed-in"));
    }

    #[test]
    fn support_is_read_only() {
        let who = Who::Support {
            user: UserId::new(UnixMs(1), 1),
            name: "sam@provider.example".into(),
            account: AccountId::new(UnixMs(1), 2),
            session: SupportId::new(UnixMs(1), 3),
        };
        let may: Vec<_> = Permission::ALL.into_iter().filter(|p| Actor::new(who.clone()).may(*p)).collect();
        assert_eq!(
            may,
            [Permission::ReadEvents, Permission::ReadEndpoints, Permission::ReadDeliveries, Permission::ReadConnectors]
        );
    }

    #[test]
    fn a_suspended_account_is_read_only_for_everyone() {
        let who = Who::Member {
            user: UserId::new(UnixMs(1), 1),
            name: "ana@acme.example".into(),
            account: AccountId::new(UnixMs(1), 2),
            role: Role::Admin,
            developers_rotate: true,
        };
        let admin = Actor::new(who).with_suspension(Some("Unpaid".into()));
        let may: Vec<_> = Permission::ALL.into_iter().filter(|permission| admin.may(*permission)).collect();
        assert!(may.iter().all(|permission| permission.is_read_only()) && may.len() == 5, "{may:?}");
        let refused = admin.require(Permission::ManageMembers).unwrap_err();
        assert_eq!(refused, Error::Suspended("This account is suspended: Unpaid. Ask your provider.".into()));
    }

    #[test]
    fn developers_rotate_only_if_the_account_allows_it() {
        assert!(!Role::Developer.may_in(Permission::RotateCredentials, false));
        assert!(Role::Developer.may_in(Permission::RotateCredentials, true));
        assert!(!Role::Viewer.may_in(Permission::RotateCredentials, true));
        assert!(Role::Admin.may_in(Permission::RotateCredentials, false));
    }
}
