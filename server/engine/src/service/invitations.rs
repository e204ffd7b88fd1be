//! Invitations: sent, sent again, withdrawn, accepted. What they lead to is a [`Place`]: an account, or the staff.

use async_trait::async_trait;
use domain::{
    Error, UnixMs,
    account::User,
    actor::Actor,
    audit::{Change, Deed},
    error::Result,
    id::{InvitationId, UserId},
    member::{INVITATION_MS, Invitation, Newcomer},
    time::DAY_MS,
};

use super::{letters::Link, tokens::hash};
use crate::{
    Engine,
    mail::Email,
    password,
    store::{
        accounts,
        audit::Entry,
        db::{Db, Tx},
        error::StoreError,
        invitations::{self, InvitationRole},
    },
};

/// Seconds until a place that has sent too many invitations may look again.
const RETRY_AFTER_S: u32 = 3_600;

/// What people are invited to.
#[async_trait]
pub(super) trait Place: Send + Sync + Sized {
    /// What an invitation makes of somebody.
    type Role: InvitationRole;
    /// Invitations that may be sent within a day, if there is a limit.
    const MAX_PER_DAY: Option<i64>;
    /// What somebody is who belongs to it.
    const BELONGING: &'static str;
    /// What whoever comes with a used link may do.
    const AFTER_USE: &'static str;
    /// Somebody was invited.
    const INVITED: Deed;
    /// An invitation was withdrawn.
    const WITHDRAWN: Deed;
    /// Somebody has accepted.
    const JOINED: Deed;

    /// Its name in the store: of its invitations and of its audit log.
    fn key(&self) -> &str;
    /// Its name for people, if it has one.
    fn title(&self) -> Option<&str>;
    /// The letter with the link.
    fn letter(&self, engine: &Engine, invitation: &Invitation<Self::Role>, link: &Link) -> Email;
    /// The place with that key.
    async fn find(db: &Db, key: &str) -> Result<Option<Self>>;
    /// Addresses of all who belong to it. Whoever lets somebody in or out waits here until the transaction ends.
    async fn lock(&self, tx: &mut Tx) -> Result<Vec<String>>;
    /// Lets somebody in.
    async fn admit(&self, tx: &mut Tx, user: &User, role: Self::Role, now: UnixMs) -> Result<()>;
}

/// An invitation that can be accepted, and where it leads.
pub(super) struct Usable<P: Place> {
    pub(super) invitation: Invitation<P::Role>,
    pub(super) place: P,
    /// Whether somebody signs in with its address.
    pub(super) known: bool,
}

impl Engine {
    /// Invites somebody who is neither there nor invited.
    pub(super) async fn invite_to<P: Place>(
        &self,
        place: &P,
        actor: &Actor,
        (email, role): (String, P::Role),
    ) -> Result<Invitation<P::Role>> {
        let mut tx = self.db().begin().await?;
        if place.lock(&mut tx).await?.contains(&email) {
            return Err(Error::invalid("email", format!("{email} is {} already.", P::BELONGING)));
        }
        let open = invitations::open::<P::Role>(&mut tx, place.key()).await?;
        if let Some(earlier) = open.into_iter().find(|one| one.email == email) {
            if earlier.expires > self.now() {
                let words = format!("{email} is invited already. Send that invitation again, or withdraw it first.");
                return Err(Error::invalid("email", words));
            }
            invitations::withdraw::<P::Role>(&mut tx, place.key(), &earlier.id, self.now()).await?;
        }
        self.send_invitation(tx, place, actor, email, role).await
    }

    /// Replaces an open invitation by one with a new link and the whole time.
    pub(super) async fn reinvite<P: Place>(
        &self,
        place: &P,
        actor: &Actor,
        id: &InvitationId,
    ) -> Result<Invitation<P::Role>> {
        let (tx, earlier) = self.close_invitation(place, id).await?;
        self.send_invitation(tx, place, actor, earlier.email, earlier.role).await
    }

    /// Withdraws an open invitation.
    pub(super) async fn withdraw_from<P: Place>(
        &self,
        place: &P,
        actor: &Actor,
        id: &InvitationId,
    ) -> Result<Invitation<P::Role>> {
        let (mut tx, invitation) = self.close_invitation(place, id).await?;
        let entry = self.entry_of(place, P::WITHDRAWN).by(actor);
        self.note(&mut tx, entry.about(id.as_str(), &invitation.email)).await?;
        tx.commit().await?;
        Ok(invitation)
    }

    /// Writes an invitation in a transaction that ends with it, and mails it.
    pub(super) async fn send_invitation<P: Place>(
        &self,
        mut tx: Tx,
        place: &P,
        actor: &Actor,
        email: String,
        role: P::Role,
    ) -> Result<Invitation<P::Role>> {
        let now = self.now();
        if let Some(most) = P::MAX_PER_DAY
            && invitations::sent_since::<P::Role>(&mut tx, place.key(), now.plus_ms(-DAY_MS)).await? >= most
        {
            return Err(Error::TooMany { retry_after_s: RETRY_AFTER_S });
        }
        let (id, invited_by) = (self.new_id(InvitationId::new), actor.name());
        let invitation = Invitation { id, email, role, invited_by, expires: now.plus_ms(INVITATION_MS) };
        let link = Link::new();
        invitations::add(&mut tx, place.key(), &invitation, &link.hash, now).await?;
        let entry = self.entry_of(place, P::INVITED).by(actor).about(invitation.id.as_str(), &invitation.email);
        self.note(&mut tx, entry.with([Change::noted("role", role.name())])).await?;
        tx.commit().await?;
        self.post(place.letter(self, &invitation, &link))?;
        Ok(invitation)
    }

    /// What a link leads to, while it can be accepted.
    pub(super) async fn usable<P: Place>(&self, link: &str) -> Result<Usable<P>> {
        let unknown = || Error::NotFound("Invitation".into());
        let linked = invitations::by_link::<P::Role>(self.db(), &hash(link)).await?.ok_or_else(unknown)?;
        let place = P::find(self.db(), &linked.place).await?.ok_or_else(unknown)?;
        let by = &linked.invitation.invited_by;
        let detail = if linked.accepted {
            format!("This invitation has been used. {}", P::AFTER_USE)
        } else if linked.withdrawn {
            format!("This invitation was withdrawn, or replaced by a later one. Look for a later letter, or ask {by}.")
        } else if linked.invitation.expires <= self.now() {
            format!("This invitation has expired. Ask {by} to send it again.")
        } else {
            return Ok(Usable { invitation: linked.invitation, place, known: linked.known });
        };
        Err(Error::Conflict { detail, existing: None })
    }

    /// Accepts as somebody who is new here.
    pub(super) async fn accept_as_new<P: Place>(
        &self,
        link: &str,
        form: &Newcomer,
        client_ip: &str,
    ) -> Result<(User, P)> {
        let usable = self.usable::<P>(link).await?;
        if usable.known {
            return Err(known_address());
        }
        let name = form.checked_name()?;
        let email = usable.invitation.email.clone();
        let about: Vec<&str> = [email.as_str(), &name].into_iter().chain(usable.place.title()).collect();
        if let Some(weak) = password::complaint("password", &form.password, &about) {
            return Err(Error::Invalid(vec![weak]));
        }
        let hash = password::hash(form.password.clone()).await;
        let user = User { id: self.new_id(UserId::new), name, email };
        let mut tx = self.db().begin().await?;
        let taken = |error: StoreError| if error.is_unique_violation() { known_address() } else { error.into() };
        accounts::add_user(&mut tx, &user, &hash, None, self.now()).await.map_err(taken)?;
        let place = self.let_in(tx, usable, &user, client_ip).await?;
        Ok((user, place))
    }

    /// Accepts as somebody who signs in already.
    pub(super) async fn accept_as<P: Place>(&self, link: &str, user: &UserId, client_ip: &str) -> Result<P> {
        let usable = self.usable::<P>(link).await?;
        let user = self.person(user).await?;
        if user.email != usable.invitation.email {
            let words = format!("This invitation is for {}. Sign in with that address.", usable.invitation.email);
            return Err(Error::Forbidden(words));
        }
        let tx = self.db().begin().await?;
        self.let_in(tx, usable, &user, client_ip).await
    }

    /// Withdraws an open invitation, in a transaction that goes on.
    async fn close_invitation<P: Place>(&self, place: &P, id: &InvitationId) -> Result<(Tx, Invitation<P::Role>)> {
        let mut tx = self.db().begin().await?;
        place.lock(&mut tx).await?;
        let open = invitations::open::<P::Role>(&mut tx, place.key()).await?;
        let invitation = open.into_iter().find(|one| one.id == *id);
        let invitation = invitation.ok_or_else(|| Error::NotFound("Invitation".into()))?;
        invitations::withdraw::<P::Role>(&mut tx, place.key(), id, self.now()).await?;
        Ok((tx, invitation))
    }

    /// Lets the person in, if nobody has used the invitation meanwhile.
    async fn let_in<P: Place>(&self, mut tx: Tx, usable: Usable<P>, user: &User, client_ip: &str) -> Result<P> {
        let Usable { invitation, place, .. } = usable;
        place.lock(&mut tx).await?;
        if !invitations::accept::<P::Role>(&mut tx, place.key(), &invitation.id, self.now()).await? {
            let detail = "This invitation has just been used or withdrawn.".to_owned();
            return Err(Error::Conflict { detail, existing: None });
        }
        place.admit(&mut tx, user, invitation.role, self.now()).await?;
        let entry = self.entry_of(&place, P::JOINED).by_user(user, client_ip);
        let noted = [Change::noted("role", invitation.role.name()), Change::noted("invited by", invitation.invited_by)];
        self.note(&mut tx, entry.about(user.id.as_str(), &user.email).with(noted)).await?;
        tx.commit().await?;
        Ok(place)
    }

    fn entry_of<P: Place>(&self, place: &P, deed: Deed) -> Entry {
        Entry::new(self.next_id(), self.now(), place.key(), deed)
    }
}

fn known_address() -> Error {
    let detail = "Somebody signs in with this address already. Sign in, then accept.".to_owned();
    Error::Conflict { detail, existing: None }
}
