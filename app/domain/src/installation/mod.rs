//! The installation as its operators see it: how it does, its accounts, its policies, its staff.

pub mod accounts;
pub mod health;
pub mod policy;
pub mod staff;

use async_trait::async_trait;

use crate::{
    account::{Account, User},
    actor::Actor,
    error::Result,
    id::{AccountId, InvitationId, UserId},
    member::{Invitation, Invite, Newcomer},
};

use accounts::{AccountCard, AccountFilter, AccountsPage, LimitsForm, Naming, NewAccount};
use health::Health;
use policy::{Policy, PolicyName};
use staff::{StaffInvitation, StaffInvited, StaffMember, StaffRoster};

/// The operator's part of the port: how it does, and accounts. All of it is `Forbidden` to everybody else.
#[async_trait]
pub trait Installation {
    /// How the queue, the nodes and the accounts do.
    ///
    /// # Errors
    /// `Forbidden`, `Unavailable`
    async fn health(&self, actor: &Actor) -> Result<Health>;
    /// One page of accounts, the newest first.
    ///
    /// # Errors
    /// `Forbidden`
    async fn accounts(&self, actor: &Actor, filter: &AccountFilter) -> Result<AccountsPage>;
    /// One account.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`
    async fn account_card(&self, actor: &Actor, id: &AccountId) -> Result<AccountCard>;
    /// Creates an account and, where an address is given, invites its first admin.
    ///
    /// # Errors
    /// `Invalid` per field, also for a reference that is taken.
    async fn open_account(&self, actor: &Actor, form: &NewAccount) -> Result<(Account, Option<Invitation>)>;
    /// Gives an account another name and reference.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` per field.
    async fn rename_account(&self, actor: &Actor, id: &AccountId, form: &Naming) -> Result<Account>;
    /// Suspends an account: its tokens are refused, its events held, its people only read. One that is suspended gets
    /// the new reason.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` without a reason.
    async fn suspend_account(&self, actor: &Actor, id: &AccountId, reason: &str) -> Result<Account>;
    /// Ends a suspension: held events go out. One that is not suspended stays as it is.
    ///
    /// # Errors
    /// `NotFound`
    async fn restore_account(&self, actor: &Actor, id: &AccountId) -> Result<Account>;
    /// Sets what an account is allowed.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` per field.
    async fn limit_account(&self, actor: &Actor, id: &AccountId, form: &LimitsForm) -> Result<Account>;
}

/// Policies: what holds for the whole installation.
#[async_trait]
pub trait Policies {
    /// All policies as they are in force.
    ///
    /// # Errors
    /// `Forbidden`
    async fn policies(&self, actor: &Actor) -> Result<Vec<Policy>>;
    /// Sets a policy; without a value, what the environment says is in force again.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid` for the value.
    async fn set_policy(&self, actor: &Actor, name: PolicyName, value: Option<&str>) -> Result<Policy>;
    /// Whom the people of an account ask, in the provider's words; empty when the operator has not said.
    fn contact(&self) -> String;
}

/// Staff: who works for the provider here. There is always an operator.
#[async_trait]
pub trait Staffing {
    /// Staff and open invitations.
    ///
    /// # Errors
    /// `Forbidden`
    async fn staff_roster(&self, actor: &Actor) -> Result<StaffRoster>;
    /// Invites somebody, and mails them.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid` per field, also for whoever is staff or invited already.
    async fn invite_staff(&self, actor: &Actor, form: &Invite) -> Result<StaffInvitation>;
    /// Mails an invitation again, with a new link; the earlier link ends.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound` also for one that was accepted or withdrawn.
    async fn resend_staff_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<StaffInvitation>;
    /// Withdraws an invitation: its link ends.
    ///
    /// # Errors
    /// As [`Self::resend_staff_invitation`].
    async fn withdraw_staff_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<StaffInvitation>;
    /// Gives one of the staff another role, or none any more.
    ///
    /// # Errors
    /// `Forbidden` for oneself, `NotFound`, `Conflict` for the only operator.
    async fn change_staff(
        &self,
        actor: &Actor,
        user: &UserId,
        role: Option<crate::account::StaffRole>,
    ) -> Result<StaffMember>;
    /// What the link of an invitation leads to.
    ///
    /// # Errors
    /// `NotFound` for an unknown link, `Conflict` for one that was used, withdrawn or has expired.
    async fn staff_invited(&self, link: &str) -> Result<StaffInvited>;
    /// Accepts an invitation as somebody who is new here.
    ///
    /// # Errors
    /// As [`Self::staff_invited`], and `Invalid` per field.
    async fn join_staff_as_new(&self, link: &str, form: &Newcomer, client_ip: &str) -> Result<User>;
    /// Accepts an invitation as somebody who is signed in.
    ///
    /// # Errors
    /// As [`Self::staff_invited`], and `Forbidden` when it went to another address.
    async fn join_staff(&self, link: &str, user: &UserId, client_ip: &str) -> Result<()>;
}
