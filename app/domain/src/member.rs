//! Members of an account or of the provider's staff, and invitations to either.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    UnixMs,
    account::{Account, Role, StaffRole, User, email_complaint, normal_email},
    actor::Actor,
    error::{Error, FieldError, Result},
    id::{AccountId, InvitationId, UserId},
    name,
    time::DAY_MS,
};

/// How long an invitation is valid, in milliseconds.
pub const INVITATION_MS: i64 = 7 * DAY_MS;

/// The two kinds of team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TeamKind {
    /// The members of an account.
    Account,
    /// The provider's staff.
    Staff,
}

/// What users are members of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Team {
    /// An account.
    Account(Account),
    /// The provider's staff.
    Staff,
}

impl Team {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> TeamKind {
        match self {
            Self::Account(_) => TeamKind::Account,
            Self::Staff => TeamKind::Staff,
        }
    }

    /// The id of the account, if it is one.
    #[must_use]
    pub const fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Account(account) => Some(&account.id),
            Self::Staff => None,
        }
    }
}

/// A role in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TeamRole {
    /// In an account.
    Account(Role),
    /// Among the provider's staff.
    Staff(StaffRole),
}

impl TeamRole {
    /// All roles in this kind of team, least first.
    #[must_use]
    pub fn all(kind: TeamKind) -> Vec<Self> {
        match kind {
            TeamKind::Account => Role::ALL.map(Self::Account).to_vec(),
            TeamKind::Staff => StaffRole::ALL.map(Self::Staff).to_vec(),
        }
    }

    /// The role with that name.
    #[must_use]
    pub fn parse(kind: TeamKind, name: &str) -> Option<Self> {
        match kind {
            TeamKind::Account => Role::parse(name).map(Self::Account),
            TeamKind::Staff => StaffRole::parse(name).map(Self::Staff),
        }
    }

    /// The role chosen in the field `role` of a form.
    ///
    /// # Errors
    /// `Invalid`
    pub fn chosen(kind: TeamKind, name: &str) -> std::result::Result<Self, FieldError> {
        Self::parse(kind, name).ok_or_else(|| FieldError::new("role", "Choose a role."))
    }

    /// The kind of team that has this role.
    #[must_use]
    pub const fn kind(self) -> TeamKind {
        match self {
            Self::Account(_) => TeamKind::Account,
            Self::Staff(_) => TeamKind::Staff,
        }
    }

    /// The name in forms and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account(role) => role.as_str(),
            Self::Staff(role) => role.as_str(),
        }
    }

    /// Whether it manages the team. Every team keeps at least one member with such a role.
    #[must_use]
    pub const fn manages(self) -> bool {
        matches!(self, Self::Account(Role::Admin) | Self::Staff(StaffRole::Operator))
    }
}

/// A member of a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user.
    pub user: User,
    /// Their role.
    pub role: TeamRole,
    /// When they joined; not known of staff.
    pub since: Option<UnixMs>,
    /// Whether they have two-factor authentication turned on.
    pub second_factor: bool,
}

/// A pending invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Id.
    pub id: InvitationId,
    /// The invited email address.
    pub email: String,
    /// The role it gives.
    pub role: TeamRole,
    /// Email address of the inviting user.
    pub invited_by: String,
    /// When it expires.
    pub expires: UnixMs,
    /// What became of its email, if that is known.
    pub mail: Option<MailStatus>,
    /// Its link, for whoever has just sent it and has to pass it on because no mail server is configured.
    pub link: Option<SecretLink>,
}

/// What became of an email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailStatus {
    /// It waits for the mail server; with the reason if that has not accepted it yet.
    Waiting(Option<String>),
    /// The mail server has accepted it.
    Sent,
    /// It was given up, for this reason.
    Failed(String),
}

/// A link that grants access to whoever has it. Debug output omits it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretLink(pub String);

impl std::fmt::Debug for SecretLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretLink")
    }
}

/// Members and pending invitations of a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberList {
    /// Members, ordered by email address.
    pub members: Vec<Member>,
    /// Pending invitations, ordered by email address, including expired ones.
    pub invitations: Vec<Invitation>,
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

/// The form for inviting a member.
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
    /// Parses the form for a team of this kind.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    pub fn parse(&self, kind: TeamKind) -> Result<Invite> {
        let email = normal_email(&self.email);
        let role = TeamRole::chosen(kind, &self.role);
        match (email_complaint(&email), role) {
            (None, Ok(role)) => Ok(Invite { email, role }),
            (email, role) => Err(Error::Invalid(email.into_iter().chain(role.err()).collect())),
        }
    }
}

/// Whom to invite, with which role. Only [`InviteForm::parse`] creates it, so its address is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    email: String,
    role: TeamRole,
}

impl Invite {
    /// Email address and role.
    #[must_use]
    pub fn into_parts(self) -> (String, TeamRole) {
        (self.email, self.role)
    }
}

/// An invitation as shown to whoever opens its link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationDetails {
    /// The invitation.
    pub invitation: Invitation,
    /// What it invites to.
    pub team: Team,
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

/// Managing the members of an account and of the provider's staff. Every team keeps an admin or operator.
#[async_trait]
pub trait Members {
    /// Members and pending invitations.
    ///
    /// # Errors
    /// `Forbidden`
    async fn members(&self, actor: &Actor, kind: TeamKind) -> Result<MemberList>;
    /// Invites a member by email.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` if the address already belongs to a member or a pending invitation.
    async fn invite(&self, actor: &Actor, invite: Invite) -> Result<Invitation>;
    /// Sends the invitation again with a new link, valid for the full time. The previous link stops working.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`, also for an invitation that was accepted or withdrawn.
    async fn resend_invitation(&self, actor: &Actor, kind: TeamKind, id: &InvitationId) -> Result<Invitation>;
    /// Withdraws an invitation. Its link stops working.
    ///
    /// # Errors
    /// As [`Self::resend_invitation`].
    async fn withdraw_invitation(&self, actor: &Actor, kind: TeamKind, id: &InvitationId) -> Result<Invitation>;
    /// Changes a member's role.
    ///
    /// # Errors
    /// `Forbidden`, also for one's own role; `NotFound`; `Conflict` for the only admin or operator.
    async fn change_role(&self, actor: &Actor, user: &UserId, role: TeamRole) -> Result<Member>;
    /// Removes a member. Members of an account can always remove themselves.
    ///
    /// # Errors
    /// `Forbidden`, also for oneself among the staff; `NotFound`; `Conflict` for the only admin or operator.
    async fn remove_member(&self, actor: &Actor, kind: TeamKind, user: &UserId) -> Result<Member>;
    /// The invitation a link belongs to.
    ///
    /// # Errors
    /// `NotFound` for an unknown link, `Conflict` for one that was used, withdrawn or has expired.
    async fn invited(&self, kind: TeamKind, link: &str) -> Result<InvitationDetails>;
    /// Accepts an invitation as a new user.
    ///
    /// # Errors
    /// As [`Self::invited`], and `Invalid` per field.
    async fn join_as_new(
        &self,
        kind: TeamKind,
        link: &str,
        form: &NewUserForm,
        client_ip: &str,
    ) -> Result<(User, Team)>;
    /// Accepts an invitation as a signed-in user.
    ///
    /// # Errors
    /// As [`Self::invited`], and `Forbidden` if it was sent to another address.
    async fn join(&self, kind: TeamKind, link: &str, user: &UserId, client_ip: &str) -> Result<Team>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_needs_an_email_address_and_a_role() {
        let form = |email: &str, role: &str| InviteForm { email: email.into(), role: role.into() };
        let wrong = form("ana", "boss").parse(TeamKind::Account).unwrap_err();
        assert_eq!(wrong.fields().iter().map(|e| e.field.as_str()).collect::<Vec<_>>(), ["email", "role"]);
        let fine = form(" Bob@Acme.example", "viewer").parse(TeamKind::Account).unwrap().into_parts();
        assert_eq!(fine, ("bob@acme.example".to_owned(), TeamRole::Account(Role::Viewer)));
        let staff = form(" Sam@Provider.example", "support").parse(TeamKind::Staff).unwrap().into_parts();
        assert_eq!(staff, ("sam@provider.example".to_owned(), TeamRole::Staff(StaffRole::Support)));
        assert!(form("sam@provider.example", "admin").parse(TeamKind::Staff).is_err(), "a role of the other kind");
    }
}
