//! Members and invitations: loading and forms.

use domain::member::{InvitationDetails, InviteForm, MemberList, NewUserForm};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// The account's members and pending invitations.
pub async fn load_roster(acct: String) -> Result<MemberList, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.members(&ssr::actor(&acct).await?).await?)
}

/// Invites a member.
#[server(prefix = "/api", endpoint = "members/invite")]
pub async fn invite_member(acct: String, form: InviteForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::account(&acct, "members/invite"), &form, async {
        let sent = ssr::backend()?.invite(&ssr::actor(&acct).await?, &form).await?;
        let message = ssr::mail_messages::invited(&sent.email)?;
        Ok(ssr::Done::to(links::account(&acct, "members")).saying(message))
    })
    .await
}

/// Resends an invitation.
#[server(prefix = "/api", endpoint = "members/resend")]
pub async fn resend_invitation(acct: String, inv: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::account(&acct, "members");
    ssr::form(&page, &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::InvitationId::parse(&inv)?);
        let sent = ssr::backend()?.resend_invitation(&actor, &id).await?;
        Ok(ssr::Done::to(&page).saying(ssr::mail_messages::invited_again(&sent.email)?))
    })
    .await
}

/// Revokes an invitation.
#[server(prefix = "/api", endpoint = "members/withdraw")]
pub async fn withdraw_invitation(acct: String, inv: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::account(&acct, "members");
    ssr::form(&page, &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::InvitationId::parse(&inv)?);
        let gone = ssr::backend()?.withdraw_invitation(&actor, &id).await?;
        Ok(ssr::Done::to(&page)
            .saying(format!("The invitation for {} was revoked. Its link no longer works.", gone.email)))
    })
    .await
}

/// Form with a role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleForm {
    /// Name of the role.
    #[serde(default)]
    pub role: String,
}

/// Changes a member's role.
#[server(prefix = "/api", endpoint = "members/role")]
pub async fn change_role(acct: String, usr: String, form: RoleForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::{account::Role, id::UserId};
    ssr::form(&links::member(&acct, &usr, ""), &form, async {
        let role = Role::parse(&form.role);
        let role = role.ok_or_else(|| domain::Error::invalid("role", "Choose a role."))?;
        let (actor, id) = (ssr::actor(&acct).await?, UserId::parse(&usr)?);
        let member = ssr::backend()?.change_role(&actor, &id, role).await?;
        let message = format!("{} now has the role {}.", member.user.email, role.as_str());
        Ok(ssr::Done::to(links::account(&acct, "members")).saying(message))
    })
    .await
}

/// Removes a member. Users who remove themselves leave the account's pages.
#[server(prefix = "/api", endpoint = "members/remove")]
pub async fn remove_member(acct: String, usr: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::member(&acct, &usr, "remove"), &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::UserId::parse(&usr)?);
        let member = ssr::backend()?.remove_member(&actor, &id).await?;
        if actor.id() == Some(id.as_str()) {
            return Ok(ssr::Done::to(links::SECURITY).saying("You have left the account."));
        }
        let message = format!("{} was removed from the account.", member.user.email);
        Ok(ssr::Done::to(links::account(&acct, "members")).saying(message))
    })
    .await
}

/// An invitation, and who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitee {
    /// The invitation.
    pub invited: InvitationDetails,
    /// Email address of the signed-in user.
    pub signed_in: Option<String>,
}

/// Loads an invitation by its link.
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

/// Accepts an invitation as a new user, and signs them in.
#[server(prefix = "/api", endpoint = "invitation/join-new")]
pub async fn join_as_new(link: String, form: NewUserForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::invitation(&link), &form, async {
        ssr::require_within_rate_limit()?;
        let (user, account) = ssr::backend()?.join_as_new(&link, &form, &ssr::client_ip()).await?;
        ssr::sign_in(&user.id).await?;
        Ok(ssr::Done::to(links::account(account.id.as_str(), "")))
    })
    .await
}

/// Accepts an invitation as the signed-in user.
#[server(prefix = "/api", endpoint = "invitation/join")]
pub async fn join(link: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::invitation(&link), &(), async {
        let account = ssr::backend()?.join(&link, &ssr::user().await?, &ssr::client_ip()).await?;
        Ok(ssr::Done::to(links::account(account.id.as_str(), "")))
    })
    .await
}

/// Signs out and returns to the invitation.
#[server(prefix = "/api", endpoint = "invitation/switch")]
pub async fn switch_user(link: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::sign_out().await?;
    leptos_axum::redirect(&links::invitation(&link));
    Ok(())
}
