//! Accounts: sign-up, sign-in, and who the actor is.

mod settings;
mod sign_up;
mod usage;

use async_trait::async_trait;
use domain::{
    Error,
    account::{
        Account, AccountInput, AccountUsage, Accounts, Membership, PASSWORD_MAX_CHARS, RequestOrigin, SignUp,
        SignUpOutcome, SignUpPolicy, User, email_complaint, normal_email,
    },
    actor::{Actor, Permission, Who},
    audit::AuditAction,
    country::Country,
    error::Result,
    id::{AccountId, UserId},
    ops::accounts::{AccountNameForm, NameAndReference},
    second_factor::PasswordOutcome,
};

use crate::{
    Engine,
    service::users::sign_in_throttle::Budget,
    store::{
        accounts,
        db::Tx,
        error::StoreError,
        members::{self, MemberAccess},
        users,
    },
};

const WRONG: &str = "Incorrect email address or password.";

#[async_trait]
impl Accounts for Engine {
    async fn sign_up(&self, form: SignUp, from: RequestOrigin, client_ip: &str) -> Result<SignUpOutcome> {
        if !self.sign_up_policy().admits(from) {
            return Err(sign_up::closed());
        }
        self.begin_sign_up(form, client_ip).await
    }

    async fn linked_sign_up(&self, link: &str) -> Result<SignUp> {
        self.open_sign_up(link).await
    }

    async fn finish_sign_up(&self, link: &str, password: &str, client_ip: &str) -> Result<(User, Account)> {
        self.complete_sign_up(link, password, client_ip).await
    }

    async fn sign_in(&self, email: &str, password: &str, client_ip: &str, device: &str) -> Result<PasswordOutcome> {
        let email = normal_email(email);
        // No user has such an address or password, so there is nothing to check, count or store.
        if email_complaint(&email).is_some() || password.chars().count() > PASSWORD_MAX_CHARS {
            return Err(Error::Unauthenticated(WRONG.into()));
        }
        let known = users::credentials(self.db(), &email).await?;
        let (user, hash) = known.unzip();
        let device = user.as_ref().and_then(|user| self.known_device(device, &user.id));
        let budgets = match &device {
            Some(device) => vec![Budget::device(device)],
            None => vec![Budget::address(&email), Budget::client(client_ip)],
        };
        // Whether there is a second factor is revealed only after the right password.
        if !self.check_password(password, hash.clone(), client_ip, &budgets).await? {
            return Err(Error::Unauthenticated(WRONG.into()));
        }
        let (user, hash) = user.zip(hash).ok_or_else(|| Error::Unauthenticated(WRONG.into()))?;
        self.after_password(user, &hash).await
    }

    fn device_cookie(&self, user: &UserId) -> String {
        self.seal_device(user)
    }

    async fn memberships(&self, user: &UserId) -> Result<(User, Vec<Membership>)> {
        let found = users::one(self.db(), user).await?;
        let found = found.ok_or_else(|| Error::Unauthenticated("Sign in to continue.".into()))?;
        Ok((found, members::of_user(self.db(), user).await?))
    }

    async fn actor(&self, user: &UserId, account: &AccountId) -> Result<Actor> {
        let found = members::access(self.db(), user, account).await?;
        let found = found.ok_or_else(|| Error::NotFound("Account".into()))?;
        let MemberAccess { email: name, role, developers_rotate, suspended } = found;
        let (user, account) = (user.clone(), account.clone());
        Ok(Actor::new(Who::Member { user, name, account, role, developers_rotate }).with_suspension(suspended))
    }

    async fn staff(&self, user: &UserId) -> Result<Actor> {
        let (name, role) = members::staff(self.db(), user).await?.ok_or_else(|| Error::NotFound("Page".into()))?;
        Ok(Actor::new(Who::Staff { user: user.clone(), name, role }))
    }

    async fn account_settings(&self, actor: &Actor) -> Result<Account> {
        let id = actor.account_if(Permission::ManageAccount)?;
        let known = accounts::account(self.db(), id.as_str()).await?;
        known.ok_or_else(|| Error::NotFound("Account".into()))
    }

    async fn account_usage(&self, actor: &Actor) -> Result<AccountUsage> {
        let account = self.account_settings(actor).await?;
        self.usage_of(&account).await
    }

    async fn change_account(&self, actor: &Actor, input: &AccountInput) -> Result<Account> {
        let before = self.account_settings(actor).await?;
        self.change_settings(actor, before, input).await
    }

    fn sign_up_policy(&self) -> SignUpPolicy {
        self.context().policies.now().sign_up
    }
}

/// Converts the error for a reference that another account has.
pub(super) fn taken_reference(error: StoreError, reference: Option<String>) -> Error {
    if !error.is_unique_violation() {
        return error.into();
    }
    Error::Conflict { detail: "Another account has this reference.".into(), existing: reference }
}

impl Engine {
    /// Creates an account, for an operator.
    ///
    /// # Errors
    /// `Invalid` for name or reference, `Conflict` when the reference is taken.
    pub async fn create_account(&self, actor: &Actor, name: &str, reference: Option<&str>) -> Result<Account> {
        let naming = AccountNameForm { name: name.to_owned(), reference: reference.unwrap_or_default().to_owned() };
        let (mut tx, account) = self.new_account(actor, naming.check()?, None).await?;
        self.record_opened(&mut tx, actor, &account).await?;
        tx.commit().await?;
        Ok(account)
    }

    /// Creates an account, and leaves its transaction open.
    pub(super) async fn new_account(
        &self,
        actor: &Actor,
        (name, reference): NameAndReference,
        country: Option<Country>,
    ) -> Result<(Tx, Account)> {
        actor.require(Permission::Ops)?;
        let mut account = Account::new(self.new_id(AccountId::new), name, reference);
        account.settings.country = country;
        let mut tx = self.db().begin().await?;
        let added = accounts::add(&mut tx, &account, self.now()).await;
        added.map_err(|error| taken_reference(error, account.reference.clone()))?;
        Ok((tx, account))
    }

    /// Records a new account in its own log and in the ops log.
    pub(super) async fn record_opened(&self, tx: &mut Tx, actor: &Actor, account: &Account) -> Result<()> {
        self.record_both(tx, actor, account, AuditAction::AccountCreated, Vec::new()).await
    }
}
