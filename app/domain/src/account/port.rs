//! What may be asked of accounts and people, and done.

use async_trait::async_trait;

use super::{Account, AccountForm, Membership, SignUp, User};
use crate::{
    actor::Actor,
    error::Result,
    id::{AccountId, UserId},
    second_factor::FirstStep,
};

/// Accounts and people: the part of the port that lets people in.
#[async_trait]
pub trait Accounts {
    /// Creates a person, their account, and makes them its admin.
    ///
    /// # Errors
    /// `Forbidden` when sign-up is closed, `Invalid` per field (also for a taken address).
    async fn sign_up(&self, form: SignUp) -> Result<(User, Account)>;
    /// The person with this address and password, or the question for their second factor. Takes as long for an unknown address as for a wrong password.
    ///
    /// # Errors
    /// `Unauthenticated` with one neutral sentence, `TooMany` after too many failures of this address or client.
    async fn sign_in(&self, email: &str, password: &str, client_ip: &str) -> Result<FirstStep>;
    /// A signed-in person and the accounts they belong to, by account name.
    ///
    /// # Errors
    /// `Unauthenticated` when the person is gone.
    async fn memberships(&self, user: &UserId) -> Result<(User, Vec<Membership>)>;
    /// The person as an actor in this account.
    ///
    /// # Errors
    /// `NotFound` when they do not belong to it.
    async fn actor(&self, user: &UserId, account: &AccountId) -> Result<Actor>;
    /// The person as one of the provider's staff, outside of any account.
    ///
    /// # Errors
    /// `NotFound` for everybody else: for them there is no such page.
    async fn staff(&self, user: &UserId) -> Result<Actor>;
    /// The account that the actor works in.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not manage it.
    async fn account_settings(&self, actor: &Actor) -> Result<Account>;
    /// Changes its name and settings. Without support access, support sessions that run there end.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not manage it, `Invalid` for the name.
    async fn change_account(&self, actor: &Actor, form: &AccountForm) -> Result<Account>;
    /// Whether anybody may sign up.
    fn sign_up_open(&self) -> bool;
}
