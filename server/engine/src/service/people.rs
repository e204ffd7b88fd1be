//! People and what they do for themselves: forgotten and changed passwords, the browsers in which they are signed in, and
//! the letters that they want.

use async_trait::async_trait;
use domain::{
    Error,
    account::{User, email_complaint, normal_email},
    audit::{Change, Deed},
    error::{FieldError, Result},
    id::UserId,
    person::{Browser, Letters, NewPassword, People, RESET_MS, RESET_PAUSE_MS},
};

use super::{
    letters::{self, Link},
    tokens::hash,
};
use crate::{
    Engine, password,
    store::{
        accounts,
        audit::{self, Entry},
        letters as wanted, resets, sessions,
    },
};

#[async_trait]
impl People for Engine {
    async fn forgot(&self, email: &str) -> Result<()> {
        let email = normal_email(email);
        if let Some(complaint) = email_complaint(&email) {
            return Err(Error::Invalid(vec![complaint]));
        }
        // The same steps whether or not somebody is there, so that the time tells nothing.
        let user = accounts::credentials(self.db(), &email).await?.map(|(user, _)| user);
        let latest = resets::latest(self.db(), user.as_ref().map(|user| &user.id)).await?;
        let rests = latest.is_some_and(|at| self.now().since_ms(at) < RESET_PAUSE_MS);
        let user = user.filter(|_| !rests);
        let (link, now) = (Link::new(), self.now());
        let mut tx = self.db().begin().await?;
        resets::add(&mut tx, &link.hash, user.as_ref().map(|user| &user.id), now, now.plus_ms(RESET_MS)).await?;
        tx.commit().await?;
        match user {
            Some(user) => self.post(letters::reset(&user.email, &self.page(&format!("reset/{}", link.text)))),
            None => Ok(()),
        }
    }

    async fn reset_link(&self, link: &str) -> Result<()> {
        self.linked_reset(link).await.map(|_| ())
    }

    async fn reset_password(&self, link: &str, password: &str, client_ip: &str) -> Result<User> {
        let user = self.linked_reset(link).await?;
        refuse_weak(password, &user)?;
        let stored = password::hash(password.to_owned()).await;
        let mut tx = self.db().begin().await?;
        if !resets::take(&mut tx, &hash(link), self.now()).await? {
            return Err(used());
        }
        resets::revoke_all(&mut tx, &user.id, self.now()).await?;
        resets::set_password(&mut tx, &user.id, &stored).await?;
        sessions::end_others(&mut tx, &user.id, "").await?;
        accounts::forgive_sign_in(&mut tx, &format!("email:{}", user.email)).await?;
        self.note(&mut tx, self.own_entry(&user, client_ip, Deed::PasswordReset)).await?;
        tx.commit().await?;
        self.notify_password_changed(&user);
        Ok(user)
    }

    async fn change_password(&self, user: &UserId, form: &NewPassword, session: &str, client_ip: &str) -> Result<()> {
        let user = self.person(user).await?;
        self.require_password(&user, &form.current_password, client_ip).await?;
        if form.password == form.current_password {
            return Err(Error::invalid("password", "This is the password you have. Choose another one."));
        }
        refuse_weak(&form.password, &user)?;
        let stored = password::hash(form.password.clone()).await;
        let mut tx = self.db().begin().await?;
        resets::revoke_all(&mut tx, &user.id, self.now()).await?;
        resets::set_password(&mut tx, &user.id, &stored).await?;
        sessions::end_others(&mut tx, &user.id, session).await?;
        self.note(&mut tx, self.own_entry(&user, client_ip, Deed::PasswordChanged)).await?;
        tx.commit().await?;
        self.notify_password_changed(&user);
        Ok(())
    }

    async fn browsers(&self, user: &UserId, session: &str) -> Result<Vec<Browser>> {
        let all = sessions::of_user(self.db(), user, session, self.now()).await?;
        let (here, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.here);
        Ok([here, others].concat())
    }

    async fn end_session(&self, user: &UserId, handle: &str) -> Result<()> {
        let all = sessions::of_user(self.db(), user, "", self.now()).await?;
        let found = all.into_iter().find(|browser| browser.handle == handle);
        let found = found.ok_or_else(|| Error::NotFound("Session".into()))?;
        Ok(sessions::delete_by_handle(self.db(), &found.handle).await?)
    }

    async fn end_other_sessions(&self, user: &UserId, session: &str, client_ip: &str) -> Result<u64> {
        let user = self.person(user).await?;
        let mut tx = self.db().begin().await?;
        let ended = sessions::end_others(&mut tx, &user.id, session).await?;
        let entry = self.own_entry(&user, client_ip, Deed::SessionsEnded);
        self.note(&mut tx, entry.with([Change::noted("sessions", ended.to_string())])).await?;
        tx.commit().await?;
        Ok(ended)
    }

    async fn letters(&self, user: &UserId) -> Result<Letters> {
        Ok(wanted::wanted(self.db(), user).await?)
    }

    async fn change_letters(&self, user: &UserId, letters: Letters, client_ip: &str) -> Result<()> {
        let user = self.person(user).await?;
        let mut tx = self.db().begin().await?;
        if wanted::change(&mut tx, &user.id, letters).await? {
            let word = |on: bool| if on { "on" } else { "off" };
            let change = Change::between("letters", word(!letters.failing), word(letters.failing));
            self.note(&mut tx, self.own_entry(&user, client_ip, Deed::LettersChanged).with(change)).await?;
        }
        Ok(tx.commit().await?)
    }
}

impl Engine {
    pub(super) async fn person(&self, user: &UserId) -> Result<User> {
        let user = accounts::user(self.db(), user).await?;
        user.ok_or_else(|| Error::Unauthenticated("Sign in to continue.".into()))
    }

    /// Goes on only with the person's password; wrong ones count like failed sign-ins.
    async fn require_password(&self, user: &User, password: &str, client_ip: &str) -> Result<()> {
        let stored = accounts::credentials(self.db(), &user.email).await?.map(|(_, hash)| hash);
        if self.check_password(&user.email, password, stored, client_ip).await? {
            return Ok(());
        }
        Err(Error::invalid("current_password", "This is not your password."))
    }

    async fn linked_reset(&self, link: &str) -> Result<User> {
        let linked = resets::by_link(self.db(), &hash(link)).await?;
        let linked = linked.ok_or_else(|| Error::NotFound("Link".into()))?;
        if linked.used {
            return Err(used());
        }
        if linked.expires <= self.now() {
            let detail = "This link has expired; it works for an hour. Ask for a new one.".to_owned();
            return Err(Error::Conflict { detail, existing: None });
        }
        Ok(linked.user)
    }

    /// The record of what a person does to themselves. It stands in no account's log: a person may belong to several.
    pub(super) fn own_entry(&self, user: &User, client_ip: &str, deed: Deed) -> Entry {
        let entry = Entry::new(self.next_id(), self.now(), audit::OPS_CHAIN, deed).by_user(user, client_ip);
        entry.about(user.id.as_str(), &user.email)
    }

    /// A letter that cannot leave undoes nothing: the mail's own log tells of it.
    fn notify_password_changed(&self, user: &User) {
        drop(self.post(letters::password_changed(&user.email, &self.page("forgot"))));
    }
}

fn used() -> Error {
    let detail = "This link has been used, or the password was changed since. Ask for a new one.".to_owned();
    Error::Conflict { detail, existing: None }
}

fn refuse_weak(password: &str, user: &User) -> Result<()> {
    let weak: Option<FieldError> = password::complaint("password", password, &[&user.email, &user.name]);
    weak.map_or(Ok(()), |complaint| Err(Error::Invalid(vec![complaint])))
}
