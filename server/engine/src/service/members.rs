//! Members: inviting, joining, changing roles, leaving. An account always keeps an admin.

use async_trait::async_trait;
use domain::{
    Error,
    account::{Account, Role, User},
    actor::{Actor, Permission, Who},
    audit::{Change, Deed},
    error::Result,
    id::{AccountId, InvitationId, UserId},
    member::{INVITATION_MS, Invitation, Invite, Invited, Member, Members, Newcomer, Roster},
    time::DAY_MS,
};

use super::{
    letters::{self, Link},
    tokens::hash,
};
use crate::{
    Engine, password,
    store::{
        accounts,
        db::Tx,
        error::StoreError,
        members::{self, Linked},
    },
};

/// Invitations that an account may send within a day: enough for a team, too few for a flood.
const INVITATIONS_MAX_PER_DAY: i64 = 100;
/// Seconds until an account that has sent too many may look again.
const INVITATIONS_RETRY_AFTER_S: u32 = 3_600;

#[async_trait]
impl Members for Engine {
    async fn people(&self, actor: &Actor) -> Result<Roster> {
        let account = actor.account_if(Permission::ManageMembers)?;
        let members = members::list(self.db(), account).await?;
        Ok(Roster { members, invitations: members::invitations(self.db(), account).await? })
    }

    async fn invite(&self, actor: &Actor, form: &Invite) -> Result<Invitation> {
        let account = self.account_to_manage(actor).await?;
        let (email, role) = form.check()?;
        let mut tx = self.db().begin().await?;
        if members::lock(&mut tx, &account.id).await?.iter().any(|one| one.user.email == email) {
            return Err(Error::invalid("email", format!("{email} is a member already.")));
        }
        let open = members::open_invitations(&mut tx, &account.id).await?;
        if let Some(earlier) = open.into_iter().find(|one| one.email == email) {
            if earlier.expires > self.now() {
                let words = format!("{email} is invited already. Send that invitation again, or withdraw it first.");
                return Err(Error::invalid("email", words));
            }
            members::withdraw(&mut tx, &account.id, &earlier.id, self.now()).await?;
        }
        self.send_invitation(tx, actor, &account, email, role).await
    }

    async fn resend_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<Invitation> {
        let account = self.account_to_manage(actor).await?;
        let (tx, earlier) = self.close_invitation(&account.id, id).await?;
        self.send_invitation(tx, actor, &account, earlier.email, earlier.role).await
    }

    async fn withdraw_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<Invitation> {
        let account = actor.account_if(Permission::ManageMembers)?;
        let (mut tx, invitation) = self.close_invitation(account, id).await?;
        let entry = self.entry(actor, account, Deed::InviteWithdrawn);
        self.note(&mut tx, entry.about(id.as_str(), &invitation.email)).await?;
        tx.commit().await?;
        Ok(invitation)
    }

    async fn change_role(&self, actor: &Actor, user: &UserId, role: Role) -> Result<Member> {
        let account = actor.account_if(Permission::ManageMembers)?;
        if actor.id() == Some(user.as_str()) {
            return Err(Error::Forbidden("Nobody changes their own role. Ask another admin to do it.".into()));
        }
        let mut tx = self.db().begin().await?;
        let all = members::lock(&mut tx, account).await?;
        still_admin(actor, &all)?;
        let mut member = found(&all, user)?;
        if role != Role::Admin {
            another_admin(&all, &member)?;
        }
        let change = Change::between("role", member.role.as_str(), role.as_str());
        if change.is_none() {
            return Ok(member);
        }
        members::set_role(&mut tx, account, user, role).await?;
        let entry = self.entry(actor, account, Deed::MemberChanged).about(user.as_str(), &member.user.email);
        self.note(&mut tx, entry.with(change)).await?;
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
            still_admin(actor, &all)?;
        }
        let member = found(&all, user)?;
        another_admin(&all, &member)?;
        members::remove(&mut tx, account, user).await?;
        let entry = self.entry(actor, account, Deed::MemberRemoved).about(user.as_str(), &member.user.email);
        self.note(&mut tx, entry.with([Change::noted("role", member.role.as_str())])).await?;
        tx.commit().await?;
        Ok(member)
    }

    async fn invited(&self, link: &str) -> Result<Invited> {
        let Linked { invitation, account, known, .. } = self.linked_invitation(link).await?;
        let Invitation { email, role, invited_by, expires, .. } = invitation;
        Ok(Invited { email, account: account.name, role, invited_by, expires, known })
    }

    async fn join_as_new(&self, link: &str, form: &Newcomer, client_ip: &str) -> Result<(User, Account)> {
        let linked = self.linked_invitation(link).await?;
        if linked.known {
            return Err(known_address());
        }
        let name = form.checked_name()?;
        let email = linked.invitation.email.clone();
        let about = [email.as_str(), &name, &linked.account.name];
        if let Some(weak) = password::complaint("password", &form.password, &about) {
            return Err(Error::Invalid(vec![weak]));
        }
        let hash = password::hash(form.password.clone()).await;
        let user = User { id: self.new_id(UserId::new), name, email };
        let mut tx = self.db().begin().await?;
        let taken = |error: StoreError| if error.is_taken() { known_address() } else { error.into() };
        accounts::add_user(&mut tx, &user, &hash, None, self.now()).await.map_err(taken)?;
        let account = self.let_in(tx, linked, &user, client_ip).await?;
        Ok((user, account))
    }

    async fn join(&self, link: &str, user: &UserId, client_ip: &str) -> Result<Account> {
        let linked = self.linked_invitation(link).await?;
        let user = accounts::user(self.db(), user).await?;
        let user = user.ok_or_else(|| Error::Unauthenticated("Sign in to continue.".into()))?;
        if user.email != linked.invitation.email {
            let words = format!("This invitation is for {}. Sign in with that address.", linked.invitation.email);
            return Err(Error::Forbidden(words));
        }
        let tx = self.db().begin().await?;
        self.let_in(tx, linked, &user, client_ip).await
    }
}

impl Engine {
    async fn account_to_manage(&self, actor: &Actor) -> Result<Account> {
        let id = actor.account_if(Permission::ManageMembers)?;
        let account = accounts::account(self.db(), id.as_str()).await?;
        account.ok_or_else(|| Error::NotFound("Account".into()))
    }

    /// Withdraws an open invitation, in a transaction that goes on.
    async fn close_invitation(&self, account: &AccountId, id: &InvitationId) -> Result<(Tx, Invitation)> {
        let mut tx = self.db().begin().await?;
        members::lock(&mut tx, account).await?;
        let open = members::open_invitations(&mut tx, account).await?;
        let invitation = open.into_iter().find(|one| one.id == *id);
        let invitation = invitation.ok_or_else(|| Error::NotFound("Invitation".into()))?;
        members::withdraw(&mut tx, account, id, self.now()).await?;
        Ok((tx, invitation))
    }

    pub(super) async fn send_invitation(
        &self,
        mut tx: Tx,
        actor: &Actor,
        account: &Account,
        email: String,
        role: Role,
    ) -> Result<Invitation> {
        let now = self.now();
        if members::sent_since(&mut tx, &account.id, now.plus_ms(-DAY_MS)).await? >= INVITATIONS_MAX_PER_DAY {
            return Err(Error::TooMany { retry_after_s: INVITATIONS_RETRY_AFTER_S });
        }
        let (id, invited_by) = (self.new_id(InvitationId::new), actor.name());
        let invitation = Invitation { id, email, role, invited_by, expires: now.plus_ms(INVITATION_MS) };
        let link = Link::new();
        members::invite(&mut tx, &account.id, &invitation, &link.hash, now).await?;
        let entry = self.entry(actor, &account.id, Deed::MemberInvited);
        let entry = entry.about(invitation.id.as_str(), &invitation.email);
        self.note(&mut tx, entry.with([Change::noted("role", role.as_str())])).await?;
        tx.commit().await?;
        let page = self.page(&format!("invite/{}", link.text));
        self.post(letters::invitation(&invitation, &account.name, &page))?;
        Ok(invitation)
    }

    async fn linked_invitation(&self, link: &str) -> Result<Linked> {
        let linked = members::by_link(self.db(), &hash(link)).await?;
        let linked = linked.ok_or_else(|| Error::NotFound("Invitation".into()))?;
        let by = &linked.invitation.invited_by;
        let detail = if linked.accepted {
            "This invitation has been used. Sign in to open the account.".to_owned()
        } else if linked.withdrawn {
            format!("This invitation was withdrawn, or replaced by a later one. Look for a later letter, or ask {by}.")
        } else if linked.invitation.expires <= self.now() {
            format!("This invitation has expired. Ask {by} to send it again.")
        } else {
            return Ok(linked);
        };
        Err(Error::Conflict { detail, existing: None })
    }

    /// Makes the person a member, if nobody has used the invitation meanwhile.
    async fn let_in(&self, mut tx: Tx, linked: Linked, user: &User, client_ip: &str) -> Result<Account> {
        let Linked { invitation, account, .. } = linked;
        members::lock(&mut tx, &account.id).await?;
        if !members::accept(&mut tx, &account.id, &invitation.id, self.now()).await? {
            let detail = "This invitation has just been used or withdrawn.".to_owned();
            return Err(Error::Conflict { detail, existing: None });
        }
        let added = accounts::add_member(&mut tx, &user.id, &account.id, invitation.role, self.now()).await;
        added.map_err(|error| {
            if !error.is_taken() {
                return error.into();
            }
            let detail = format!("You belong to {} already.", account.name);
            Error::Conflict { detail, existing: Some(account.id.to_string()) }
        })?;
        let (id, name) = (user.id.clone(), user.email.clone());
        let (at, role) = (account.id.clone(), invitation.role);
        let actor = Actor::new(Who::Member { user: id, name, account: at, role, developers_rotate: false });
        let entry = self.entry(&actor.at(client_ip), &account.id, Deed::MemberJoined);
        let noted = [Change::noted("role", role.as_str()), Change::noted("invited by", invitation.invited_by)];
        self.note(&mut tx, entry.about(user.id.as_str(), &user.email).with(noted)).await?;
        tx.commit().await?;
        Ok(account)
    }
}

pub(super) fn known_address() -> Error {
    let detail = "Somebody signs in with this address already. Sign in, then accept.".to_owned();
    Error::Conflict { detail, existing: None }
}

fn found(all: &[Member], user: &UserId) -> Result<Member> {
    all.iter().find(|one| one.user.id == *user).cloned().ok_or_else(|| Error::NotFound("Member".into()))
}

/// Whoever was an admin when the request began may be none any more, now that all others wait.
fn still_admin(actor: &Actor, all: &[Member]) -> Result<()> {
    let now = all.iter().find(|one| actor.id() == Some(one.user.id.as_str()));
    if now.is_some_and(|one| one.role.may(Permission::ManageMembers)) {
        return Ok(());
    }
    Err(Permission::ManageMembers.refused_to_person())
}

/// Refuses to take the role from the only admin.
fn another_admin(all: &[Member], member: &Member) -> Result<()> {
    let others = all.iter().any(|one| one.role == Role::Admin && one.user.id != member.user.id);
    if member.role != Role::Admin || others {
        return Ok(());
    }
    let detail = format!("{} is the only admin. Give somebody else the role admin first.", member.user.email);
    Err(Error::Conflict { detail, existing: None })
}
