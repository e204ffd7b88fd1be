//! The accounts part of the port.

use async_trait::async_trait;

use super::{
    Account, AccountInput, AccountUsage, Membership, PasswordOutcome, RequestOrigin, SignUp, SignUpOutcome,
    SignUpPolicy, User,
};
use crate::{
    actor::Actor,
    error::Result,
    id::{AccountId, UserId},
};

/// Accounts, signing up and signing in.
#[async_trait]
pub trait Accounts {
    /// Signs a user up as the admin of a new account: emails them a link, or creates both at once if no mail server is
    /// configured.
    ///
    /// # Errors
    /// `Forbidden` when sign-up is closed, `Invalid` per field (without a mail server also for a taken address), `TooMany`
    /// while too many emails are being sent, `Unavailable` while too many passwords are being checked.
    async fn sign_up(&self, form: SignUp, from: RequestOrigin, client_ip: &str) -> Result<SignUpOutcome>;
    /// The sign-up of an emailed link, without a password.
    ///
    /// # Errors
    /// `NotFound` for an unknown or used link, `Conflict` if it has expired.
    async fn linked_sign_up(&self, link: &str) -> Result<SignUp>;
    /// Creates the user and the account of an emailed link.
    ///
    /// # Errors
    /// As [`Self::linked_sign_up`] and [`Self::sign_up`].
    async fn finish_sign_up(&self, link: &str, password: &str, client_ip: &str) -> Result<(User, Account)>;
    /// Checks an email address and password. Takes as long for an unknown address as for a wrong password. `device` is the
    /// browser's [`Self::device_cookie`], or empty: failures of a browser with one are counted on their own.
    ///
    /// # Errors
    /// `Unauthenticated` with one neutral sentence, `TooMany` after too many failures of this address or client,
    /// `Unavailable` while too many passwords are being checked.
    async fn sign_in(&self, email: &str, password: &str, client_ip: &str, device: &str) -> Result<PasswordOutcome>;
    /// A cookie for the browser in which this user has signed in: nobody else's wrong passwords make it wait.
    fn device_cookie(&self, user: &UserId) -> String;
    /// A signed-in user and their memberships, ordered by account name.
    ///
    /// # Errors
    /// `Unauthenticated` when the user no longer exists.
    async fn memberships(&self, user: &UserId) -> Result<(User, Vec<Membership>)>;
    /// The user as an actor in this account.
    ///
    /// # Errors
    /// `NotFound` when they do not belong to it.
    async fn actor(&self, user: &UserId, account: &AccountId) -> Result<Actor>;
    /// The user as one of the provider's staff, outside any account.
    ///
    /// # Errors
    /// `NotFound` for everybody else: for them there is no such page.
    async fn staff(&self, user: &UserId) -> Result<Actor>;
    /// The actor's account.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not manage it.
    async fn account_settings(&self, actor: &Actor) -> Result<Account>;
    /// What the account uses of its limits.
    ///
    /// # Errors
    /// As [`Self::account_settings`].
    async fn account_usage(&self, actor: &Actor) -> Result<AccountUsage>;
    /// Changes its name and settings. Turning support access off ends running support sessions.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not manage it, `Invalid` for the name.
    async fn change_account(&self, actor: &Actor, input: &AccountInput) -> Result<Account>;
    /// Who may sign up.
    fn sign_up_policy(&self) -> SignUpPolicy;
}
