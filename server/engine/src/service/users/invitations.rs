//! Invitations: send, resend, withdraw, accept. Their [`InvitationScope`] is an account, or staff.

use async_trait::async_trait;
use domain::{
    Error, UnixMs,
    account::User,
    actor::Actor,
    audit::{AuditAction, Change},
    error::Result,
    id::{InvitationId, UserId},
    member::{INVITATION_MS, Invitation, NewUserForm},
    time::DAY_MS,
};

use crate::{
    Engine,
    digest::hash,
    mail::{Email, Queueing},
    password,
    service::users::emails::Link,
    store::{
        audit::Entry,
        db::{Db, Tx},
        emails,
        error::StoreError,
        users::{
            self,
            invitations::{self, InvitationRole},
        },
    },
};

/// Seconds after which a scope that has sent too many invitations may retry.
const RETRY_AFTER_S: u32 = 3_600;

/// What users are invited to.
#[async_trait]
pub(crate) trait InvitationScope: Send + Sync + Sized {
    /// The role that an invitation grants.
    type Role: InvitationRole;
    /// Most invitations per day, if limited.
    const MAX_PER_DAY: Option<i64>;
    /// What a user in this scope is called.
    const MEMBER_NAME: &'static str;
    /// What to do after following a used link.
    const AFTER_USE: &'static str;
    /// An invitation was sent.
    const INVITED: AuditAction;
    /// An invitation was withdrawn.
    const WITHDRAWN: AuditAction;
    /// An invitation was accepted.
    const JOINED: AuditAction;

    /// Its key in the store, for invitations and audit log.
    fn key(&self) -> &str;
    /// Its display name, if it has one.
    fn title(&self) -> Option<&str>;
    /// The email with the link.
    fn email(&self, engine: &Engine, invitation: &Invitation<Self::Role>, link: &Link) -> Email;
    /// The scope with that key.
    async fn find(db: &Db, key: &str) -> Result<Option<Self>>;
    /// Email addresses of all users in it. Locks its membership until the transaction ends.
    async fn lock(&self, tx: &mut Tx) -> Result<Vec<String>>;
    /// Adds a user.
    async fn admit(&self, tx: &mut Tx, user: &User, role: Self::Role, now: UnixMs) -> Result<()>;
}

/// An invitation that can be accepted, with its scope.
pub(crate) struct OpenInvitation<P: InvitationScope> {
    pub(crate) invitation: Invitation<P::Role>,
    pub(crate) scope: P,
    /// Whether a user with its email address exists.
    pub(crate) known: bool,
}

impl Engine {
    /// Invites an email address that is neither a member nor invited.
    pub(crate) async fn invite_to<P: InvitationScope>(
        &self,
        scope: &P,
        actor: &Actor,
        (email, role): (String, P::Role),
    ) -> Result<Invitation<P::Role>> {
        let mut tx = self.db().begin().await?;
        if scope.lock(&mut tx).await?.contains(&email) {
            return Err(Error::invalid("email", format!("{email} is already {}.", P::MEMBER_NAME)));
        }
        let open = invitations::open::<P::Role>(&mut tx, scope.key()).await?;
        if let Some(earlier) = open.into_iter().find(|one| one.email == email) {
            if earlier.expires > self.now() {
                let words = format!("{email} has already been invited. Resend or withdraw that invitation.");
                return Err(Error::invalid("email", words));
            }
            invitations::withdraw::<P::Role>(&mut tx, scope.key(), &earlier.id, self.now()).await?;
        }
        self.send_invitation(tx, scope, actor, email, role).await
    }

    /// Replaces an open invitation by one with a new link and a new expiry.
    pub(crate) async fn reinvite<P: InvitationScope>(
        &self,
        scope: &P,
        actor: &Actor,
        id: &InvitationId,
    ) -> Result<Invitation<P::Role>> {
        let (tx, earlier) = self.close_invitation(scope, id).await?;
        self.send_invitation(tx, scope, actor, earlier.email, earlier.role).await
    }

    /// Withdraws an open invitation.
    pub(crate) async fn withdraw_from<P: InvitationScope>(
        &self,
        scope: &P,
        actor: &Actor,
        id: &InvitationId,
    ) -> Result<Invitation<P::Role>> {
        let (mut tx, invitation) = self.close_invitation(scope, id).await?;
        let entry = self.entry_of(scope, P::WITHDRAWN).by(actor);
        self.record(&mut tx, entry.about(id.as_str(), &invitation.email)).await?;
        tx.commit().await?;
        Ok(invitation)
    }

    /// Inserts an invitation, queues the email with its link, and commits the transaction.
    pub(crate) async fn send_invitation<P: InvitationScope>(
        &self,
        mut tx: Tx,
        scope: &P,
        actor: &Actor,
        email: String,
        role: P::Role,
    ) -> Result<Invitation<P::Role>> {
        let now = self.now();
        if let Some(most) = P::MAX_PER_DAY
            && invitations::sent_since::<P::Role>(&mut tx, scope.key(), now.plus_ms(-DAY_MS)).await? >= most
        {
            return Err(Error::TooMany { retry_after_s: RETRY_AFTER_S });
        }
        let (id, invited_by) = (self.new_id(InvitationId::new), actor.name());
        let invitation = Invitation { id, email, role, invited_by, expires: now.plus_ms(INVITATION_MS) };
        let link = Link::new();
        invitations::add(&mut tx, scope.key(), &invitation, &link.hash, now).await?;
        let entry = self.entry_of(scope, P::INVITED).by(actor).about(invitation.id.as_str(), &invitation.email);
        self.record(&mut tx, entry.with([Change::noted("role", role.name())])).await?;
        let how = Queueing { about: Some(invitation.id.as_str()), valid_ms: INVITATION_MS };
        self.queue_email(&mut tx, scope.email(self, &invitation, &link), how).await?;
        tx.commit().await?;
        Ok(invitation)
    }

    /// The invitation of a link, if it can be accepted.
    pub(crate) async fn open_invitation<P: InvitationScope>(&self, link: &str) -> Result<OpenInvitation<P>> {
        let unknown = || Error::NotFound("Invitation".into());
        let linked = invitations::by_link::<P::Role>(self.db(), &hash(link)).await?.ok_or_else(unknown)?;
        let scope = P::find(self.db(), &linked.scope).await?.ok_or_else(unknown)?;
        let by = &linked.invitation.invited_by;
        let detail = if linked.accepted {
            format!("This invitation has already been used. {}", P::AFTER_USE)
        } else if linked.withdrawn {
            format!("This invitation was withdrawn or replaced. Look for a newer email, or ask {by}.")
        } else if linked.invitation.expires <= self.now() {
            format!("This invitation has expired. Ask {by} to resend it.")
        } else {
            return Ok(OpenInvitation { invitation: linked.invitation, scope, known: linked.known });
        };
        Err(Error::Conflict { detail, existing: None })
    }

    /// Accepts as a new user.
    pub(crate) async fn accept_as_new<P: InvitationScope>(
        &self,
        link: &str,
        form: &NewUserForm,
        client_ip: &str,
    ) -> Result<(User, P)> {
        let open_invitation = self.open_invitation::<P>(link).await?;
        if open_invitation.known {
            return Err(known_address());
        }
        let name = form.checked_name()?;
        let email = open_invitation.invitation.email.clone();
        let about: Vec<&str> = [email.as_str(), &name].into_iter().chain(open_invitation.scope.title()).collect();
        if let Some(weak) = password::complaint("password", &form.password, &about) {
            return Err(Error::Invalid(vec![weak]));
        }
        let hash = self.config().password_cost.hash(form.password.clone()).await;
        let user = User { id: self.new_id(UserId::new), name, email };
        let mut tx = self.db().begin().await?;
        let taken = |error: StoreError| if error.is_unique_violation() { known_address() } else { error.into() };
        users::add(&mut tx, &user, &hash, None, self.now()).await.map_err(taken)?;
        let scope = self.join_scope(tx, open_invitation, &user, client_ip).await?;
        Ok((user, scope))
    }

    /// Accepts as a signed-in user.
    pub(crate) async fn accept_as<P: InvitationScope>(&self, link: &str, user: &UserId, client_ip: &str) -> Result<P> {
        let open_invitation = self.open_invitation::<P>(link).await?;
        let user = self.known_user(user).await?;
        if user.email != open_invitation.invitation.email {
            let words = format!(
                "This invitation is for {}. Sign in with that email address.",
                open_invitation.invitation.email
            );
            return Err(Error::Forbidden(words));
        }
        let tx = self.db().begin().await?;
        self.join_scope(tx, open_invitation, &user, client_ip).await
    }

    /// Withdraws an open invitation, and leaves the transaction open.
    async fn close_invitation<P: InvitationScope>(
        &self,
        scope: &P,
        id: &InvitationId,
    ) -> Result<(Tx, Invitation<P::Role>)> {
        let mut tx = self.db().begin().await?;
        scope.lock(&mut tx).await?;
        let open = invitations::open::<P::Role>(&mut tx, scope.key()).await?;
        let invitation = open.into_iter().find(|one| one.id == *id);
        let invitation = invitation.ok_or_else(|| Error::NotFound("Invitation".into()))?;
        invitations::withdraw::<P::Role>(&mut tx, scope.key(), id, self.now()).await?;
        emails::cancel(&mut tx, id.as_str()).await?;
        Ok((tx, invitation))
    }

    /// Adds the user, unless the invitation has been used or withdrawn since.
    async fn join_scope<P: InvitationScope>(
        &self,
        mut tx: Tx,
        open_invitation: OpenInvitation<P>,
        user: &User,
        client_ip: &str,
    ) -> Result<P> {
        let OpenInvitation { invitation, scope, .. } = open_invitation;
        scope.lock(&mut tx).await?;
        if !invitations::accept::<P::Role>(&mut tx, scope.key(), &invitation.id, self.now()).await? {
            let detail = "This invitation has just been used or withdrawn.".to_owned();
            return Err(Error::Conflict { detail, existing: None });
        }
        scope.admit(&mut tx, user, invitation.role, self.now()).await?;
        let entry = self.entry_of(&scope, P::JOINED).by_user(user, client_ip);
        let noted = [Change::noted("role", invitation.role.name()), Change::noted("invited by", invitation.invited_by)];
        self.record(&mut tx, entry.about(user.id.as_str(), &user.email).with(noted)).await?;
        tx.commit().await?;
        Ok(scope)
    }

    fn entry_of<P: InvitationScope>(&self, scope: &P, action: AuditAction) -> Entry {
        Entry::new(self.next_id(), self.now(), scope.key(), action)
    }
}

fn known_address() -> Error {
    let detail = "A user with this email address already exists. Sign in to accept.".to_owned();
    Error::Conflict { detail, existing: None }
}
