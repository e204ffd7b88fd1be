//! The provider's staff and invitations to it.

use serde::{Deserialize, Serialize};

use crate::{
    account::{StaffRole, User, email_complaint, normal_email},
    error::{Error, FieldError, Result},
    id::UserId,
    member::Invitation,
    time::UnixMs,
};

/// A staff member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffMember {
    /// The user.
    pub user: User,
    /// Their role.
    pub role: StaffRole,
}

/// An invitation to the staff.
pub type StaffInvitation = Invitation<StaffRole>;

/// The staff and pending invitations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffList {
    /// Staff, ordered by email address.
    pub members: Vec<StaffMember>,
    /// Pending invitations, ordered by email address, including expired ones.
    pub invitations: Vec<StaffInvitation>,
}

impl StaffList {
    /// The staff member with this id.
    ///
    /// # Errors
    /// `NotFound`
    pub fn member(&self, user: &UserId) -> Result<&StaffMember> {
        self.members.iter().find(|one| one.user.id == *user).ok_or_else(|| Error::NotFound("Staff member".into()))
    }
}

/// The form for inviting a staff member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffInviteForm {
    /// Email address.
    #[serde(default)]
    pub email: String,
    /// Name of the role.
    #[serde(default)]
    pub role: String,
}

impl StaffInviteForm {
    /// Checks the form and returns email address and role.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    pub fn check(&self) -> Result<(String, StaffRole)> {
        let email = normal_email(&self.email);
        let role = StaffRole::parse(&self.role);
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
pub struct StaffInvitationDetails {
    /// The invited email address.
    pub email: String,
    /// The role it gives.
    pub role: StaffRole,
    /// Email address of the inviting user.
    pub invited_by: String,
    /// When it expires.
    pub expires: UnixMs,
    /// Whether a user with that address already exists.
    pub known: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_needs_an_email_address_and_a_role() {
        let wrong = StaffInviteForm { email: "ana".into(), role: "admin".into() }.check().unwrap_err();
        assert_eq!(wrong.fields().iter().map(|e| e.field.as_str()).collect::<Vec<_>>(), ["email", "role"]);
        let fine = StaffInviteForm { email: " Sam@Provider.example".into(), role: "support".into() }.check();
        assert_eq!(fine, Ok(("sam@provider.example".to_owned(), StaffRole::Support)));
    }
}
