//! The provider's staff: what their pages load and what their forms do.

use domain::{
    installation::staff::{StaffInvited, StaffRoster},
    member::{Invite, Newcomer},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::members::RoleForm;
use crate::error::UiError;

/// Staff and open invitations, and the id of whoever looks.
pub async fn load_staff() -> Result<(StaffRoster, String), UiError> {
    use crate::ssr;
    let operator = ssr::operator().await?;
    let own = operator.id().unwrap_or_default().to_owned();
    Ok((ssr::backend()?.staff_roster(&operator).await?, own))
}

/// Invites somebody.
#[server(prefix = "/api", endpoint = "ops/staff/invite")]
pub async fn invite_staff(form: Invite) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&format!("{}/invite", links::OPS_STAFF), &form, async {
        let sent = ssr::backend()?.invite_staff(&ssr::operator().await?, &form).await?;
        let words = ssr::letters::invited(&sent.email)?;
        Ok(ssr::Done::to(links::OPS_STAFF).saying(words))
    })
    .await
}

/// Sends an invitation again.
#[server(prefix = "/api", endpoint = "ops/staff/resend")]
pub async fn resend_staff_invitation(inv: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::OPS_STAFF, &(), async {
        let (operator, id) = (ssr::operator().await?, domain::id::InvitationId::parse(&inv)?);
        let sent = ssr::backend()?.resend_staff_invitation(&operator, &id).await?;
        let words = ssr::letters::invited_again(&sent.email)?;
        Ok(ssr::Done::to(links::OPS_STAFF).saying(words))
    })
    .await
}

/// Withdraws an invitation.
#[server(prefix = "/api", endpoint = "ops/staff/withdraw")]
pub async fn withdraw_staff_invitation(inv: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::OPS_STAFF, &(), async {
        let (operator, id) = (ssr::operator().await?, domain::id::InvitationId::parse(&inv)?);
        let gone = ssr::backend()?.withdraw_staff_invitation(&operator, &id).await?;
        let words = format!("The invitation of {} is withdrawn. Its link has ended.", gone.email);
        Ok(ssr::Done::to(links::OPS_STAFF).saying(words))
    })
    .await
}

/// Gives one of the staff another role.
#[server(prefix = "/api", endpoint = "ops/staff/role")]
pub async fn change_staff(usr: String, form: RoleForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::{account::StaffRole, id::UserId};
    ssr::form(&links::ops_staff(&usr, ""), &form, async {
        let (operator, id) = (ssr::operator().await?, UserId::parse(&usr)?);
        let role = StaffRole::parse(&form.role);
        let role = role.ok_or_else(|| domain::Error::invalid("role", "Choose what this person does."))?;
        let member = ssr::backend()?.change_staff(&operator, &id, Some(role)).await?;
        let words = format!("{} has the role {} now.", member.user.email, role.as_str());
        Ok(ssr::Done::to(links::OPS_STAFF).saying(words))
    })
    .await
}

/// Takes somebody out of the staff.
#[server(prefix = "/api", endpoint = "ops/staff/remove")]
pub async fn remove_staff(usr: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::ops_staff(&usr, "remove"), &(), async {
        let (operator, id) = (ssr::operator().await?, domain::id::UserId::parse(&usr)?);
        let member = ssr::backend()?.change_staff(&operator, &id, None).await?;
        let words = format!("{} is no longer staff, and is out of these pages at once.", member.user.email);
        Ok(ssr::Done::to(links::OPS_STAFF).saying(words))
    })
    .await
}

/// What the link of an invitation leads to, and who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffInvitee {
    /// The invitation.
    pub invited: StaffInvited,
    /// The address of whoever is signed in.
    pub signed_in: Option<String>,
}

/// What the link of an invitation leads to.
pub async fn load_staff_invitation(link: String) -> Result<StaffInvitee, UiError> {
    use crate::ssr;
    let backend = ssr::backend()?;
    let invited = backend.staff_invited(&link).await?;
    let signed_in = match ssr::user().await {
        Ok(user) => backend.memberships(&user).await.ok().map(|(user, _)| user.email),
        Err(_) => None,
    };
    Ok(StaffInvitee { invited, signed_in })
}

/// Accepts an invitation as somebody new, who is signed in then.
#[server(prefix = "/api", endpoint = "staff/join-new")]
pub async fn join_staff_as_new(link: String, form: Newcomer) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::staff_invitation(&link), &form, async {
        ssr::require_patience()?;
        let user = ssr::backend()?.join_staff_as_new(&link, &form, &ssr::client_ip()).await?;
        ssr::sign_in(&user.id).await?;
        Ok(ssr::Done::to("/"))
    })
    .await
}

/// Accepts an invitation as whoever is signed in.
#[server(prefix = "/api", endpoint = "staff/join")]
pub async fn join_staff(link: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::staff_invitation(&link), &(), async {
        ssr::backend()?.join_staff(&link, &ssr::user().await?, &ssr::client_ip()).await?;
        let staff = ssr::staff().await?;
        let supports = staff.may(domain::actor::Permission::UseSupport);
        Ok(ssr::Done::to(if supports { links::SUPPORT } else { links::OPS }))
    })
    .await
}

/// Signs whoever it is out and comes back to the invitation.
#[server(prefix = "/api", endpoint = "staff/switch")]
pub async fn switch_to_staff(link: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::sign_out().await?;
    leptos_axum::redirect(&links::staff_invitation(&link));
    Ok(())
}
