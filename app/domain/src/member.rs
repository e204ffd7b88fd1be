//! Members of an account and invitations to it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    UnixMs,
    account::{Account, Role, User, email_complaint, normal_email},
    actor::Actor,
    error::{Error, FieldError, Result},
    id::{InvitationId, UserId},
    name,
    time::DAY_MS,
};

/// How long an invitation is valid, in milliseconds.
pub const INVITATION_MS: i64 = 7 * DAY_MS;

/// A member of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The user.
    pub user: User,
    /// Their role.
    pub role: Role,
    /// When they joined.
    pub since: UnixMs,
    /// Whether they have two-factor authentication turned on.
    pub second_factor: bool,
}

/// A pending invitation, to an account or to the provider's staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation<R = Role> {
    /// Id.
    pub id: InvitationId,
    /// The invited email address.
    pub email: String,
    /// The role it gives.
    pub role: R,
    /// Email address of the inviting user.
    pub invited_by: String,
    /// When it expires.
    pub expires: UnixMs,
}

/// Members and pending invitations, of an account or of the staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberList<M = Member, R = Role> {
    /// Members, ordered by email address.
    pub members: Vec<M>,
    /// Pending invitations, ordered by email address, including expired ones.
    pub invitations: Vec<Invitation<R>>,
}

impl MemberList {
    /// The member with this id.
    ///
    /// # Errors
    /// `NotFound`
    pub fn member(&self, user: &UserId) -> Result<&Member> {
        self.members.iter().find(|one| one.user.id == *user).ok_or_else(|| Error::NotFound("Member".into()))
    }
}

/// The form for inviting a member or staff.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteForm {
    /// Email address.
    #[serde(default)]
    pub email: String,
    /// Name of the role.
    #[serde(default)]
    pub role: String,
}

impl InviteForm {
    /// Checks the form and returns email address and role. `parse` knows the names of the roles.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    pub fn check<R>(&self, parse: fn(&str) -> Option<R>) -> Result<(String, R)> {
        let email = normal_email(&self.email);
        let role = parse(&self.role);
        let nameless = role.is_none().then(|| FieldError::new("role", "Choose a role."));
        let complaints: Vec<_> = email_complaint(&email).into_iter().chain(nameless).collect();
        match role {
            Some(role) if complaints.is_empty() => Ok((email, role)),
            _ => Err(Error::Invalid(complaints)),
        }
    }
}

/// An invitation as shown to whoever opens its link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationDetails {
    /// The invited email address.
    pub email: String,
    /// Name of the account.
    pub account: String,
    /// The role it gives.
    pub role: Role,
    /// Email address of the inviting user.
    pub invited_by: String,
    /// When it expires.
    pub expires: UnixMs,
    /// Whether a user with that address already exists.
    pub known: bool,
}

/// The form for accepting an invitation as a new user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewUserForm {
    /// Their name.
    #[serde(default)]
    pub name: String,
    /// The password as typed.
    #[serde(default)]
    pub password: String,
}

impl NewUserForm {
    /// The name, trimmed and checked.
    ///
    /// # Errors
    /// `Invalid`
    pub fn checked_name(&self) -> Result<String> {
        Ok(name::checked_if_any("name", &self.name)?)
    }
}

/// Managing the members of an account.
#[async_trait]
pub trait Members {
    /// The account's members and pending invitations.
    ///
    /// # Errors
    /// `Forbidden`
    async fn members(&self, actor: &Actor) -> Result<MemberList>;
    /// Invites a member by email.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` per field, also if the address already belongs to a member or a pending invitation.
    async fn invite(&self, actor: &Actor, form: &InviteForm) -> Result<Invitation>;
    /// Sends the invitation again with a new link, valid for the full time. The previous link stops working.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`, also for an invitation that was accepted or withdrawn.
    async fn resend_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<Invitation>;
    /// Withdraws an invitation. Its link stops working.
    ///
    /// # Errors
    /// As [`Self::resend_invitation`].
    async fn withdraw_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<Invitation>;
    /// Changes a member's role.
    ///
    /// # Errors
    /// `Forbidden`, also for one's own role; `NotFound`; `Conflict` for the only admin.
    async fn change_role(&self, actor: &Actor, user: &UserId, role: Role) -> Result<Member>;
    /// Removes a member from the account. Members can always remove themselves.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `Conflict` for the only admin.
    async fn remove_member(&self, actor: &Actor, user: &UserId) -> Result<Member>;
    /// The invitation a link belongs to.
    ///
    /// # Errors
    /// `NotFound` for an unknown link, `Conflict` for one that was used, withdrawn or has expired.
    async fn invited(&self, link: &str) -> Result<InvitationDetails>;
    /// Accepts an invitation as a new user.
    ///
    /// # Errors
    /// As [`Self::invited`], and `Invalid` per field.
    async fn join_as_new(&self, link: &str, form: &NewUserForm, client_ip: &str) -> Result<(User, Account)>;
    /// Accepts an invitation as a signed-in user.
    ///
    /// # Errors
    /// As [`Self::invited`], and `Forbidden` if it was sent to another address.
    async fn join(&self, link: &str, user: &UserId, client_ip: &str) -> Result<Account>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::StaffRole;

    #[test]
    fn an_invitation_needs_an_email_address_and_a_role() {
        let wrong = InviteForm { email: "ana".into(), role: "boss".into() }.check(Role::parse).unwrap_err();
        assert_eq!(wrong.fields().iter().map(|e| e.field.as_str()).collect::<Vec<_>>(), ["email", "role"]);
        let fine = InviteForm { email: " Bob@Acme.example".into(), role: "viewer".into() }.check(Role::parse);
        assert_eq!(fine, Ok(("bob@acme.example".to_owned(), Role::Viewer)));
        let staff =
            InviteForm { email: " Sam@Provider.example".into(), role: "support".into() }.check(StaffRole::parse);
        assert_eq!(staff, Ok(("sam@provider.example".to_owned(), StaffRole::Support)));
    }
}
