//! What operators manage: the health of the installation, accounts and policies.

pub mod accounts;
pub mod health;
pub mod parked;
pub mod policy;

use async_trait::async_trait;

use crate::{
    account::{Account, Limits},
    actor::Actor,
    error::Result,
    id::AccountId,
    member::Invitation,
};

use accounts::{AccountDetail, AccountFilter, AccountNameForm, AccountsPage, NewAccount};
use health::Health;
use policy::{Policy, PolicyName};

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
    async fn limit_account(&self, actor: &Actor, id: &AccountId, limits: Limits) -> Result<Account>;
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
