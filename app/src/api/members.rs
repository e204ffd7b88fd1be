//! Members and invitations: what their pages load and what their forms do.

use domain::member::{Invite, Invited, Newcomer, Roster};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// The account's members and open invitations.
pub async fn load_roster(acct: String) -> Result<Roster, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.people(&ssr::actor(&acct).await?).await?)
}

/// Invites somebody.
#[server(prefix = "/api", endpoint = "members/invite")]
pub async fn invite_member(acct: String, form: Invite) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::account(&acct, "members/invite"), &form, async {
        let sent = ssr::backend()?.invite(&ssr::actor(&acct).await?, &form).await?;
        let words = ssr::letters::invited(&sent.email)?;
        Ok(ssr::Done::to(links::account(&acct, "members")).saying(words))
    })
    .await
}

/// Sends an invitation again.
#[server(prefix = "/api", endpoint = "members/resend")]
pub async fn resend_invitation(acct: String, inv: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::account(&acct, "members");
    ssr::form(&page, &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::InvitationId::parse(&inv)?);
        let sent = ssr::backend()?.resend_invitation(&actor, &id).await?;
        Ok(ssr::Done::to(&page).saying(ssr::letters::invited_again(&sent.email)?))
    })
    .await
}

/// Withdraws an invitation.
#[server(prefix = "/api", endpoint = "members/withdraw")]
pub async fn withdraw_invitation(acct: String, inv: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::account(&acct, "members");
    ssr::form(&page, &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::InvitationId::parse(&inv)?);
        let gone = ssr::backend()?.withdraw_invitation(&actor, &id).await?;
        Ok(ssr::Done::to(&page).saying(format!("The invitation of {} is withdrawn. Its link has ended.", gone.email)))
    })
    .await
}

/// A choice of a role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleForm {
    /// Name of the role.
    #[serde(default)]
    pub role: String,
}

/// Gives a member another role.
#[server(prefix = "/api", endpoint = "members/role")]
pub async fn change_role(acct: String, usr: String, form: RoleForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::{account::Role, id::UserId};
    ssr::form(&links::member(&acct, &usr, ""), &form, async {
        let role = Role::parse(&form.role);
        let role = role.ok_or_else(|| domain::Error::invalid("role", "Choose what this person may do."))?;
        let (actor, id) = (ssr::actor(&acct).await?, UserId::parse(&usr)?);
        let member = ssr::backend()?.change_role(&actor, &id, role).await?;
        let words = format!("{} has the role {} now.", member.user.email, role.as_str());
        Ok(ssr::Done::to(links::account(&acct, "members")).saying(words))
    })
    .await
}

/// Takes a member out; whoever takes out themselves goes on to another of their accounts.
#[server(prefix = "/api", endpoint = "members/remove")]
pub async fn remove_member(acct: String, usr: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::member(&acct, &usr, "remove"), &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::UserId::parse(&usr)?);
        let member = ssr::backend()?.remove_member(&actor, &id).await?;
        if actor.id() == Some(id.as_str()) {
            return Ok(ssr::Done::to(links::SECURITY).saying("You have left the account."));
        }
        let words = format!("{} is no member any more, and is out of the account at once.", member.user.email);
        Ok(ssr::Done::to(links::account(&acct, "members")).saying(words))
    })
    .await
}

/// What an invitation's link leads to, and who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitee {
    /// The invitation.
    pub invited: Invited,
    /// The address of whoever is signed in.
    pub signed_in: Option<String>,
}

/// What an invitation's link leads to.
pub async fn load_invitation(link: String) -> Result<Invitee, UiError> {
    use crate::ssr;
    let backend = ssr::backend()?;
    let invited = backend.invited(&link).await?;
    let signed_in = match ssr::user().await {
        Ok(user) => backend.memberships(&user).await.ok().map(|(user, _)| user.email),
        Err(_) => None,
    };
    Ok(Invitee { invited, signed_in })
}

/// Accepts an invitation as somebody new, who is signed in then.
#[server(prefix = "/api", endpoint = "invitation/join-new")]
pub async fn join_as_new(link: String, form: Newcomer) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::invitation(&link), &form, async {
        ssr::require_patience()?;
        let (user, account) = ssr::backend()?.join_as_new(&link, &form, &ssr::client_ip()).await?;
        ssr::sign_in(&user.id).await?;
        Ok(ssr::Done::to(links::account(account.id.as_str(), "")))
    })
    .await
}

/// Accepts an invitation as whoever is signed in.
#[server(prefix = "/api", endpoint = "invitation/join")]
pub async fn join(link: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::invitation(&link), &(), async {
        let account = ssr::backend()?.join(&link, &ssr::user().await?, &ssr::client_ip()).await?;
        Ok(ssr::Done::to(links::account(account.id.as_str(), "")))
    })
    .await
}

/// Signs whoever it is out and comes back to the invitation.
#[server(prefix = "/api", endpoint = "invitation/switch")]
pub async fn switch_person(link: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::sign_out().await?;
    leptos_axum::redirect(&links::invitation(&link));
    Ok(())
}
