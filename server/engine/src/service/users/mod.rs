//! What users manage themselves: passwords, signed-in browsers, and email preferences.

pub mod create;
mod device_cookie;
pub(super) mod emails;
mod second_factor;
pub(super) mod sign_in_throttle;

use async_trait::async_trait;
use domain::{
    Error,
    account::{User, email_complaint, normal_email},
    audit::{AuditAction, Change},
    error::Result,
    id::UserId,
    user::{BrowserSession, EmailPreferences, NewPassword, RESET_MS, RESET_PAUSE_MS, Users},
};

use crate::{
    Engine,
    detached::detached,
    digest::hash,
    mail::{self, Purpose, Queueing},
    password::{self, Turn},
    service::users::{emails::Link, sign_in_throttle::Budget},
    store::{
        audit::{self, Entry},
        db::Tx,
        error::StoreError,
        users::{self, email_preferences, password_resets, sessions},
    },
};

#[async_trait]
impl Users for Engine {
    async fn forgot(&self, email: &str) -> Result<()> {
        let email = normal_email(email);
        if let Some(complaint) = email_complaint(&email) {
            return Err(Error::Invalid(vec![complaint]));
        }
        // The same steps whether or not the user exists, so that timing reveals nothing.
        let user = users::credentials(self.db(), &email).await?.map(|(user, _)| user);
        let latest = password_resets::latest(self.db(), user.as_ref().map(|user| &user.id)).await?;
        let throttled = latest.is_some_and(|at| self.now().since_ms(at) < RESET_PAUSE_MS);
        let user = user.filter(|_| !throttled);
        let (link, now) = (Link::new(), self.now());
        let mut tx = self.db().begin().await?;
        password_resets::add(&mut tx, &link.hash, user.as_ref().map(|user| &user.id), now, now.plus_ms(RESET_MS))
            .await?;
        let queued = match user {
            Some(user) => {
                let email = emails::reset(&user.email, &self.page_url(&format!("reset/{}", link.text)));
                let how = Queueing { purpose: Purpose::Reset, about: None, valid_ms: RESET_MS };
                self.queue_email(&mut tx, email, how).await?
            }
            None => false,
        };
        if !queued {
            mail::queue_nothing(&mut tx, self.context()).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn reset_link(&self, link: &str) -> Result<()> {
        self.linked_reset(link).await.map(|_| ())
    }

    async fn reset_password(&self, link: &str, password: &str, client_ip: &str) -> Result<User> {
        let turn = Turn::take(client_ip)?;
        let user = self.linked_reset(link).await?;
        refuse_weak(&turn, password, &user).await?;
        let stored = self.config().password_cost.hash(&turn, password.to_owned()).await?;
        let mut tx = self.db().begin().await?;
        if !password_resets::consume(&mut tx, &hash(link), self.now()).await? {
            return Err(used());
        }
        password_resets::revoke_all(&mut tx, &user.id, self.now()).await?;
        password_resets::set_password(&mut tx, &user.id, &stored).await?;
        sessions::end_others(&mut tx, &user.id, "").await?;
        Budget::address(&user.email).clear(&mut tx).await?;
        self.record(&mut tx, self.own_entry(&user, client_ip, AuditAction::PasswordReset)).await?;
        self.notify_password_changed(&mut tx, &user).await?;
        tx.commit_then(self.access_changed(user.id.as_str())).await?;
        Ok(user)
    }

    async fn change_password(&self, user: &UserId, form: &NewPassword, session: &str, client_ip: &str) -> Result<()> {
        let user = self.known_user(user).await?;
        let own = [Budget::session(session)];
        self.require_password(&user, &form.current_password, client_ip, &own).await?;
        if form.password == form.current_password {
            return Err(Error::invalid("password", "This is your current password. Choose a new one."));
        }
        let turn = Turn::take(client_ip)?;
        refuse_weak(&turn, &form.password, &user).await?;
        let stored = self.config().password_cost.hash(&turn, form.password.clone()).await?;
        let mut tx = self.db().begin().await?;
        password_resets::revoke_all(&mut tx, &user.id, self.now()).await?;
        password_resets::set_password(&mut tx, &user.id, &stored).await?;
        sessions::end_others(&mut tx, &user.id, session).await?;
        self.record(&mut tx, self.own_entry(&user, client_ip, AuditAction::PasswordChanged)).await?;
        self.notify_password_changed(&mut tx, &user).await?;
        Ok(tx.commit_then(self.access_changed(user.id.as_str())).await?)
    }

    async fn browsers(&self, user: &UserId, session: &str) -> Result<Vec<BrowserSession>> {
        let all = sessions::of_user(self.db(), user, session, self.now()).await?;
        let (here, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.here);
        Ok([here, others].concat())
    }

    async fn end_session(&self, user: &UserId, handle: &str) -> Result<()> {
        let all = sessions::of_user(self.db(), user, "", self.now()).await?;
        let found = all.into_iter().find(|browser| browser.handle == handle);
        let found = found.ok_or_else(|| Error::NotFound("Session".into()))?;
        let (db, changed) = (self.db().clone(), self.access_changed(&found.handle));
        detached(async move {
            sessions::delete_by_handle(&db, &found.handle).await?;
            changed.await;
            Ok(())
        })
        .await
    }

    async fn end_other_sessions(&self, user: &UserId, session: &str, client_ip: &str) -> Result<u64> {
        let user = self.known_user(user).await?;
        let mut tx = self.db().begin().await?;
        let ended = sessions::end_others(&mut tx, &user.id, session).await?;
        let entry = self.own_entry(&user, client_ip, AuditAction::SessionsEnded);
        self.record(&mut tx, entry.with([Change::noted("sessions", ended.to_string())])).await?;
        tx.commit_then(self.access_changed(user.id.as_str())).await?;
        Ok(ended)
    }

    async fn email_preferences(&self, user: &UserId) -> Result<EmailPreferences> {
        Ok(email_preferences::of_user(self.db(), user).await?)
    }

    async fn change_email_preferences(
        &self,
        user: &UserId,
        preferences: EmailPreferences,
        client_ip: &str,
    ) -> Result<()> {
        let user = self.known_user(user).await?;
        let mut tx = self.db().begin().await?;
        if email_preferences::change(&mut tx, &user.id, preferences).await? {
            let on_off = |on: bool| if on { "on" } else { "off" };
            let change = Change::between("failure alerts", on_off(!preferences.failing), on_off(preferences.failing));
            self.record(&mut tx, self.own_entry(&user, client_ip, AuditAction::EmailPreferencesChanged).with(change))
                .await?;
        }
        Ok(tx.commit().await?)
    }
}

impl Engine {
    pub(super) async fn known_user(&self, user: &UserId) -> Result<User> {
        let user = users::one(self.db(), user).await?;
        user.ok_or_else(|| Error::Unauthenticated("Sign in to continue.".into()))
    }

    /// Requires the user's password.
    async fn require_password(&self, user: &User, password: &str, client_ip: &str, own: &[Budget]) -> Result<()> {
        let stored = users::credentials(self.db(), &user.email).await?.map(|(_, hash)| hash);
        if self.check_password(password, stored, client_ip, own).await? {
            return Ok(());
        }
        Err(Error::invalid("current_password", "The current password is incorrect."))
    }

    async fn linked_reset(&self, link: &str) -> Result<User> {
        let linked = password_resets::by_link(self.db(), &hash(link)).await?;
        let linked = linked.ok_or_else(|| Error::NotFound("Link".into()))?;
        if linked.used {
            return Err(used());
        }
        if linked.expires <= self.now() {
            let detail = "This link has expired. Links are valid for one hour. Request a new one.".to_owned();
            return Err(Error::Conflict { detail, existing: None });
        }
        Ok(linked.user)
    }

    /// A record of what a user does to themselves. It belongs to no account's log, since a user may have several accounts.
    pub(super) fn own_entry(&self, user: &User, client_ip: &str, action: AuditAction) -> Entry {
        let entry = Entry::new(self.next_id(), self.now(), audit::OPS_CHAIN, action).by_user(user, client_ip);
        entry.about(user.id.as_str(), &user.email)
    }

    async fn notify_password_changed(&self, tx: &mut Tx, user: &User) -> Result<()> {
        let email = emails::password_changed(&user.email, &self.page_url("forgot"));
        self.queue_email(tx, email, Queueing::notice()).await.map(|_| ())
    }
}

fn used() -> Error {
    let detail = "This link has already been used, or the password has changed since. Request a new one.".to_owned();
    Error::Conflict { detail, existing: None }
}

async fn refuse_weak(turn: &Turn, password: &str, user: &User) -> Result<()> {
    let weak = password::complaint(turn, "password", password, &[&user.email, &user.name]).await?;
    weak.map_or(Ok(()), |complaint| Err(Error::Invalid(vec![complaint])))
}

pub(super) fn taken_address(error: StoreError) -> Error {
    if error.is_unique_violation() {
        return Error::invalid("email", "A user with this email address already exists. Sign in instead.");
    }
    error.into()
}
