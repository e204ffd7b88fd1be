//! Accounts: sign-up, sign-in, and who the actor is.

mod settings;

use async_trait::async_trait;
use domain::{
    Error,
    account::{
        Account, AccountInput, Accounts, Membership, PASSWORD_MAX_CHARS, Role, SignUp, User, email_complaint,
        normal_email,
    },
    actor::{Actor, Permission, Who},
    audit::AuditAction,
    error::Result,
    id::{AccountId, UserId},
    ops::accounts::{AccountNameForm, NameAndReference},
    second_factor::PasswordOutcome,
};

use crate::{
    Engine,
    password::{self, Turn},
    service::users::{sign_in_throttle::Budget, taken_address},
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
    async fn sign_up(&self, form: SignUp, client_ip: &str) -> Result<(User, Account)> {
        if !self.sign_up_open() {
            return Err(Error::Forbidden("Sign-up is closed. Ask an admin of your account to invite you.".into()));
        }
        let turn = Turn::take(client_ip)?;
        let form = checked(&turn, form).await?;
        let user = User { id: self.new_id(UserId::new), name: form.name, email: form.email };
        let account = Account::new(self.new_id(AccountId::new), form.account, None);
        let hash = self.config().password_cost.hash(&turn, form.password).await?;
        let now = self.now();
        let mut tx = self.db().begin().await?;
        users::add(&mut tx, &user, &hash, None, now).await.map_err(taken_address)?;
        accounts::add(&mut tx, &account, now).await?;
        members::add(&mut tx, &user.id, &account.id, Role::Admin, now).await?;
        let (id, name) = (user.id.clone(), user.email.clone());
        let who =
            Who::Member { user: id, name, account: account.id.clone(), role: Role::Admin, developers_rotate: false };
        let entry = self.entry(&Actor::new(who), &account.id, AuditAction::AccountCreated);
        self.record(&mut tx, entry.about(account.id.as_str(), &account.name)).await?;
        tx.commit().await?;
        Ok((user, account))
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

    async fn change_account(&self, actor: &Actor, input: &AccountInput) -> Result<Account> {
        let before = self.account_settings(actor).await?;
        self.change_settings(actor, before, input).await
    }

    fn sign_up_open(&self) -> bool {
        self.context().policies.now().sign_up_open
    }
}

/// Converts the error for a reference that another account has.
pub(super) fn taken_reference(error: StoreError, reference: Option<String>) -> Error {
    if !error.is_unique_violation() {
        return error.into();
    }
    Error::Conflict { detail: "Another account has this reference.".into(), existing: reference }
}

/// Checks the form, and reports all errors at once.
async fn checked(turn: &Turn, form: SignUp) -> Result<SignUp> {
    let weak = password::complaint(turn, "password", &form.password, &[&form.email, &form.name, &form.account]).await?;
    match (form.check(), weak) {
        (Ok(form), None) => Ok(form),
        (Ok(_), Some(weak)) => Err(Error::Invalid(vec![weak])),
        (Err(Error::Invalid(mut complaints)), weak) => {
            let weak = weak.filter(|weak| complaints.iter().all(|one| one.field != weak.field));
            complaints.extend(weak);
            Err(Error::Invalid(complaints))
        }
        (Err(error), _) => Err(error),
    }
}

impl Engine {
    /// Creates an account, for an operator.
    ///
    /// # Errors
    /// `Invalid` for name or reference, `Conflict` when the reference is taken.
    pub async fn create_account(&self, actor: &Actor, name: &str, reference: Option<&str>) -> Result<Account> {
        let naming = AccountNameForm { name: name.to_owned(), reference: reference.unwrap_or_default().to_owned() };
        let (mut tx, account) = self.new_account(actor, naming.check()?).await?;
        self.record_opened(&mut tx, actor, &account).await?;
        tx.commit().await?;
        Ok(account)
    }

    /// Creates an account, and leaves its transaction open.
    pub(super) async fn new_account(
        &self,
        actor: &Actor,
        (name, reference): NameAndReference,
    ) -> Result<(Tx, Account)> {
        actor.require(Permission::Ops)?;
        let account = Account::new(self.new_id(AccountId::new), name, reference);
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
