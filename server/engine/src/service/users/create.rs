//! Creates users from the command line.

use domain::{
    Error,
    account::{Role, StaffRole, User, email_complaint, normal_email},
    actor::Actor,
    audit::{AuditAction, Change},
    error::Result,
    id::{AccountId, UserId},
};

use crate::{
    Engine,
    password::{self, Turn},
    service::users::taken_address,
    store::{
        accounts,
        audit::{self, Entry},
        members, users,
    },
};

/// The command line has no address.
const NO_CLIENT: &str = "";

/// What a new user belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Affiliation {
    /// A customer's account, with this role.
    Member(AccountId, Role),
    /// Staff, with this role.
    Staff(StaffRole),
}

impl Engine {
    /// Creates a user, for an operator.
    ///
    /// # Errors
    /// `Invalid` for the address or password, `NotFound` for the account.
    pub async fn create_user(
        &self,
        actor: &Actor,
        email: &str,
        password: &str,
        affiliation: Affiliation,
    ) -> Result<UserId> {
        let (email, turn) = (normal_email(email), Turn::take(NO_CLIENT)?);
        let weak = password::complaint(&turn, "password", password, &[&email]).await?;
        let complaints: Vec<_> = email_complaint(&email).into_iter().chain(weak).collect();
        if !complaints.is_empty() {
            return Err(Error::Invalid(complaints));
        }
        let user = User { id: self.new_id(UserId::new), name: String::new(), email };
        let staff = if let Affiliation::Staff(role) = &affiliation { Some(*role) } else { None };
        let hash = self.config().password_cost.hash(&turn, password.to_owned()).await?;
        if let Affiliation::Member(account, _) = &affiliation {
            let known = accounts::account(self.db(), account.as_str()).await?;
            known.ok_or_else(|| Error::NotFound("Account".into()))?;
        }
        let mut tx = self.db().begin().await?;
        users::add(&mut tx, &user, &hash, staff, self.now()).await.map_err(taken_address)?;
        if let Affiliation::Member(account, role) = &affiliation {
            members::add(&mut tx, &user.id, account, *role, self.now()).await?;
        }
        let (chain, action, role) = match &affiliation {
            Affiliation::Member(account, role) => (account.as_str(), AuditAction::MemberJoined, role.as_str()),
            Affiliation::Staff(role) => (audit::OPS_CHAIN, AuditAction::StaffAdded, role.as_str()),
        };
        let entry = Entry::new(self.next_id(), self.now(), chain, action).by(actor);
        self.record(&mut tx, entry.about(user.id.as_str(), &user.email).with([Change::noted("role", role)])).await?;
        tx.commit().await?;
        Ok(user.id)
    }
}
