//! Members of an account and those who are invited to it.

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

/// How long an invitation can be accepted, in milliseconds.
pub const INVITATION_MS: i64 = 7 * DAY_MS;

/// Somebody who belongs to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The person.
    pub user: User,
    /// Their role.
    pub role: Role,
    /// Since when they belong to it.
    pub since: UnixMs,
    /// Whether they sign in with a second factor.
    pub second_factor: bool,
}

/// An invitation that has not been accepted or withdrawn: to an account, or to whatever else has roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation<R = Role> {
    /// Id.
    pub id: InvitationId,
    /// The address it went to.
    pub email: String,
    /// The role it gives.
    pub role: R,
    /// Address of whoever invited.
    pub invited_by: String,
    /// Until when it can be accepted.
    pub expires: UnixMs,
}

/// The members of an account, or of whatever else has roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster<M = Member, R = Role> {
    /// Members, ordered by email.
    pub members: Vec<M>,
    /// Open and expired invitations, ordered by email.
    pub invitations: Vec<Invitation<R>>,
}

impl Roster {
    /// The member with this id.
    ///
    /// # Errors
    /// `NotFound`
    pub fn member(&self, user: &UserId) -> Result<&Member> {
        self.members.iter().find(|one| one.user.id == *user).ok_or_else(|| Error::NotFound("Member".into()))
    }
}

/// The form that invites a user, to an account or to staff.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// E-mail address.
    #[serde(default)]
    pub email: String,
    /// Name of the role.
    #[serde(default)]
    pub role: String,
}

impl Invite {
    /// Email address and role, of which `parse` knows the names.
    ///
    /// # Errors
    /// `Invalid` with one entry per field that cannot be accepted.
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

/// What whoever holds an invitation's link is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// The address it went to.
    pub email: String,
    /// Name of the account.
    pub account: String,
    /// The role it gives.
    pub role: Role,
    /// Address of whoever invited.
    pub invited_by: String,
    /// Until when it can be accepted.
    pub expires: UnixMs,
    /// Whether somebody signs in with that address already.
    pub known: bool,
}

/// What a new person gives who accepts an invitation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newcomer {
    /// Their name.
    #[serde(default)]
    pub name: String,
    /// Password as typed.
    #[serde(default)]
    pub password: String,
}

impl Newcomer {
    /// The name as it is stored.
    ///
    /// # Errors
    /// `Invalid`
    pub fn checked_name(&self) -> Result<String> {
        Ok(name::checked_if_any("name", &self.name)?)
    }
}

/// Members: the part of the port that lets people into an account and out of it.
#[async_trait]
pub trait Members {
    /// The account's members and open invitations.
    ///
    /// # Errors
    /// `Forbidden`
    async fn people(&self, actor: &Actor) -> Result<Roster>;
    /// Invites somebody, and mails them.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid` per field, also for whoever is a member or invited already.
    async fn invite(&self, actor: &Actor, form: &Invite) -> Result<Invitation>;
    /// Mails an invitation again, with a new link and the whole time to accept. The earlier link ends.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound` also for one that was accepted or withdrawn.
    async fn resend_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<Invitation>;
    /// Withdraws an invitation: its link ends.
    ///
    /// # Errors
    /// As [`Self::resend_invitation`].
    async fn withdraw_invitation(&self, actor: &Actor, id: &InvitationId) -> Result<Invitation>;
    /// Gives a member another role.
    ///
    /// # Errors
    /// `Forbidden` also for one's own, `NotFound`, `Conflict` for the only admin.
    async fn change_role(&self, actor: &Actor, user: &UserId, role: Role) -> Result<Member>;
    /// Takes a member out of the account. Everybody may take out themselves.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `Conflict` for the only admin.
    async fn remove_member(&self, actor: &Actor, user: &UserId) -> Result<Member>;
    /// What an invitation's link leads to.
    ///
    /// # Errors
    /// `NotFound` for an unknown link, `Conflict` for one that was used, withdrawn or has expired.
    async fn invited(&self, link: &str) -> Result<Invited>;
    /// Accepts an invitation as somebody who is new here.
    ///
    /// # Errors
    /// As [`Self::invited`], and `Invalid` per field.
    async fn join_as_new(&self, link: &str, form: &Newcomer, client_ip: &str) -> Result<(User, Account)>;
    /// Accepts an invitation as somebody who is signed in.
    ///
    /// # Errors
    /// As [`Self::invited`], and `Forbidden` when it went to another address.
    async fn join(&self, link: &str, user: &UserId, client_ip: &str) -> Result<Account>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::StaffRole;

    #[test]
    fn an_invitation_needs_an_address_and_a_role() {
        let wrong = Invite { email: "ana".into(), role: "boss".into() }.check(Role::parse).unwrap_err();
        assert_eq!(wrong.fields().iter().map(|e| e.field.as_str()).collect::<Vec<_>>(), ["email", "role"]);
        let fine = Invite { email: " Bob@Acme.example".into(), role: "viewer".into() }.check(Role::parse);
        assert_eq!(fine, Ok(("bob@acme.example".to_owned(), Role::Viewer)));
        let staff = Invite { email: " Sam@Provider.example".into(), role: "support".into() }.check(StaffRole::parse);
        assert_eq!(staff, Ok(("sam@provider.example".to_owned(), StaffRole::Support)));
    }
}
