//! Staff: loading and forms.

use domain::{
    member::{InviteForm, NewUserForm},
    ops::staff::{StaffInvitationDetails, StaffList},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::members::RoleForm;
use crate::error::UiError;

/// Staff, pending invitations, and the ID of the signed-in operator.
pub async fn load_staff() -> Result<(StaffList, String), UiError> {
    use crate::ssr;
    let operator = ssr::operator().await?;
    let own = operator.id().unwrap_or_default().to_owned();
    Ok((ssr::backend()?.staff_list(&operator).await?, own))
}

/// Invites a staff member.
#[server(prefix = "/api", endpoint = "ops/staff/invite")]
pub async fn invite_staff(form: InviteForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&format!("{}/invite", links::OPS_STAFF), &form, async {
        let sent = ssr::backend()?.invite_staff(&ssr::operator().await?, &form).await?;
        let message = ssr::mail_messages::invited(&sent.email)?;
        Ok(ssr::Done::to(links::OPS_STAFF).saying(message))
    })
    .await
}

/// Resends an invitation.
#[server(prefix = "/api", endpoint = "ops/staff/resend")]
pub async fn resend_staff_invitation(inv: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::OPS_STAFF, &(), async {
        let (operator, id) = (ssr::operator().await?, domain::id::InvitationId::parse(&inv)?);
        let sent = ssr::backend()?.resend_staff_invitation(&operator, &id).await?;
        let message = ssr::mail_messages::invited_again(&sent.email)?;
        Ok(ssr::Done::to(links::OPS_STAFF).saying(message))
    })
    .await
}

/// Revokes an invitation.
#[server(prefix = "/api", endpoint = "ops/staff/withdraw")]
pub async fn withdraw_staff_invitation(inv: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::OPS_STAFF, &(), async {
        let (operator, id) = (ssr::operator().await?, domain::id::InvitationId::parse(&inv)?);
        let gone = ssr::backend()?.withdraw_staff_invitation(&operator, &id).await?;
        let message = format!("The invitation for {} was revoked. Its link no longer works.", gone.email);
        Ok(ssr::Done::to(links::OPS_STAFF).saying(message))
    })
    .await
}

/// Changes the role of a staff member.
#[server(prefix = "/api", endpoint = "ops/staff/role")]
pub async fn change_staff(usr: String, form: RoleForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::{account::StaffRole, id::UserId};
    ssr::form(&links::ops_staff(&usr, ""), &form, async {
        let (operator, id) = (ssr::operator().await?, UserId::parse(&usr)?);
        let role = StaffRole::parse(&form.role);
        let role = role.ok_or_else(|| domain::Error::invalid("role", "Choose a role."))?;
        let member = ssr::backend()?.change_staff(&operator, &id, Some(role)).await?;
        let message = format!("{} now has the role {}.", member.user.email, role.as_str());
        Ok(ssr::Done::to(links::OPS_STAFF).saying(message))
    })
    .await
}

/// Removes a staff member.
#[server(prefix = "/api", endpoint = "ops/staff/remove")]
pub async fn remove_staff(usr: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::ops_staff(&usr, "remove"), &(), async {
        let (operator, id) = (ssr::operator().await?, domain::id::UserId::parse(&usr)?);
        let member = ssr::backend()?.change_staff(&operator, &id, None).await?;
        let message = format!("{} was removed from the staff.", member.user.email);
        Ok(ssr::Done::to(links::OPS_STAFF).saying(message))
    })
    .await
}

/// A staff invitation, and who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffInvitee {
    /// The invitation.
    pub invited: StaffInvitationDetails,
    /// Email address of the signed-in user.
    pub signed_in: Option<String>,
}

/// Loads a staff invitation by its link.
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

/// Accepts an invitation as a new user, and signs them in.
#[server(prefix = "/api", endpoint = "staff/join-new")]
pub async fn join_staff_as_new(link: String, form: NewUserForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::staff_invitation(&link), &form, async {
        ssr::require_within_rate_limit()?;
        let user = ssr::backend()?.join_staff_as_new(&link, &form, &ssr::client_ip()).await?;
        ssr::sign_in(&user.id).await?;
        Ok(ssr::Done::to("/"))
    })
    .await
}

/// Accepts an invitation as the signed-in user.
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

/// Signs out and returns to the invitation.
#[server(prefix = "/api", endpoint = "staff/switch")]
pub async fn switch_to_staff(link: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::sign_out().await?;
    leptos_axum::redirect(&links::staff_invitation(&link));
    Ok(())
}
