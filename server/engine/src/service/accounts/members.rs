//! Members: invitations, roles, removal. An account always keeps one admin.

use async_trait::async_trait;
use domain::{
    Error, UnixMs,
    account::{Account, Role, User},
    actor::{Actor, Permission, Who},
    audit::{AuditAction, Change},
    error::Result,
    id::{InvitationId, UserId},
    member::{Invitation, InvitationDetails, InviteForm, Member, MemberList, Members, NewUserForm},
};

use crate::{
    Engine,
    mail::Email,
    service::users::{
        emails::{self, Link},
        invitations::{InvitationScope, OpenInvitation},
    },
    store::{
        accounts::{self, members},
        db::{Db, Tx},
        users::invitations,
    },
};

#[async_trait]
impl Members for Engine {
    async fn members(&self, actor: &Actor) -> Result<MemberList> {
        let account = actor.account_if(Permission::ManageMembers)?;
        let members = members::list(self.db(), account).await?;
        Ok(MemberList { members, invitations: invitations::list(self.db(), account.as_str()).await? })
    }

    async fn invite(&self, actor: &Actor, form: &InviteForm) -> Result<Invitation> {
        let account = self.account_to_manage(actor).await?;
        self.invite_to(&account, actor, form.check(Role::parse)?).await
    }

    async fn resend_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<Invitation> {
        let account = self.account_to_manage(actor).await?;
        self.reinvite(&account, actor, id).await
    }

    async fn withdraw_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<Invitation> {
        let account = self.account_to_manage(actor).await?;
        self.withdraw_from(&account, actor, id).await
    }

    async fn change_role(&self, actor: &Actor, user: &UserId, role: Role) -> Result<Member> {
        let account = actor.account_if(Permission::ManageMembers)?;
        if actor.id() == Some(user.as_str()) {
            return Err(Error::Forbidden("You can't change your own role. Ask another admin.".into()));
        }
        let mut tx = self.db().begin().await?;
        let all = members::lock(&mut tx, account).await?;
        require_still_admin(actor, &all)?;
        let mut member = found(&all, user)?;
        if role != Role::Admin {
            require_another_admin(&all, &member)?;
        }
        let change = Change::between("role", member.role.as_str(), role.as_str());
        if change.is_none() {
            return Ok(member);
        }
        members::set_role(&mut tx, account, user, role).await?;
        let entry = self.entry(actor, account, AuditAction::MemberChanged).about(user.as_str(), &member.user.email);
        self.record(&mut tx, entry.with(change)).await?;
        tx.commit().await?;
        member.role = role;
        Ok(member)
    }

    async fn remove_member(&self, actor: &Actor, user: &UserId) -> Result<Member> {
        let leaves = matches!(&actor.who, Who::Member { user: own, .. } if own == user);
        let account = if leaves { actor.account()? } else { actor.account_if(Permission::ManageMembers)? };
        let mut tx = self.db().begin().await?;
        let all = members::lock(&mut tx, account).await?;
        if !leaves {
            require_still_admin(actor, &all)?;
        }
        let member = found(&all, user)?;
        require_another_admin(&all, &member)?;
        members::remove(&mut tx, account, user).await?;
        let entry = self.entry(actor, account, AuditAction::MemberRemoved).about(user.as_str(), &member.user.email);
        self.record(&mut tx, entry.with([Change::noted("role", member.role.as_str())])).await?;
        tx.commit().await?;
        Ok(member)
    }

    async fn invited(&self, link: &str) -> Result<InvitationDetails> {
        let OpenInvitation { invitation, scope: account, known } = self.open_invitation::<Account>(link).await?;
        let Invitation { email, role, invited_by, expires, .. } = invitation;
        Ok(InvitationDetails { email, account: account.name, role, invited_by, expires, known })
    }

    async fn join_as_new(&self, link: &str, form: &NewUserForm, client_ip: &str) -> Result<(User, Account)> {
        self.accept_as_new(link, form, client_ip).await
    }

    async fn join(&self, link: &str, user: &UserId, client_ip: &str) -> Result<Account> {
        self.accept_as(link, user, client_ip).await
    }
}

#[async_trait]
impl InvitationScope for Account {
    type Role = Role;
    // Enough for a team, too few for spam.
    const MAX_PER_DAY: Option<i64> = Some(100);
    const MEMBER_NAME: &'static str = "a member";
    const AFTER_USE: &'static str = "Sign in to open the account.";
    const INVITED: AuditAction = AuditAction::MemberInvited;
    const WITHDRAWN: AuditAction = AuditAction::InviteWithdrawn;
    const JOINED: AuditAction = AuditAction::MemberJoined;

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn title(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn email(&self, engine: &Engine, invitation: &Invitation, link: &Link) -> Email {
        emails::invitation(
            invitation,
            &format!("the account {}", self.name),
            &engine.page_url(&format!("invite/{}", link.text)),
        )
    }

    async fn find(db: &Db, key: &str) -> Result<Option<Self>> {
        Ok(accounts::account(db, key).await?)
    }

    async fn lock(&self, tx: &mut Tx) -> Result<Vec<String>> {
        Ok(members::lock(tx, &self.id).await?.into_iter().map(|one| one.user.email).collect())
    }

    async fn admit(&self, tx: &mut Tx, user: &User, role: Role, now: UnixMs) -> Result<()> {
        members::add(tx, &user.id, &self.id, role, now).await.map_err(|error| {
            if !error.is_unique_violation() {
                return error.into();
            }
            let detail = format!("You're already a member of {}.", self.name);
            Error::Conflict { detail, existing: Some(self.id.to_string()) }
        })
    }
}

impl Engine {
    async fn account_to_manage(&self, actor: &Actor) -> Result<Account> {
        let id = actor.account_if(Permission::ManageMembers)?;
        let account = accounts::account(self.db(), id.as_str()).await?;
        account.ok_or_else(|| Error::NotFound("Account".into()))
    }
}

fn found(all: &[Member], user: &UserId) -> Result<Member> {
    all.iter().find(|one| one.user.id == *user).cloned().ok_or_else(|| Error::NotFound("Member".into()))
}

/// The actor may have lost the role admin before the lock was taken.
fn require_still_admin(actor: &Actor, all: &[Member]) -> Result<()> {
    let now = all.iter().find(|one| actor.id() == Some(one.user.id.as_str()));
    if now.is_some_and(|one| one.role.may(Permission::ManageMembers)) {
        return Ok(());
    }
    Err(domain::actor::refused_to_user(Permission::ManageMembers))
}

/// Refuses to remove the last admin.
fn require_another_admin(all: &[Member], member: &Member) -> Result<()> {
    let others = all.iter().any(|one| one.role == Role::Admin && one.user.id != member.user.id);
    if member.role != Role::Admin || others {
        return Ok(());
    }
    let detail = format!("{} is the only admin. Make another member an admin first.", member.user.email);
    Err(Error::Conflict { detail, existing: None })
}
