//! Accounts and people: signing up, signing in, and who is who.

use async_trait::async_trait;
use domain::{
    Error, UnixMs,
    account::{
        Account, AccountForm, Accounts, Membership, Role, SignUp, StaffRole, User, email_complaint, normal_email,
    },
    actor::{Actor, Permission, Who},
    audit::{Change, Deed},
    error::Result,
    id::{AccountId, UserId},
    installation::accounts::{Named, Naming},
    second_factor::FirstStep,
    time::{MINUTE_MS, SECOND_MS},
};

use crate::{
    Engine, password,
    store::{
        accounts::{self, Here},
        audit::{self, Entry},
        db::Tx,
    },
};

/// Failed sign-ins in a row that are free of waiting.
const FREE_FAILURES: i64 = 4;
/// Wait after the next failure; doubles with each.
const FIRST_WAIT_MS: i64 = 2 * SECOND_MS;
/// Longest wait.
const LONGEST_WAIT_MS: i64 = 15 * MINUTE_MS;
/// A client's address may fail this many times as often as one e-mail address: offices share addresses.
pub(super) const CLIENT_FACTOR: i64 = 5;

const WRONG: &str = "This e-mail address and password do not fit together.";

/// Where a new person belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// To a customer's account, in this role.
    Member(AccountId, Role),
    /// To the provider's staff.
    Staff(StaffRole),
}

#[async_trait]
impl Accounts for Engine {
    async fn sign_up(&self, form: SignUp) -> Result<(User, Account)> {
        if !self.sign_up_open() {
            return Err(Error::Forbidden("Sign-up is closed here. Ask an admin of your account to invite you.".into()));
        }
        let form = checked(form)?;
        let user = User { id: self.new_id(UserId::new), name: form.name, email: form.email };
        let account = Account::new(self.new_id(AccountId::new), form.account, None);
        let hash = password::hash(form.password).await;
        let now = self.now();
        let mut tx = self.db().begin().await?;
        accounts::add_user(&mut tx, &user, &hash, None, now).await.map_err(taken_address)?;
        accounts::add_account(&mut tx, &account, now).await?;
        accounts::add_member(&mut tx, &user.id, &account.id, Role::Admin, now).await?;
        let (id, name) = (user.id.clone(), user.email.clone());
        let who =
            Who::Member { user: id, name, account: account.id.clone(), role: Role::Admin, developers_rotate: false };
        let entry = self.entry(&Actor::new(who), &account.id, Deed::AccountCreated);
        self.note(&mut tx, entry.about(account.id.as_str(), &account.name)).await?;
        tx.commit().await?;
        Ok((user, account))
    }

    async fn sign_in(&self, email: &str, password: &str, client_ip: &str) -> Result<FirstStep> {
        let email = normal_email(email);
        // Nobody has such an address, and PostgreSQL takes no NUL.
        if email.contains(char::is_control) {
            return Err(Error::Unauthenticated(WRONG.into()));
        }
        let known = accounts::credentials(self.db(), &email).await?;
        let (user, hash) = known.unzip();
        // Only a right password leads to the question whether there is a second factor: before, nothing tells.
        if !self.check_password(&email, password, hash.clone(), client_ip).await? {
            return Err(Error::Unauthenticated(WRONG.into()));
        }
        let (user, hash) = user.zip(hash).ok_or_else(|| Error::Unauthenticated(WRONG.into()))?;
        self.after_password(user, &hash).await
    }

    async fn memberships(&self, user: &UserId) -> Result<(User, Vec<Membership>)> {
        let found = accounts::user(self.db(), user).await?;
        let found = found.ok_or_else(|| Error::Unauthenticated("Sign in to continue.".into()))?;
        Ok((found, accounts::memberships(self.db(), user).await?))
    }

    async fn actor(&self, user: &UserId, account: &AccountId) -> Result<Actor> {
        let found = accounts::member(self.db(), user, account).await?;
        let found = found.ok_or_else(|| Error::NotFound("Account".into()))?;
        let Here { name, role, developers_rotate, suspended } = found;
        let (user, account) = (user.clone(), account.clone());
        Ok(Actor::new(Who::Member { user, name, account, role, developers_rotate }).in_suspended(suspended))
    }

    async fn staff(&self, user: &UserId) -> Result<Actor> {
        let (name, role) = accounts::staff(self.db(), user).await?.ok_or_else(|| Error::NotFound("Page".into()))?;
        Ok(Actor::new(Who::Staff { user: user.clone(), name, role }))
    }

    async fn account_settings(&self, actor: &Actor) -> Result<Account> {
        let id = actor.account_if(Permission::ManageAccount)?;
        let known = accounts::account(self.db(), id.as_str()).await?;
        known.ok_or_else(|| Error::NotFound("Account".into()))
    }

    async fn change_account(&self, actor: &Actor, form: &AccountForm) -> Result<Account> {
        let before = self.account_settings(actor).await?;
        self.change_settings(actor, before, form).await
    }

    fn sign_up_open(&self) -> bool {
        self.sender().policies.now().sign_up_open
    }
}

fn taken_address(error: crate::store::error::StoreError) -> Error {
    if error.is_unique_violation() {
        return Error::invalid("email", "Somebody has signed up with this address already. Sign in instead.");
    }
    error.into()
}

/// What stands against a reference that another account has.
pub(super) fn taken_reference(error: crate::store::error::StoreError, reference: Option<String>) -> Error {
    if !error.is_unique_violation() {
        return error.into();
    }
    Error::Conflict { detail: "Another account has this reference.".into(), existing: reference }
}

/// The form with its rules kept; all complaints come at once.
fn checked(form: SignUp) -> Result<SignUp> {
    let weak = password::complaint("password", &form.password, &[&form.email, &form.name, &form.account]);
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
    /// Whether this is the password behind the stored hash. Wrong ones make the next try wait.
    pub(super) async fn check_password(
        &self,
        email: &str,
        password: &str,
        stored: Option<String>,
        client_ip: &str,
    ) -> Result<bool> {
        let keys = [(format!("email:{email}"), 1), (format!("ip:{client_ip}"), CLIENT_FACTOR)];
        for (key, _) in &keys {
            self.refuse_while_blocked(key).await?;
        }
        if !password::fits(password.to_owned(), stored).await {
            self.count_failure(&keys).await?;
            return Ok(false);
        }
        let mut tx = self.db().begin().await?;
        accounts::forgive_sign_in(&mut tx, &keys[0].0).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn refuse_while_blocked(&self, key: &str) -> Result<()> {
        let (_, until) = accounts::sign_in_failures(self.db(), key).await?;
        refuse_until(until, self.now())
    }

    async fn count_failure(&self, keys: &[(String, i64)]) -> Result<()> {
        let now = self.now();
        for (key, factor) in keys {
            let failures = accounts::sign_in_failures(self.db(), key).await?.0 + 1;
            let mut tx = self.db().begin().await?;
            accounts::block_sign_in(&mut tx, key, failures, blocked_until(failures / factor, now)).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Creates an account, for an operator.
    ///
    /// # Errors
    /// `Invalid` for name or reference, `Conflict` when the reference is taken.
    pub async fn create_account(&self, actor: &Actor, name: &str, reference: Option<&str>) -> Result<Account> {
        let naming = Naming { name: name.to_owned(), reference: reference.unwrap_or_default().to_owned() };
        let (mut tx, account) = self.new_account(actor, naming.check()?).await?;
        self.record_opened(&mut tx, actor, &account).await?;
        tx.commit().await?;
        Ok(account)
    }

    /// A new account in a transaction that goes on.
    pub(super) async fn new_account(&self, actor: &Actor, (name, reference): Named) -> Result<(Tx, Account)> {
        actor.require(Permission::Operate)?;
        let account = Account::new(self.new_id(AccountId::new), name, reference);
        let mut tx = self.db().begin().await?;
        let added = accounts::add_account(&mut tx, &account, self.now()).await;
        added.map_err(|error| taken_reference(error, account.reference.clone()))?;
        Ok((tx, account))
    }

    /// Records a new account in its own log and in the installation's.
    pub(super) async fn record_opened(&self, tx: &mut Tx, actor: &Actor, account: &Account) -> Result<()> {
        self.record_both(tx, actor, account, Deed::AccountCreated, Vec::new()).await
    }

    /// Creates a person, for an operator.
    ///
    /// # Errors
    /// `Invalid` for the address or password, `NotFound` for the account.
    pub async fn create_user(&self, actor: &Actor, email: &str, password: &str, place: Place) -> Result<UserId> {
        let email = normal_email(email);
        let complaints: Vec<_> =
            email_complaint(&email).into_iter().chain(password::complaint("password", password, &[&email])).collect();
        if !complaints.is_empty() {
            return Err(Error::Invalid(complaints));
        }
        let user = User { id: self.new_id(UserId::new), name: String::new(), email };
        let staff = if let Place::Staff(role) = &place { Some(*role) } else { None };
        let hash = password::hash(password.to_owned()).await;
        if let Place::Member(account, _) = &place {
            let known = accounts::account(self.db(), account.as_str()).await?;
            known.ok_or_else(|| Error::NotFound("Account".into()))?;
        }
        let mut tx = self.db().begin().await?;
        accounts::add_user(&mut tx, &user, &hash, staff, self.now()).await.map_err(taken_address)?;
        if let Place::Member(account, role) = &place {
            accounts::add_member(&mut tx, &user.id, account, *role, self.now()).await?;
        }
        let (chain, deed, role) = match &place {
            Place::Member(account, role) => (account.as_str(), Deed::MemberJoined, role.as_str()),
            Place::Staff(role) => (audit::OPS_CHAIN, Deed::StaffAdded, role.as_str()),
        };
        let entry = Entry::new(self.next_id(), self.now(), chain, deed).by(actor);
        self.note(&mut tx, entry.about(user.id.as_str(), &user.email).with([Change::noted("role", role)])).await?;
        tx.commit().await?;
        Ok(user.id)
    }
}

/// Refuses while somebody must wait.
pub(super) fn refuse_until(until: UnixMs, now: UnixMs) -> Result<()> {
    let wait_ms = until.since_ms(now);
    if wait_ms <= 0 {
        return Ok(());
    }
    Err(Error::TooMany { retry_after_s: u32::try_from((wait_ms + 999) / SECOND_MS).unwrap_or(u32::MAX) })
}

/// Until when the next try must wait after so many failures in a row; never a time before the latest of them.
pub(super) fn blocked_until(failures: i64, now: UnixMs) -> UnixMs {
    let over = failures - FREE_FAILURES;
    if over <= 0 {
        return now;
    }
    let doubled = FIRST_WAIT_MS.saturating_mul(1 << (over - 1).min(20));
    now.plus_ms(doubled.min(LONGEST_WAIT_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_and_ends_at_a_quarter_of_an_hour() {
        let waits: Vec<i64> = [4, 5, 6, 7, 60].map(|failures| blocked_until(failures, UnixMs(0)).0).to_vec();
        assert_eq!(waits, [0, 2_000, 4_000, 8_000, LONGEST_WAIT_MS]);
    }
}
