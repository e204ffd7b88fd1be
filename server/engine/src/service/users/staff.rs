//! Staff: invitations, roles, removal. One operator always remains.

use async_trait::async_trait;
use domain::{
    Error, UnixMs,
    account::{StaffRole, User},
    actor::{Actor, Permission},
    audit::{AuditAction, Change},
    error::Result,
    id::{InvitationId, UserId},
    member::{InviteForm, NewUserForm},
    ops::{
        StaffAdmin,
        staff::{StaffInvitation, StaffInvitationDetails, StaffList, StaffMember},
    },
};

use crate::{
    Engine,
    mail::Email,
    service::users::{
        emails::{self, Link},
        invitations::{InvitationScope, OpenInvitation},
    },
    store::{
        audit::{self, Entry},
        db::{Db, Tx},
        ops::support::{self, Which},
        users::{invitations, staff},
    },
};

#[async_trait]
impl StaffAdmin for Engine {
    async fn staff_list(&self, actor: &Actor) -> Result<StaffList> {
        actor.require(Permission::Operate)?;
        let members = staff::list(self.db()).await?;
        Ok(StaffList { members, invitations: invitations::list(self.db(), Staff.key()).await? })
    }

    async fn invite_staff(&self, actor: &Actor, form: &InviteForm) -> Result<StaffInvitation> {
        actor.require(Permission::Operate)?;
        self.invite_to(&Staff, actor, form.check(StaffRole::parse)?).await
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
            return Err(Error::Forbidden("You can't change your own role. Ask another operator.".into()));
        }
        let ending = self.support_to_end(user, role).await?;
        let mut tx = self.db().begin().await?;
        let all = staff::lock(&mut tx).await?;
        require_still_operator(actor, &all)?;
        let member = all.iter().find(|one| one.user.id == *user).cloned();
        let member = member.ok_or_else(|| Error::NotFound("Staff".into()))?;
        if role == Some(member.role) {
            return Ok(member);
        }
        require_another_operator(&all, &member)?;
        staff::set_role(&mut tx, user, role).await?;
        for session in ending {
            self.end_within(&mut tx, actor, &session, "the agent is no longer support staff").await?;
        }
        let (action, change) = match role {
            Some(role) => (AuditAction::StaffChanged, Change::between("role", member.role.as_str(), role.as_str())),
            None => (AuditAction::StaffRemoved, Some(Change::noted("role", member.role.as_str()))),
        };
        let entry = self.staff_entry(action).by(actor).about(user.as_str(), &member.user.email).with(change);
        self.record(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(StaffMember { role: role.unwrap_or(member.role), ..member })
    }

    async fn staff_invited(&self, link: &str) -> Result<StaffInvitationDetails> {
        let OpenInvitation { invitation, known, .. } = self.open_invitation::<Staff>(link).await?;
        let StaffInvitation { email, role, invited_by, expires, .. } = invitation;
        Ok(StaffInvitationDetails { email, role, invited_by, expires, known })
    }

    async fn join_staff_as_new(&self, link: &str, form: &NewUserForm, client_ip: &str) -> Result<User> {
        self.accept_as_new::<Staff>(link, form, client_ip).await.map(|(user, _)| user)
    }

    async fn join_staff(&self, link: &str, user: &UserId, client_ip: &str) -> Result<()> {
        self.accept_as::<Staff>(link, user, client_ip).await.map(|_| ())
    }
}

/// Staff, as an invitation scope.
struct Staff;

#[async_trait]
impl InvitationScope for Staff {
    type Role = StaffRole;
    const MAX_PER_DAY: Option<i64> = None;
    const MEMBER_NAME: &'static str = "staff";
    const AFTER_USE: &'static str = "Sign in to continue.";
    const INVITED: AuditAction = AuditAction::StaffInvited;
    const WITHDRAWN: AuditAction = AuditAction::StaffInviteWithdrawn;
    const JOINED: AuditAction = AuditAction::StaffAdded;

    fn key(&self) -> &str {
        audit::OPS_CHAIN
    }

    fn title(&self) -> Option<&str> {
        None
    }

    fn email(&self, engine: &Engine, invitation: &StaffInvitation, link: &Link) -> Email {
        emails::invitation(invitation, "the provider's staff", &engine.page_url(&format!("invite/staff/{}", link.text)))
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
    fn staff_entry(&self, action: AuditAction) -> Entry {
        Entry::new(self.next_id(), self.now(), audit::OPS_CHAIN, action)
    }

    /// The support sessions that end if the user is no longer support staff.
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

/// The actor may have lost the role operator before the lock was taken. The command line always has it.
fn require_still_operator(actor: &Actor, all: &[StaffMember]) -> Result<()> {
    let Some(id) = actor.id() else { return Ok(()) };
    let now = all.iter().find(|one| one.user.id.as_str() == id);
    if now.is_some_and(|one| one.role == StaffRole::Operator) {
        return Ok(());
    }
    Err(domain::actor::refused_to_user(Permission::Operate))
}

/// Refuses to remove the last operator.
fn require_another_operator(all: &[StaffMember], member: &StaffMember) -> Result<()> {
    let others = all.iter().any(|one| one.role == StaffRole::Operator && one.user.id != member.user.id);
    if member.role != StaffRole::Operator || others {
        return Ok(());
    }
    let detail = format!("{} is the only operator. Make another staff member an operator first.", member.user.email);
    Err(Error::Conflict { detail, existing: None })
}
