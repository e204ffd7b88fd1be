//! The provider's staff and those who are invited to it.

use serde::{Deserialize, Serialize};

use crate::{
    account::{StaffRole, User, email_complaint, normal_email},
    error::{Error, FieldError, Result},
    id::UserId,
    member::Invitation,
    time::UnixMs,
};

/// One of the staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffMember {
    /// The person.
    pub user: User,
    /// What they are.
    pub role: StaffRole,
}

/// An invitation to the staff.
pub type StaffInvitation = Invitation<StaffRole>;

/// Everybody who works for the provider here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffRoster {
    /// Staff, by address.
    pub members: Vec<StaffMember>,
    /// Open invitations, by address; also those that have expired.
    pub invitations: Vec<StaffInvitation>,
}

impl StaffRoster {
    /// The one with this id.
    ///
    /// # Errors
    /// `NotFound`
    pub fn member(&self, user: &UserId) -> Result<&StaffMember> {
        self.members.iter().find(|one| one.user.id == *user).ok_or_else(|| Error::NotFound("Staff".into()))
    }
}

/// What the form holds that invites somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffInvite {
    /// E-mail address.
    #[serde(default)]
    pub email: String,
    /// Name of the role.
    #[serde(default)]
    pub role: String,
}

impl StaffInvite {
    /// Address and role.
    ///
    /// # Errors
    /// `Invalid` with one entry per field that cannot be accepted.
    pub fn check(&self) -> Result<(String, StaffRole)> {
        let email = normal_email(&self.email);
        let role = StaffRole::parse(&self.role);
        let nameless = role.is_none().then(|| FieldError::new("role", "Choose what this person does."));
        let complaints: Vec<_> = email_complaint(&email).into_iter().chain(nameless).collect();
        match role {
            Some(role) if complaints.is_empty() => Ok((email, role)),
            _ => Err(Error::Invalid(complaints)),
        }
    }
}

/// What whoever holds an invitation's link is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffInvited {
    /// The address it went to.
    pub email: String,
    /// The role it gives.
    pub role: StaffRole,
    /// Address of whoever invited.
    pub invited_by: String,
    /// Until when it can be accepted.
    pub expires: UnixMs,
    /// Whether somebody signs in with that address already.
    pub known: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_needs_an_address_and_a_role() {
        let wrong = StaffInvite { email: "ana".into(), role: "admin".into() }.check().unwrap_err();
        assert_eq!(wrong.fields().iter().map(|e| e.field.as_str()).collect::<Vec<_>>(), ["email", "role"]);
        let fine = StaffInvite { email: " Sam@Provider.example".into(), role: "support".into() }.check();
        assert_eq!(fine, Ok(("sam@provider.example".to_owned(), StaffRole::Support)));
    }
}
