//! What operators manage: the health of the installation, accounts, policies and staff.

pub mod accounts;
pub mod health;
pub mod parked;
pub mod policy;
pub mod staff;

use async_trait::async_trait;

use crate::{
    account::{Account, User},
    actor::Actor,
    error::Result,
    id::{AccountId, InvitationId, UserId},
    member::{Invitation, InviteForm, NewUserForm},
};

use accounts::{AccountDetail, AccountFilter, AccountNameForm, AccountsPage, LimitsForm, NewAccount};
use health::Health;
use policy::{Policy, PolicyName};
use staff::{StaffInvitation, StaffInvitationDetails, StaffList, StaffMember};

/// The health of the installation, and its accounts. `Forbidden` to everyone but operators.
#[async_trait]
pub trait OpsAccounts {
    /// The health of the queue, the nodes and the accounts.
    ///
    /// # Errors
    /// `Forbidden`, `Unavailable`
    async fn health(&self, actor: &Actor) -> Result<Health>;
    /// Lets a worker try a parked item again.
    ///
    /// # Errors
    /// `NotFound` if it is not parked any more.
    async fn retry_parked(&self, actor: &Actor, worker: &str, item: &str) -> Result<()>;
    /// One page of accounts, newest first.
    ///
    /// # Errors
    /// `Forbidden`
    async fn accounts(&self, actor: &Actor, filter: &AccountFilter) -> Result<AccountsPage>;
    /// One account in detail.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`
    async fn account_detail(&self, actor: &Actor, id: &AccountId) -> Result<AccountDetail>;
    /// Creates an account and, if an address is given, invites its first admin.
    ///
    /// # Errors
    /// `Invalid` per field, also for a reference in use.
    async fn create_customer_account(&self, actor: &Actor, form: &NewAccount) -> Result<(Account, Option<Invitation>)>;
    /// Changes an account's name and reference.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` per field.
    async fn rename_account(&self, actor: &Actor, id: &AccountId, form: &AccountNameForm) -> Result<Account>;
    /// Suspends an account: its tokens are refused, its events held, and its members can only read. If it is suspended
    /// already, the reason is updated.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` without a reason.
    async fn suspend_account(&self, actor: &Actor, id: &AccountId, reason: &str) -> Result<Account>;
    /// Ends a suspension; held events are sent. No effect if the account is not suspended.
    ///
    /// # Errors
    /// `NotFound`
    async fn restore_account(&self, actor: &Actor, id: &AccountId) -> Result<Account>;
    /// Sets an account's limits.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` per field.
    async fn limit_account(&self, actor: &Actor, id: &AccountId, form: &LimitsForm) -> Result<Account>;
}

/// Policies of the installation.
#[async_trait]
pub trait Policies {
    /// All policies with the values in force.
    ///
    /// # Errors
    /// `Forbidden`
    async fn policies(&self, actor: &Actor) -> Result<Vec<Policy>>;
    /// Sets a policy. Without a value, the environment variable or default applies again.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` for the value.
    async fn set_policy(&self, actor: &Actor, name: PolicyName, value: Option<&str>) -> Result<Policy>;
    /// The support contact shown to members; empty if none is set.
    fn contact(&self) -> String;
}

/// Managing the provider's staff. There is always at least one operator.
#[async_trait]
pub trait StaffAdmin {
    /// Staff and pending invitations.
    ///
    /// # Errors
    /// `Forbidden`
    async fn staff_list(&self, actor: &Actor) -> Result<StaffList>;
    /// Invites a staff member by email.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid` per field, also for whoever is staff or invited already.
    async fn invite_staff(&self, actor: &Actor, form: &InviteForm) -> Result<StaffInvitation>;
    /// Mails an invitation again, with a new link; the earlier link ends.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`, also for an invitation that was accepted or withdrawn.
    async fn resend_staff_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<StaffInvitation>;
    /// Withdraws an invitation. Its link stops working.
    ///
    /// # Errors
    /// As [`Self::resend_staff_invitation`].
    async fn withdraw_staff_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<StaffInvitation>;
    /// Changes a staff member's role, or removes it.
    ///
    /// # Errors
    /// `Forbidden` for oneself, `NotFound`, `Conflict` for the only operator.
    async fn change_staff(
        &self,
        actor: &Actor,
        user: &UserId,
        role: Option<crate::account::StaffRole>,
    ) -> Result<StaffMember>;
    /// The invitation a link belongs to.
    ///
    /// # Errors
    /// `NotFound` for an unknown link, `Conflict` for one that was used, withdrawn or has expired.
    async fn staff_invited(&self, link: &str) -> Result<StaffInvitationDetails>;
    /// Accepts an invitation as a new user.
    ///
    /// # Errors
    /// As [`Self::staff_invited`], and `Invalid` per field.
    async fn join_staff_as_new(&self, link: &str, form: &NewUserForm, client_ip: &str) -> Result<User>;
    /// Accepts an invitation as a signed-in user.
    ///
    /// # Errors
    /// As [`Self::staff_invited`], and `Forbidden` if it was sent to another address.
    async fn join_staff(&self, link: &str, user: &UserId, client_ip: &str) -> Result<()>;
}
