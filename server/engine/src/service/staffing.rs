//! Staff: inviting, joining, changing roles, leaving. The installation always keeps an operator.

use async_trait::async_trait;
use domain::{
    Error, UnixMs,
    account::{StaffRole, User},
    actor::{Actor, Permission},
    audit::{Change, Deed},
    error::Result,
    id::{InvitationId, UserId},
    installation::{
        Staffing,
        staff::{StaffInvitation, StaffInvite, StaffInvited, StaffMember, StaffRoster},
    },
    member::Newcomer,
};

use super::{
    invitations::{Place, Usable},
    letters::{self, Link},
};
use crate::{
    Engine,
    mail::Email,
    store::{
        audit::{self, Entry},
        db::{Db, Tx},
        invitations, staff,
        support::{self, Which},
    },
};

#[async_trait]
impl Staffing for Engine {
    async fn staff_roster(&self, actor: &Actor) -> Result<StaffRoster> {
        actor.require(Permission::Operate)?;
        let members = staff::list(self.db()).await?;
        Ok(StaffRoster { members, invitations: invitations::list(self.db(), Staff.key()).await? })
    }

    async fn invite_staff(&self, actor: &Actor, form: &StaffInvite) -> Result<StaffInvitation> {
        actor.require(Permission::Operate)?;
        self.invite_to(&Staff, actor, form.check()?).await
    }

    async fn resend_staff_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<StaffInvitation> {
        actor.require(Permission::Operate)?;
        self.reinvite(&Staff, actor, id).await
    }

    async fn withdraw_staff_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<StaffInvitation> {
        actor.require(Permission::Operate)?;
        self.withdraw_from(&Staff, actor, id).await
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
        let Usable { invitation, known, .. } = self.usable::<Staff>(link).await?;
        let StaffInvitation { email, role, invited_by, expires, .. } = invitation;
        Ok(StaffInvited { email, role, invited_by, expires, known })
    }

    async fn join_staff_as_new(&self, link: &str, form: &Newcomer, client_ip: &str) -> Result<User> {
        self.accept_as_new::<Staff>(link, form, client_ip).await.map(|(user, _)| user)
    }

    async fn join_staff(&self, link: &str, user: &UserId, client_ip: &str) -> Result<()> {
        self.accept_as::<Staff>(link, user, client_ip).await.map(|_| ())
    }
}

/// The provider's staff, as what people are invited to.
struct Staff;

#[async_trait]
impl Place for Staff {
    type Role = StaffRole;
    const MAX_PER_DAY: Option<i64> = None;
    const BELONGING: &'static str = "staff";
    const AFTER_USE: &'static str = "Sign in to begin.";
    const INVITED: Deed = Deed::StaffInvited;
    const WITHDRAWN: Deed = Deed::StaffInviteWithdrawn;
    const JOINED: Deed = Deed::StaffAdded;

    fn key(&self) -> &str {
        audit::OPS_CHAIN
    }

    fn title(&self) -> Option<&str> {
        None
    }

    fn letter(&self, engine: &Engine, invitation: &StaffInvitation, link: &Link) -> Email {
        letters::staff_invitation(invitation, &engine.page(&format!("invite/staff/{}", link.text)))
    }

    async fn find(_: &Db, _: &str) -> Result<Option<Self>> {
        Ok(Some(Self))
    }

    async fn lock(&self, tx: &mut Tx) -> Result<Vec<String>> {
        Ok(staff::lock(tx).await?.into_iter().map(|one| one.user.email).collect())
    }

    async fn admit(&self, tx: &mut Tx, user: &User, role: StaffRole, _: UnixMs) -> Result<()> {
        Ok(staff::set_role(tx, &user.id, Some(role)).await?)
    }
}

impl Engine {
    fn staff_entry(&self, deed: Deed) -> Entry {
        Entry::new(self.next_id(), self.now(), audit::OPS_CHAIN, deed)
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
