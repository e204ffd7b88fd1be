//! Staff: inviting, joining, changing roles, leaving. The installation always keeps an operator.

use async_trait::async_trait;
use domain::{
    Error,
    account::{StaffRole, User},
    actor::{Actor, Permission},
    audit::{Change, Deed},
    error::Result,
    id::{InvitationId, UserId},
    installation::{
        Staffing,
        staff::{StaffInvitation, StaffInvite, StaffInvited, StaffMember, StaffRoster},
    },
    member::{INVITATION_MS, Newcomer},
};

use super::{
    letters::{self, Link},
    members::known_address,
    tokens::hash,
};
use crate::{
    Engine, password,
    store::{
        accounts,
        audit::{self, Entry},
        db::Tx,
        error::StoreError,
        staff::{self, Linked},
        support::{self, Which},
    },
};

#[async_trait]
impl Staffing for Engine {
    async fn staff_roster(&self, actor: &Actor) -> Result<StaffRoster> {
        actor.require(Permission::Operate)?;
        let members = staff::list(self.db()).await?;
        Ok(StaffRoster { members, invitations: staff::invitations(self.db()).await? })
    }

    async fn invite_staff(&self, actor: &Actor, form: &StaffInvite) -> Result<StaffInvitation> {
        actor.require(Permission::Operate)?;
        let (email, role) = form.check()?;
        let mut tx = self.db().begin().await?;
        if staff::lock(&mut tx).await?.iter().any(|one| one.user.email == email) {
            return Err(Error::invalid("email", format!("{email} is staff already.")));
        }
        let open = staff::open_invitations(&mut tx).await?;
        if let Some(earlier) = open.into_iter().find(|one| one.email == email) {
            if earlier.expires > self.now() {
                let words = format!("{email} is invited already. Send that invitation again, or withdraw it first.");
                return Err(Error::invalid("email", words));
            }
            staff::withdraw(&mut tx, &earlier.id, self.now()).await?;
        }
        self.send_staff_invitation(tx, actor, email, role).await
    }

    async fn resend_staff_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<StaffInvitation> {
        let (tx, earlier) = self.close_staff_invitation(actor, id).await?;
        self.send_staff_invitation(tx, actor, earlier.email, earlier.role).await
    }

    async fn withdraw_staff_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<StaffInvitation> {
        let (mut tx, invitation) = self.close_staff_invitation(actor, id).await?;
        let entry = self.staff_entry(Deed::StaffInviteWithdrawn).by(actor);
        self.note(&mut tx, entry.about(id.as_str(), &invitation.email)).await?;
        tx.commit().await?;
        Ok(invitation)
    }

    async fn change_staff(&self, actor: &Actor, user: &UserId, role: Option<StaffRole>) -> Result<StaffMember> {
        actor.require(Permission::Operate)?;
        if actor.id() == Some(user.as_str()) {
            return Err(Error::Forbidden("Nobody changes their own role. Ask another operator to do it.".into()));
        }
        let ending = self.support_to_end(user, role).await?;
        let mut tx = self.db().begin().await?;
        let all = staff::lock(&mut tx).await?;
        still_operator(actor, &all)?;
        let member = all.iter().find(|one| one.user.id == *user).cloned();
        let member = member.ok_or_else(|| Error::NotFound("Staff".into()))?;
        if role == Some(member.role) {
            return Ok(member);
        }
        another_operator(&all, &member)?;
        staff::set_role(&mut tx, user, role).await?;
        for session in ending {
            self.end_within(&mut tx, actor, &session, "the agent is no longer support staff").await?;
        }
        let (deed, change) = match role {
            Some(role) => (Deed::StaffChanged, Change::between("role", member.role.as_str(), role.as_str())),
            None => (Deed::StaffRemoved, Some(Change::noted("role", member.role.as_str()))),
        };
        let entry = self.staff_entry(deed).by(actor).about(user.as_str(), &member.user.email).with(change);
        self.note(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(StaffMember { role: role.unwrap_or(member.role), ..member })
    }

    async fn staff_invited(&self, link: &str) -> Result<StaffInvited> {
        let Linked { invitation, known, .. } = self.linked_staff_invitation(link).await?;
        let StaffInvitation { email, role, invited_by, expires, .. } = invitation;
        Ok(StaffInvited { email, role, invited_by, expires, known })
    }

    async fn join_staff_as_new(&self, link: &str, form: &Newcomer, client_ip: &str) -> Result<User> {
        let linked = self.linked_staff_invitation(link).await?;
        if linked.known {
            return Err(known_address());
        }
        let name = form.checked_name()?;
        let email = linked.invitation.email.clone();
        if let Some(weak) = password::complaint("password", &form.password, &[email.as_str(), &name]) {
            return Err(Error::Invalid(vec![weak]));
        }
        let hash = password::hash(form.password.clone()).await;
        let user = User { id: self.new_id(UserId::new), name, email };
        let mut tx = self.db().begin().await?;
        let taken = |error: StoreError| if error.is_taken() { known_address() } else { error.into() };
        accounts::add_user(&mut tx, &user, &hash, None, self.now()).await.map_err(taken)?;
        self.let_staff_in(tx, &linked.invitation, &user, client_ip).await?;
        Ok(user)
    }

    async fn join_staff(&self, link: &str, user: &UserId, client_ip: &str) -> Result<()> {
        let invitation = self.linked_staff_invitation(link).await?.invitation;
        let user = accounts::user(self.db(), user).await?;
        let user = user.ok_or_else(|| Error::Unauthenticated("Sign in to continue.".into()))?;
        if user.email != invitation.email {
            let words = format!("This invitation is for {}. Sign in with that address.", invitation.email);
            return Err(Error::Forbidden(words));
        }
        let tx = self.db().begin().await?;
        self.let_staff_in(tx, &invitation, &user, client_ip).await
    }
}

impl Engine {
    fn staff_entry(&self, deed: Deed) -> Entry {
        Entry::new(self.next_id(), self.now(), audit::INSTALLATION, deed)
    }

    /// The support sessions that end when somebody is no longer support.
    async fn support_to_end(
        &self,
        user: &UserId,
        role: Option<StaffRole>,
    ) -> Result<Vec<domain::support::SupportSession>> {
        if role == Some(StaffRole::Support) {
            return Ok(Vec::new());
        }
        let all = support::sessions(self.db(), Which::Of(user)).await?;
        Ok(all.into_iter().filter(|session| session.ended_at.is_none()).collect())
    }

    /// Withdraws an open invitation, in a transaction that goes on.
    async fn close_staff_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<(Tx, StaffInvitation)> {
        actor.require(Permission::Operate)?;
        let mut tx = self.db().begin().await?;
        staff::lock(&mut tx).await?;
        let open = staff::open_invitations(&mut tx).await?;
        let invitation = open.into_iter().find(|one| one.id == *id);
        let invitation = invitation.ok_or_else(|| Error::NotFound("Invitation".into()))?;
        staff::withdraw(&mut tx, id, self.now()).await?;
        Ok((tx, invitation))
    }

    async fn send_staff_invitation(
        &self,
        mut tx: Tx,
        actor: &Actor,
        email: String,
        role: StaffRole,
    ) -> Result<StaffInvitation> {
        let now = self.now();
        let (id, invited_by) = (self.new_id(InvitationId::new), actor.name());
        let invitation = StaffInvitation { id, email, role, invited_by, expires: now.plus_ms(INVITATION_MS) };
        let link = Link::new();
        staff::invite(&mut tx, &invitation, &link.hash, now).await?;
        let entry = self.staff_entry(Deed::StaffInvited).by(actor).about(invitation.id.as_str(), &invitation.email);
        self.note(&mut tx, entry.with([Change::noted("role", role.as_str())])).await?;
        tx.commit().await?;
        self.post(letters::staff_invitation(&invitation, &self.page(&format!("invite/staff/{}", link.text))))?;
        Ok(invitation)
    }

    async fn linked_staff_invitation(&self, link: &str) -> Result<Linked> {
        let linked = staff::by_link(self.db(), &hash(link)).await?;
        let linked = linked.ok_or_else(|| Error::NotFound("Invitation".into()))?;
        let by = &linked.invitation.invited_by;
        let detail = if linked.accepted {
            "This invitation has been used. Sign in to begin.".to_owned()
        } else if linked.withdrawn {
            format!("This invitation was withdrawn, or replaced by a later one. Look for a later letter, or ask {by}.")
        } else if linked.invitation.expires <= self.now() {
            format!("This invitation has expired. Ask {by} to send it again.")
        } else {
            return Ok(linked);
        };
        Err(Error::Conflict { detail, existing: None })
    }

    /// Makes the person one of the staff, if nobody has used the invitation meanwhile.
    async fn let_staff_in(&self, mut tx: Tx, invitation: &StaffInvitation, user: &User, client_ip: &str) -> Result<()> {
        staff::lock(&mut tx).await?;
        if !staff::accept(&mut tx, &invitation.id, self.now()).await? {
            let detail = "This invitation has just been used or withdrawn.".to_owned();
            return Err(Error::Conflict { detail, existing: None });
        }
        staff::set_role(&mut tx, &user.id, Some(invitation.role)).await?;
        let noted = [
            Change::noted("role", invitation.role.as_str()),
            Change::noted("invited by", invitation.invited_by.clone()),
        ];
        let entry = self.staff_entry(Deed::StaffAdded).by_person(user, client_ip);
        self.note(&mut tx, entry.about(user.id.as_str(), &user.email).with(noted)).await?;
        Ok(tx.commit().await?)
    }
}

/// Whoever was an operator when the request began may be none any more, now that all others wait. Whoever runs commands
/// on the server always is.
fn still_operator(actor: &Actor, all: &[StaffMember]) -> Result<()> {
    let Some(id) = actor.id() else { return Ok(()) };
    let now = all.iter().find(|one| one.user.id.as_str() == id);
    if now.is_some_and(|one| one.role == StaffRole::Operator) {
        return Ok(());
    }
    Err(Permission::Operate.refused_to_person())
}

/// Refuses to take the role from the only operator.
fn another_operator(all: &[StaffMember], member: &StaffMember) -> Result<()> {
    let others = all.iter().any(|one| one.role == StaffRole::Operator && one.user.id != member.user.id);
    if member.role != StaffRole::Operator || others {
        return Ok(());
    }
    let detail = format!("{} is the only operator. Make somebody else one first.", member.user.email);
    Err(Error::Conflict { detail, existing: None })
}
