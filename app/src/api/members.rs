//! Members of accounts and of the staff, and invitations: loading and forms.

use domain::Error;
use domain::actor::{Actor, Permission};
use domain::id::{InvitationId, UserId};
use domain::member::{Invitation, InvitationDetails, InviteForm, MemberList, NewUserForm, Team, TeamKind, TeamRole};
use domain::token::ApiToken;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;
use crate::links::{self, TeamPages};
use crate::ssr;

async fn actor(team: &TeamPages) -> Result<Actor, UiError> {
    match team {
        TeamPages::Account(acct) => ssr::actor(acct).await,
        TeamPages::Staff => ssr::operator().await,
    }
}

/// A team's members and pending invitations, and the ID of the signed-in user.
pub(crate) async fn load_members(team: &TeamPages) -> Result<(MemberList, String), UiError> {
    let actor = actor(team).await?;
    let own = actor.id().unwrap_or_default().to_owned();
    Ok((ssr::backend()?.members(&actor, team.kind()).await?, own))
}

/// The API tokens that this user created and that work, which they may know, however they leave.
pub(crate) async fn load_tokens_of(team: &TeamPages, email: &str) -> Result<Vec<ApiToken>, UiError> {
    let (backend, now) = (ssr::backend()?, ssr::now()?);
    let all = backend.api_tokens(&actor(team).await?).await?;
    Ok(all.into_iter().filter(|token| token.works(now) && token.created_by.as_deref() == Some(email)).collect())
}

/// The link of an invitation on the next page; nothing if it was emailed.
#[derive(Debug, Serialize)]
pub(crate) struct ShownLink {
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

impl ShownLink {
    pub(crate) fn of(sent: &Invitation) -> Self {
        Self { link: sent.link.as_ref().map(|link| link.0.clone()) }
    }
}

/// Whether invitations are emailed. If not, whoever invites passes the link on.
pub(crate) async fn mail_configured() -> Result<bool, UiError> {
    Ok(ssr::backend()?.mail_configured())
}

/// Invites a member.
#[server(prefix = "/api", endpoint = "members/invite")]
pub(crate) async fn invite_member(acct: String, form: InviteForm) -> Result<(), UiError> {
    invite(TeamPages::Account(acct), form).await
}

/// Invites a staff member.
#[server(prefix = "/api", endpoint = "ops/staff/invite")]
pub(crate) async fn invite_staff(form: InviteForm) -> Result<(), UiError> {
    invite(TeamPages::Staff, form).await
}

async fn invite(team: TeamPages, form: InviteForm) -> Result<(), UiError> {
    ssr::form(&team.member("invite", ""), &form, async {
        let actor = actor(&team).await?;
        let sent = ssr::backend()?.invite(&actor, form.parse(team.kind())?).await?;
        let done = ssr::Done::to(team.list()).saying(ssr::mail_messages::invited(&sent.email)?);
        Ok(done.keeping(&ShownLink::of(&sent)))
    })
    .await
}

/// Resends an invitation to an account.
#[server(prefix = "/api", endpoint = "members/resend")]
pub(crate) async fn resend_invitation(acct: String, inv: String) -> Result<(), UiError> {
    resend(TeamPages::Account(acct), inv).await
}

/// Resends an invitation to the staff.
#[server(prefix = "/api", endpoint = "ops/staff/resend")]
pub(crate) async fn resend_staff_invitation(inv: String) -> Result<(), UiError> {
    resend(TeamPages::Staff, inv).await
}

async fn resend(team: TeamPages, inv: String) -> Result<(), UiError> {
    ssr::form(&team.list(), &(), async {
        let (actor, id) = (actor(&team).await?, InvitationId::parse(&inv)?);
        let sent = ssr::backend()?.resend_invitation(&actor, team.kind(), &id).await?;
        let done = ssr::Done::to(team.list()).saying(ssr::mail_messages::invited_again(&sent.email)?);
        Ok(done.keeping(&ShownLink::of(&sent)))
    })
    .await
}

/// Revokes an invitation to an account.
#[server(prefix = "/api", endpoint = "members/withdraw")]
pub(crate) async fn withdraw_invitation(acct: String, inv: String) -> Result<(), UiError> {
    withdraw(TeamPages::Account(acct), inv).await
}

/// Revokes an invitation to the staff.
#[server(prefix = "/api", endpoint = "ops/staff/withdraw")]
pub(crate) async fn withdraw_staff_invitation(inv: String) -> Result<(), UiError> {
    withdraw(TeamPages::Staff, inv).await
}

async fn withdraw(team: TeamPages, inv: String) -> Result<(), UiError> {
    ssr::form(&team.list(), &(), async {
        let (actor, id) = (actor(&team).await?, InvitationId::parse(&inv)?);
        let gone = ssr::backend()?.withdraw_invitation(&actor, team.kind(), &id).await?;
        let message = format!("The invitation for {} was revoked. Its link no longer works.", gone.email);
        Ok(ssr::Done::to(team.list()).saying(message))
    })
    .await
}

/// Form with a role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoleForm {
    /// Name of the role.
    #[serde(default)]
    role: String,
}

/// Changes the role of an account's member.
#[server(prefix = "/api", endpoint = "members/role")]
pub(crate) async fn change_role(acct: String, usr: String, form: RoleForm) -> Result<(), UiError> {
    set_role(TeamPages::Account(acct), usr, form).await
}

/// Changes the role of a staff member.
#[server(prefix = "/api", endpoint = "ops/staff/role")]
pub(crate) async fn change_staff(usr: String, form: RoleForm) -> Result<(), UiError> {
    set_role(TeamPages::Staff, usr, form).await
}

async fn set_role(team: TeamPages, usr: String, form: RoleForm) -> Result<(), UiError> {
    ssr::form(&team.member(&usr, ""), &form, async {
        let (actor, id) = (actor(&team).await?, UserId::parse(&usr)?);
        let role = TeamRole::chosen(team.kind(), &form.role).map_err(Error::from)?;
        let member = ssr::backend()?.change_role(&actor, &id, role).await?;
        let message = format!("{} now has the role {}.", member.user.email, role.as_str());
        Ok(ssr::Done::to(team.list()).saying(message))
    })
    .await
}

/// Removes a member of an account. Users who remove themselves leave the account's pages.
#[server(prefix = "/api", endpoint = "members/remove")]
pub(crate) async fn remove_member(acct: String, usr: String) -> Result<(), UiError> {
    remove(TeamPages::Account(acct), usr).await
}

/// Removes a staff member.
#[server(prefix = "/api", endpoint = "ops/staff/remove")]
pub(crate) async fn remove_staff(usr: String) -> Result<(), UiError> {
    remove(TeamPages::Staff, usr).await
}

async fn remove(team: TeamPages, usr: String) -> Result<(), UiError> {
    ssr::form(&team.member(&usr, "remove"), &(), async {
        let (actor, id) = (actor(&team).await?, UserId::parse(&usr)?);
        let member = ssr::backend()?.remove_member(&actor, team.kind(), &id).await?;
        if actor.id() == Some(id.as_str()) {
            return Ok(ssr::Done::to(links::SECURITY).saying("You have left the account."));
        }
        let from = if team == TeamPages::Staff { "the staff" } else { "the account" };
        let tokens = load_tokens_of(&team, &member.user.email).await?;
        let left = if tokens.is_empty() {
            String::new()
        } else {
            let names: Vec<&str> = tokens.iter().map(|token| token.name.as_str()).collect();
            format!(
                " API tokens that they created still work: {}. Rotate or revoke those that they may know.",
                names.join(", ")
            )
        };
        Ok(ssr::Done::to(team.list()).saying(format!("{} was removed from {from}.{left}", member.user.email)))
    })
    .await
}

/// An invitation, and who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Invitee {
    /// The invitation.
    pub(crate) invited: InvitationDetails,
    /// Email address of the signed-in user.
    pub(crate) signed_in: Option<String>,
}

/// Loads an invitation by its link.
pub(crate) async fn load_invitation(kind: TeamKind, link: &str) -> Result<Invitee, UiError> {
    let backend = ssr::backend()?;
    let invited = backend.invited(kind, link).await?;
    let signed_in = match ssr::user().await {
        Ok(user) => backend.memberships(&user).await.ok().map(|(user, _)| user.email),
        Err(_) => None,
    };
    Ok(Invitee { invited, signed_in })
}

/// Accepts an invitation to an account as a new user, and signs them in.
#[server(prefix = "/api", endpoint = "invitation/join-new")]
pub(crate) async fn join_as_new(link: String, form: NewUserForm) -> Result<(), UiError> {
    accept_as_new(TeamKind::Account, link, form).await
}

/// Accepts an invitation to the staff as a new user, and signs them in.
#[server(prefix = "/api", endpoint = "staff/join-new")]
pub(crate) async fn join_staff_as_new(link: String, form: NewUserForm) -> Result<(), UiError> {
    accept_as_new(TeamKind::Staff, link, form).await
}

async fn accept_as_new(kind: TeamKind, link: String, form: NewUserForm) -> Result<(), UiError> {
    ssr::form(&links::invitation(kind, &link), &form, async {
        ssr::require_within_rate_limit()?;
        let (user, team) = ssr::backend()?.join_as_new(kind, &link, &form, &ssr::client_ip()).await?;
        ssr::sign_in(&user.id).await?;
        Ok(ssr::Done::to(team.account().map_or_else(|| "/".to_owned(), |id| links::account(id.as_str(), ""))))
    })
    .await
}

/// Accepts an invitation to an account as the signed-in user.
#[server(prefix = "/api", endpoint = "invitation/join")]
pub(crate) async fn join(link: String) -> Result<(), UiError> {
    accept(TeamKind::Account, link).await
}

/// Accepts an invitation to the staff as the signed-in user.
#[server(prefix = "/api", endpoint = "staff/join")]
pub(crate) async fn join_staff(link: String) -> Result<(), UiError> {
    accept(TeamKind::Staff, link).await
}

async fn accept(kind: TeamKind, link: String) -> Result<(), UiError> {
    ssr::form(&links::invitation(kind, &link), &(), async {
        let team = ssr::backend()?.join(kind, &link, &ssr::user().await?, &ssr::client_ip()).await?;
        Ok(ssr::Done::to(match team {
            Team::Account(account) => links::account(account.id.as_str(), ""),
            Team::Staff if ssr::staff().await?.may(Permission::UseSupport) => links::SUPPORT.to_owned(),
            Team::Staff => links::OPS.to_owned(),
        }))
    })
    .await
}

/// Signs out and returns to the invitation to an account.
#[server(prefix = "/api", endpoint = "invitation/switch")]
pub(crate) async fn switch_user(link: String) -> Result<(), UiError> {
    sign_out_and_return(TeamKind::Account, link).await
}

/// Signs out and returns to the invitation to the staff.
#[server(prefix = "/api", endpoint = "staff/switch")]
pub(crate) async fn switch_to_staff(link: String) -> Result<(), UiError> {
    sign_out_and_return(TeamKind::Staff, link).await
}

async fn sign_out_and_return(kind: TeamKind, link: String) -> Result<(), UiError> {
    ssr::sign_out().await?;
    leptos_axum::redirect(&links::invitation(kind, &link));
    Ok(())
}
