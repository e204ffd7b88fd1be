//! Signing up. With a mail server, a user and their account exist only once the emailed link has been opened: so an address
//! is proven before it can do anything, and the form says the same of an address that has a user.

use domain::{
    Error, UnixMs,
    account::{Account, Role, SIGN_UP_MS, SignUp, SignUpOutcome, SignUpPolicy, User},
    actor::{Actor, Who},
    audit::AuditAction,
    error::Result,
    id::{AccountId, UserId},
};

use crate::{
    Engine,
    digest::hash,
    mail::{Purpose, Queueing},
    password::{self, Turn},
    service::users::{
        emails::{self, Link},
        taken_address,
    },
    store::{
        accounts, members,
        users::{
            self,
            sign_ups::{self, StoredSignUp},
        },
    },
};

/// Seconds after which to try again when too many emails were sent.
const RETRY_AFTER_S: u32 = 3_600;

impl Engine {
    /// Emails a link, or creates the user at once if no mail server is configured.
    pub(super) async fn begin_sign_up(&self, form: SignUp, client_ip: &str) -> Result<SignUpOutcome> {
        if self.config().mail.is_configured() {
            self.email_sign_up_link(form.check_unproven()?).await?;
            return Ok(SignUpOutcome::LinkSent);
        }
        let turn = Turn::take(client_ip)?;
        let form = checked(&turn, form).await?;
        let (user, account) = self.open_account(&turn, form, None).await?;
        Ok(SignUpOutcome::SignedUp(user.id, account.id))
    }

    /// The same steps whether or not the user exists, so that neither the response nor its timing tells.
    async fn email_sign_up_link(&self, SignUp { name, email, account, .. }: SignUp) -> Result<()> {
        let known = users::credentials(self.db(), &email).await?.is_some();
        let (link, expires_ms) = (Link::new(), self.now().plus_ms(SIGN_UP_MS).0);
        let mut tx = self.db().begin().await?;
        let email = if known {
            emails::already_signed_up(&email, &self.page_url("sign-in"), &self.page_url("forgot"))
        } else {
            emails::sign_up(&email, &account, &self.page_url(&format!("sign-up/{}", link.text)))
        };
        let sign_up = StoredSignUp { email: email.to.clone(), name, account, expires_ms };
        sign_ups::add(&mut tx, &link.hash, &sign_up).await?;
        let how = Queueing { purpose: Purpose::SignUp, about: None, valid_ms: SIGN_UP_MS };
        if !self.queue_email(&mut tx, email, how).await? {
            return Err(Error::TooMany { retry_after_s: RETRY_AFTER_S });
        }
        Ok(tx.commit().await?)
    }

    /// The sign-up of a link, without its password.
    pub(super) async fn open_sign_up(&self, link: &str) -> Result<SignUp> {
        let found = sign_ups::by_link(self.db(), &hash(link)).await?;
        let StoredSignUp { email, name, account, expires_ms } =
            found.ok_or_else(|| Error::NotFound("Sign-up".into()))?;
        if UnixMs(expires_ms) <= self.now() {
            return Err(conflict("This link has expired. Links are valid for 24 hours. Sign up again."));
        }
        Ok(SignUp { name, email, account, password: String::new() })
    }

    /// Creates the user and the account of a link.
    pub(super) async fn complete_sign_up(
        &self,
        link: &str,
        password: &str,
        client_ip: &str,
    ) -> Result<(User, Account)> {
        let turn = Turn::take(client_ip)?;
        let form = SignUp { password: password.to_owned(), ..self.open_sign_up(link).await? };
        let form = checked(&turn, form).await?;
        self.open_account(&turn, form, Some(link)).await
    }

    async fn open_account(&self, turn: &Turn, form: SignUp, link: Option<&str>) -> Result<(User, Account)> {
        if self.context().policies.now().sign_up == SignUpPolicy::Invite {
            return Err(closed());
        }
        let user = User { id: self.new_id(UserId::new), name: form.name, email: form.email };
        let account = Account::new(self.new_id(AccountId::new), form.account, None);
        let stored = self.config().password_cost.hash(turn, form.password).await?;
        let now = self.now();
        let mut tx = self.db().begin().await?;
        if let Some(link) = link
            && !sign_ups::consume(&mut tx, &hash(link), now).await?
        {
            return Err(conflict("This link has just been used. Sign in."));
        }
        users::add(&mut tx, &user, &stored, None, now).await.map_err(taken_address)?;
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
}

pub(super) fn closed() -> Error {
    Error::Forbidden("Sign-up is closed. Ask an admin of your account to invite you.".into())
}

fn conflict(detail: &str) -> Error {
    Error::Conflict { detail: detail.to_owned(), existing: None }
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
