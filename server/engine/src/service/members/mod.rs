//! Members of accounts and of the provider's staff: roles and removal. Every team keeps an admin or operator.

mod invitations;
mod team;

use async_trait::async_trait;
use domain::{
    Error,
    account::{StaffRole, User},
    actor::{Actor, Who},
    audit::Change,
    error::Result,
    id::{AccountId, InvitationId, UserId},
    member::{
        Invitation, InvitationDetails, Invite, Member, MemberList, Members, NewUserForm, Team, TeamKind, TeamRole,
    },
    support::SupportSession,
};

use self::team::rules;
use crate::{
    Engine,
    store::{
        accounts,
        db::Tx,
        members::{self, invitations as stored},
        ops::support::{self, Which},
    },
};

#[async_trait]
impl Members for Engine {
    async fn members(&self, actor: &Actor, kind: TeamKind) -> Result<MemberList> {
        let team = self.team_to_manage(actor, kind).await?;
        let members = members::list(self.db(), &team).await?;
        Ok(MemberList { members, invitations: stored::list(self.db(), &team).await? })
    }

    async fn invite(&self, actor: &Actor, invite: Invite) -> Result<Invitation> {
        let (email, role) = invite.into_parts();
        let team = self.team_to_manage(actor, role.kind()).await?;
        self.invite_to(&team, actor, email, role).await
    }

    async fn resend_invitation(&self, actor: &Actor, kind: TeamKind, id: &InvitationId) -> Result<Invitation> {
        let team = self.team_to_manage(actor, kind).await?;
        self.reinvite(&team, actor, id).await
    }

    async fn withdraw_invitation(&self, actor: &Actor, kind: TeamKind, id: &InvitationId) -> Result<Invitation> {
        let team = self.team_to_manage(actor, kind).await?;
        self.withdraw_from(&team, actor, id).await
    }

    async fn change_role(&self, actor: &Actor, user: &UserId, role: TeamRole) -> Result<Member> {
        let team = self.team_to_manage(actor, role.kind()).await?;
        require_another_user(actor, user, role.kind())?;
        self.set_role(actor, &team, user, Some(role)).await
    }

    async fn remove_member(&self, actor: &Actor, kind: TeamKind, user: &UserId) -> Result<Member> {
        let leaves = kind == TeamKind::Account && leaves(actor, user);
        let team =
            if leaves { self.team_of(Some(actor.account()?)).await? } else { self.team_to_manage(actor, kind).await? };
        if !leaves {
            require_another_user(actor, user, kind)?;
        }
        self.set_role(actor, &team, user, None).await
    }

    async fn invited(&self, kind: TeamKind, link: &str) -> Result<InvitationDetails> {
        self.open_invitation(kind, link).await
    }

    async fn join_as_new(
        &self,
        kind: TeamKind,
        link: &str,
        form: &NewUserForm,
        client_ip: &str,
    ) -> Result<(User, Team)> {
        self.accept_as_new(kind, link, form, client_ip).await
    }

    async fn join(&self, kind: TeamKind, link: &str, user: &UserId, client_ip: &str) -> Result<Team> {
        self.accept_as(kind, link, user, client_ip).await
    }
}

impl Engine {
    /// The team that the actor may manage.
    async fn team_to_manage(&self, actor: &Actor, kind: TeamKind) -> Result<Team> {
        actor.require(rules(kind).permission)?;
        self.team_of(if kind == TeamKind::Account { Some(actor.account()?) } else { None }).await
    }

    /// The team of this account, or the staff.
    async fn team_of(&self, account: Option<&AccountId>) -> Result<Team> {
        let Some(id) = account else { return Ok(Team::Staff) };
        let account = accounts::account(self.db(), id.as_str()).await?;
        account.map(Team::Account).ok_or_else(|| Error::NotFound("Account".into()))
    }

    /// Changes a member's role; `None` removes them.
    async fn set_role(&self, actor: &Actor, team: &Team, user: &UserId, role: Option<TeamRole>) -> Result<Member> {
        let ending = self.support_to_end(team, user, role).await?;
        let mut tx = self.db().begin().await?;
        let all = members::lock(&mut tx, team).await?;
        if !leaves(actor, user) {
            require_still_manager(actor, team, &all)?;
        }
        let member = all.iter().find(|one| one.user.id == *user).cloned();
        let member = member.ok_or_else(|| Error::NotFound("Member".into()))?;
        if role == Some(member.role) {
            return Ok(member);
        }
        require_another_manager(&all, &member)?;
        members::set_role(&mut tx, team, user, role).await?;
        self.end_support(&mut tx, actor, &ending).await?;
        let (rules, before) = (rules(team.kind()), member.role.as_str());
        let (action, change) = match role {
            Some(role) => (rules.changed, Change::between("role", before, role.as_str())),
            None => (rules.removed, Some(Change::noted("role", before))),
        };
        let entry = self.entry_of(team, action).by(actor).about(user.as_str(), &member.user.email);
        self.record(&mut tx, entry.with(change)).await?;
        tx.commit_then(self.access_changed(user.as_str())).await?;
        Ok(Member { role: role.unwrap_or(member.role), ..member })
    }

    /// The support sessions that end if the user is no longer support staff.
    async fn support_to_end(&self, team: &Team, user: &UserId, role: Option<TeamRole>) -> Result<Vec<SupportSession>> {
        if *team != Team::Staff || role == Some(TeamRole::Staff(StaffRole::Support)) {
            return Ok(Vec::new());
        }
        let all = support::sessions(self.db(), Which::Of(user)).await?;
        Ok(all.into_iter().filter(|session| session.ended_at.is_none()).collect())
    }

    async fn end_support(&self, tx: &mut Tx, actor: &Actor, ending: &[SupportSession]) -> Result<()> {
        for session in ending {
            self.end_within(tx, actor, session, "the agent is no longer support staff").await?;
        }
        Ok(())
    }
}

/// Whether a member of an account leaves it.
fn leaves(actor: &Actor, user: &UserId) -> bool {
    matches!(&actor.who, Who::Member { user: own, .. } if own == user)
}

fn require_another_user(actor: &Actor, user: &UserId, kind: TeamKind) -> Result<()> {
    if actor.id() == Some(user.as_str()) {
        let words = format!("You can't change your own role. Ask another {}.", rules(kind).manager);
        return Err(Error::Forbidden(words));
    }
    Ok(())
}

/// The actor may have lost the role before the lock was taken. The command line always has it.
fn require_still_manager(actor: &Actor, team: &Team, all: &[Member]) -> Result<()> {
    let Some(id) = actor.id() else { return Ok(()) };
    if all.iter().any(|one| one.user.id.as_str() == id && one.role.manages()) {
        return Ok(());
    }
    Err(domain::actor::refused_to_user(rules(team.kind()).permission))
}

/// Refuses to remove the last manager.
fn require_another_manager(all: &[Member], member: &Member) -> Result<()> {
    let others = all.iter().any(|one| one.role.manages() && one.user.id != member.user.id);
    if !member.role.manages() || others {
        return Ok(());
    }
    let rules = rules(member.role.kind());
    let detail = format!("{} is the only {}. {}", member.user.email, rules.manager, rules.promote);
    Err(Error::Conflict { detail, existing: None })
}
