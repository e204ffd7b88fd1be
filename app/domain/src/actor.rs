//! Who asks: the first argument of everything that the engine does for somebody.

use serde::{Deserialize, Serialize};

use crate::{
    account::{Role, StaffRole, suspended_words},
    error::{Error, Result},
    id::{AccountId, SupportId, TokenId, UserId},
    token::Scope,
};

/// What somebody wants to do. One table says who may: [`Role::may`], [`Scope::grants`], [`StaffRole::may`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// Rotate auth tokens and signing secrets.
    RotateCredentials,
    /// Create, rotate and revoke API tokens.
    ManageTokens,
    /// Invite, change and remove members.
    ManageMembers,
    /// Change the account's settings.
    ManageAccount,
    /// See the audit log.
    ReadAudit,
    /// Look into accounts of customers, in support sessions.
    UseSupport,
    /// Run the installation: accounts, platform tokens, staff, policies.
    Operate,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::WriteEvents,
        Self::ReadEvents,
        Self::ReadEndpoints,
        Self::WriteEndpoints,
        Self::ReadDeliveries,
        Self::WriteDeliveries,
        Self::RevealCredentials,
        Self::RotateCredentials,
        Self::ManageTokens,
        Self::ManageMembers,
        Self::ManageAccount,
        Self::ReadAudit,
        Self::UseSupport,
        Self::Operate,
    ];

    /// Whether this looks and leaves everything as it is: what people may still do in a suspended account.
    #[must_use]
    pub const fn only_reads(self) -> bool {
        matches!(self, Self::ReadEvents | Self::ReadEndpoints | Self::ReadDeliveries | Self::ReadAudit)
    }

    /// Refuses a person, naming the role that is needed.
    #[must_use]
    pub fn refused_to_person(self) -> Error {
        let roles: Vec<&str> = Role::ALL.into_iter().filter(|role| role.may(self)).map(Role::as_str).collect();
        Error::Forbidden(match (self, roles.as_slice()) {
            (Self::UseSupport | Self::Operate, _) => "This is for the provider's staff.".to_owned(),
            (_, []) => "This needs an API token; no person does it.".to_owned(),
            (_, roles) => format!("This needs the role {}.", roles.join(" or ")),
        })
    }

    /// Refuses a program, naming the scope that is needed.
    #[must_use]
    pub fn refused_to_token(self) -> Error {
        let scope = Scope::ALL.into_iter().find(|scope| scope.grants(self));
        Error::Forbidden(match scope {
            Some(scope) => format!("This needs the scope {}.", scope.as_str()),
            None => "This needs a person who is signed in; no API token does it.".to_owned(),
        })
    }
}

/// Who asks, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub who: Who,
    /// The client's address; none for the command line.
    pub address: Option<String>,
    /// Why the account that they work in is suspended, where it is: then they only read.
    pub suspended: Option<String>,
    /// Most events per second that the tokens of the account may post together, where it has a limit of its own.
    pub events_per_s: Option<u32>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A signed-in person, looking at one of their accounts.
    Member {
        /// The person.
        user: UserId,
        /// Their e-mail address.
        name: String,
        /// The account they look at.
        account: AccountId,
        /// Their role there.
        role: Role,
        /// Whether that account lets developers rotate credentials.
        developers_rotate: bool,
    },
    /// A program with an API token.
    Token {
        /// The token.
        token: TokenId,
        /// Its name.
        name: String,
        /// The account it belongs to; none for a platform token.
        account: Option<AccountId>,
        /// What it may do.
        scopes: Vec<Scope>,
    },
    /// The provider's support, reading a customer's account on the record.
    Support {
        /// The person.
        user: UserId,
        /// Their e-mail address.
        name: String,
        /// The account they look at.
        account: AccountId,
        /// The support session.
        session: SupportId,
    },
    /// The provider's staff, outside of any account.
    Staff {
        /// The person.
        user: UserId,
        /// Their e-mail address.
        name: String,
        /// What they are.
        role: StaffRole,
    },
    /// Whoever can run commands on the server.
    CommandLine,
}

impl Actor {
    /// Whoever can run commands on the server.
    pub const COMMAND_LINE: Self = Self::new(Who::CommandLine);

    /// Somebody whose address is not known.
    #[must_use]
    pub const fn new(who: Who) -> Self {
        Self { who, address: None, suspended: None, events_per_s: None }
    }

    /// The same, in an account that is suspended for this reason.
    #[must_use]
    pub fn in_suspended(mut self, reason: Option<String>) -> Self {
        self.suspended = reason;
        self
    }

    /// The same, at this address.
    #[must_use]
    pub fn at(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into()).filter(|address| !address.is_empty());
        self
    }

    /// The account that the actor works in.
    ///
    /// # Errors
    /// `Forbidden` for whoever has none of their own.
    pub fn account(&self) -> Result<&AccountId> {
        match &self.who {
            Who::Member { account, .. } | Who::Token { account: Some(account), .. } | Who::Support { account, .. } => {
                Ok(account)
            }
            Who::Token { account: None, .. } => Err(Error::Forbidden(
                "A platform token only posts events. Use a token of the account for this.".to_owned(),
            )),
            Who::Staff { .. } | Who::CommandLine => {
                Err(Error::Forbidden("Staff look into an account in a support session. Start one for this.".to_owned()))
            }
        }
    }

    /// Whether the actor may do this.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        if self.suspended.is_some() && !permission.only_reads() {
            return false;
        }
        match &self.who {
            Who::Member { role, developers_rotate, .. } => role.may_in(permission, *developers_rotate),
            Who::Token { scopes, .. } => scopes.iter().any(|scope| scope.grants(permission)),
            Who::Support { .. } => {
                matches!(permission, Permission::ReadEvents | Permission::ReadEndpoints | Permission::ReadDeliveries)
            }
            Who::Staff { role, .. } => role.may(permission),
            Who::CommandLine => matches!(permission, Permission::Operate),
        }
    }

    /// Goes on only if the actor may do this.
    ///
    /// # Errors
    /// `Forbidden` naming what is needed.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.may(permission) {
            return Ok(());
        }
        if let Some(reason) = &self.suspended
            && !permission.only_reads()
        {
            return Err(Error::Suspended(suspended_words(reason)));
        }
        Err(match &self.who {
            Who::Token { .. } => permission.refused_to_token(),
            Who::Support { .. } => {
                Error::Forbidden("A support session only reads. The customer changes things.".into())
            }
            _ => permission.refused_to_person(),
        })
    }

    /// [`Self::require`], then the actor's account.
    ///
    /// # Errors
    /// `Forbidden` naming what is needed.
    pub fn account_if(&self, permission: Permission) -> Result<&AccountId> {
        self.require(permission)?;
        self.account()
    }

    /// Who it is, as people read it.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.who {
            Who::Member { name, .. } | Who::Staff { name, .. } => name.clone(),
            Who::Support { name, .. } => format!("{name} (provider support)"),
            Who::Token { name, .. } => format!("API token {name}"),
            Who::CommandLine => "command line".to_owned(),
        }
    }

    /// The id of the person or token; none for the command line.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match &self.who {
            Who::Member { user, .. } | Who::Staff { user, .. } | Who::Support { user, .. } => Some(user.as_str()),
            Who::Token { token, .. } => Some(token.as_str()),
            Who::CommandLine => None,
        }
    }

    /// Whether numbers are shown with their middle hidden.
    #[must_use]
    pub const fn sees_masked(&self) -> bool {
        matches!(self.who, Who::Support { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnixMs;

    #[test]
    fn a_refusal_speaks_of_roles_to_people_and_of_scopes_to_programs() {
        let said = |error: Error| error.to_string();
        assert_eq!(said(Permission::WriteEndpoints.refused_to_person()), "This needs the role developer or admin.");
        assert_eq!(said(Permission::WriteEndpoints.refused_to_token()), "This needs the scope endpoints:write.");
        assert_eq!(said(Permission::ManageMembers.refused_to_person()), "This needs the role admin.");
        assert!(said(Permission::WriteEvents.refused_to_person()).contains("API token"));
        assert!(said(Permission::RevealCredentials.refused_to_token()).contains("signed in"));
    }

    #[test]
    fn support_reads_and_nothing_else() {
        let who = Who::Support {
            user: UserId::new(UnixMs(1), 1),
            name: "sam@provider.example".into(),
            account: AccountId::new(UnixMs(1), 2),
            session: SupportId::new(UnixMs(1), 3),
        };
        let may: Vec<_> = Permission::ALL.into_iter().filter(|p| Actor::new(who.clone()).may(*p)).collect();
        assert_eq!(may, [Permission::ReadEvents, Permission::ReadEndpoints, Permission::ReadDeliveries]);
    }

    #[test]
    fn in_a_suspended_account_everybody_only_reads() {
        let who = Who::Member {
            user: UserId::new(UnixMs(1), 1),
            name: "ana@acme.example".into(),
            account: AccountId::new(UnixMs(1), 2),
            role: Role::Admin,
            developers_rotate: true,
        };
        let admin = Actor::new(who).in_suspended(Some("Unpaid".into()));
        let may: Vec<_> = Permission::ALL.into_iter().filter(|permission| admin.may(*permission)).collect();
        assert!(may.iter().all(|permission| permission.only_reads()) && may.len() == 4, "{may:?}");
        let said = admin.require(Permission::ManageMembers).unwrap_err();
        assert_eq!(said, Error::Suspended("This account is suspended: Unpaid. Ask your provider.".into()));
    }

    #[test]
    fn developers_rotate_where_the_account_lets_them() {
        assert!(!Role::Developer.may_in(Permission::RotateCredentials, false));
        assert!(Role::Developer.may_in(Permission::RotateCredentials, true));
        assert!(!Role::Viewer.may_in(Permission::RotateCredentials, true));
        assert!(Role::Admin.may_in(Permission::RotateCredentials, false));
    }
}
