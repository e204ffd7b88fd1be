//! Invitations: send, resend, withdraw, accept.

use domain::{
    Error, UnixMs,
    account::{Limit, User},
    actor::Actor,
    audit::Change,
    error::Result,
    id::{InvitationId, UserId},
    member::{
        INVITATION_MS, Invitation, InvitationDetails, MailStatus, NewUserForm, SecretLink, Team, TeamKind, TeamRole,
    },
    time::{DAY_MS, wait_s},
};

use super::team::rules;
use crate::{
    Engine,
    digest::hash,
    mail::{Email, Purpose, Queueing, naming},
    password::{self, Turn},
    service::users::emails::{self, Link},
    store::{
        db::Tx,
        emails as outbox,
        error::StoreError,
        members::{
            self,
            invitations::{self, Sent},
        },
        users,
    },
};

/// Seconds after which to try again when too many emails were sent.
const RETRY_AFTER_S: u32 = 3_600;
/// Most invitations of one team to one address within 24 hours.
const TO_ADDRESS_PER_DAY: i64 = 5;

impl Engine {
    /// Invites an email address that is neither a member nor invited.
    pub(super) async fn invite_to(
        &self,
        team: &Team,
        actor: &Actor,
        email: String,
        role: TeamRole,
    ) -> Result<Invitation> {
        let mut tx = self.db().begin().await?;
        let members = members::lock(&mut tx, team).await?;
        if members.iter().any(|one| one.user.email == email) {
            return Err(Error::invalid("email", format!("{email} is already {}.", rules(team.kind()).member)));
        }
        let open = invitations::open(&mut tx, team).await?;
        self.refuse_too_many_members(team, members.len(), &open)?;
        if let Some(earlier) = open.into_iter().find(|one| one.email == email) {
            if earlier.expires > self.now() {
                let words = format!("{email} has already been invited. Resend or withdraw that invitation.");
                return Err(Error::invalid("email", words));
            }
            invitations::withdraw(&mut tx, team, &earlier.id, self.now()).await?;
        }
        self.send_invitation(tx, team, actor, email, role).await
    }

    /// Replaces an open invitation by one with a new link and a new expiry.
    pub(super) async fn reinvite(&self, team: &Team, actor: &Actor, id: &InvitationId) -> Result<Invitation> {
        let (mut tx, members, earlier) = self.close_invitation(team, id).await?;
        // An expired one did not count any more.
        let open = invitations::open(&mut tx, team).await?;
        self.refuse_too_many_members(team, members, &open)?;
        self.send_invitation(tx, team, actor, earlier.email, earlier.role).await
    }

    /// Withdraws an open invitation.
    pub(super) async fn withdraw_from(&self, team: &Team, actor: &Actor, id: &InvitationId) -> Result<Invitation> {
        let (mut tx, _, invitation) = self.close_invitation(team, id).await?;
        let entry = self.entry_of(team, rules(team.kind()).withdrawn).by(actor);
        self.record(&mut tx, entry.about(id.as_str(), &invitation.email)).await?;
        tx.commit().await?;
        Ok(invitation)
    }

    /// An account has a limited number of members, people who are invited included.
    fn refuse_too_many_members(&self, team: &Team, members: usize, invited: &[Invitation]) -> Result<()> {
        let Team::Account(account) = team else { return Ok(()) };
        let most = account.limits.of(Limit::Members);
        if members + invited.iter().filter(|one| one.expires > self.now()).count() < most as usize {
            return Ok(());
        }
        let detail = format!(
            "This account is limited to {most} members, including pending invitations. Ask your provider to raise the limit."
        );
        Err(Error::Conflict { detail, existing: None })
    }

    /// Inserts an invitation, queues the email with its link, and commits the transaction.
    pub(crate) async fn send_invitation(
        &self,
        mut tx: Tx,
        team: &Team,
        actor: &Actor,
        email: String,
        role: TeamRole,
    ) -> Result<Invitation> {
        let (now, rules) = (self.now(), rules(team.kind()));
        self.refuse_too_many_invitations(&mut tx, team, &email).await?;
        let (id, invited_by) = (self.new_id(InvitationId::new), actor.name());
        let invitation = Invitation {
            id,
            email,
            role,
            invited_by,
            expires: now.plus_ms(INVITATION_MS),
            mail: Some(MailStatus::Waiting(None)),
            link: None,
        };
        let link = Link::new();
        invitations::add(&mut tx, team, &invitation, &link.hash, now).await?;
        let entry = self.entry_of(team, rules.invited).by(actor).about(invitation.id.as_str(), &invitation.email);
        self.record(&mut tx, entry.with([Change::noted("role", role.as_str())])).await?;
        let page = self.invitation_page(team, &link);
        let how =
            Queueing { purpose: Purpose::Invitation, about: Some(invitation.id.as_str()), valid_ms: INVITATION_MS };
        if !self.queue_email(&mut tx, invitation_email(team, &invitation, &page), how).await? {
            return Err(Error::TooMany { retry_after_s: RETRY_AFTER_S });
        }
        tx.commit().await?;
        let link = (!self.config().mail.is_configured()).then_some(SecretLink(page));
        Ok(Invitation { link, ..invitation })
    }

    /// Limits the emails that a team can cause, in all and to one address.
    async fn refuse_too_many_invitations(&self, tx: &mut Tx, team: &Team, email: &str) -> Result<()> {
        let since = self.now().plus_ms(-DAY_MS);
        let limits = [(None, rules(team.kind()).invitations_per_day), (Some(email), Some(TO_ADDRESS_PER_DAY))];
        for (to, most) in limits {
            let Some(most) = most else { continue };
            let Sent { sent, first_ms } = invitations::sent_since(tx, team, to, since).await?;
            if sent >= most {
                let whom = to.map(|email| format!(" to {email}")).unwrap_or_default();
                let detail = format!("At most {most} invitations{whom} are sent within 24 hours. Try again later.");
                let wait_ms = first_ms.map_or(DAY_MS, |first_ms| first_ms - since.0);
                return Err(Error::LimitReached { detail, retry_after_s: wait_s(wait_ms) });
            }
        }
        Ok(())
    }

    /// The invitation of a link, if it can be accepted.
    pub(super) async fn open_invitation(&self, kind: TeamKind, link: &str) -> Result<InvitationDetails> {
        let unknown = || Error::NotFound("Invitation".into());
        let linked = invitations::by_link(self.db(), kind, &hash(link)).await?.ok_or_else(unknown)?;
        let team = self.team_of(linked.account.as_ref()).await?;
        let by = &linked.invitation.invited_by;
        let detail = if linked.accepted {
            format!("This invitation has already been used. {}", rules(kind).after_use)
        } else if linked.withdrawn {
            format!("This invitation was withdrawn or replaced. Look for a newer email, or ask {by}.")
        } else if linked.invitation.expires <= self.now() {
            format!("This invitation has expired. Ask {by} to resend it.")
        } else {
            return Ok(InvitationDetails { invitation: linked.invitation, team, known: linked.known });
        };
        Err(Error::Conflict { detail, existing: None })
    }

    /// Accepts as a new user.
    pub(super) async fn accept_as_new(
        &self,
        kind: TeamKind,
        link: &str,
        form: &NewUserForm,
        client_ip: &str,
    ) -> Result<(User, Team)> {
        let turn = Turn::take(client_ip)?;
        let open_invitation = self.open_invitation(kind, link).await?;
        if open_invitation.known {
            return Err(known_address());
        }
        let name = form.checked_name()?;
        let email = open_invitation.invitation.email.clone();
        let title = match &open_invitation.team {
            Team::Account(account) => Some(account.name.as_str()),
            Team::Staff => None,
        };
        let about: Vec<&str> = [email.as_str(), &name].into_iter().chain(title).collect();
        if let Some(weak) = password::complaint(&turn, "password", &form.password, &about).await? {
            return Err(Error::Invalid(vec![weak]));
        }
        let hash = self.config().password_cost.hash(&turn, form.password.clone()).await?;
        let user = User { id: self.new_id(UserId::new), name, email };
        let mut tx = self.db().begin().await?;
        let taken = |error: StoreError| if error.is_unique_violation() { known_address() } else { error.into() };
        users::add(&mut tx, &user, &hash, None, self.now()).await.map_err(taken)?;
        let team = self.join_team(tx, open_invitation, &user, client_ip).await?;
        Ok((user, team))
    }

    /// Accepts as a signed-in user.
    pub(super) async fn accept_as(&self, kind: TeamKind, link: &str, user: &UserId, client_ip: &str) -> Result<Team> {
        let open_invitation = self.open_invitation(kind, link).await?;
        let user = self.known_user(user).await?;
        if user.email != open_invitation.invitation.email {
            let words = format!(
                "This invitation is for {}. Sign in with that email address.",
                open_invitation.invitation.email
            );
            return Err(Error::Forbidden(words));
        }
        let tx = self.db().begin().await?;
        self.join_team(tx, open_invitation, &user, client_ip).await
    }

    /// Withdraws an open invitation, and leaves the transaction open. Also returns the number of members.
    async fn close_invitation(&self, team: &Team, id: &InvitationId) -> Result<(Tx, usize, Invitation)> {
        let mut tx = self.db().begin().await?;
        let members = members::lock(&mut tx, team).await?.len();
        let open = invitations::open(&mut tx, team).await?;
        let invitation = open.into_iter().find(|one| one.id == *id);
        let invitation = invitation.ok_or_else(|| Error::NotFound("Invitation".into()))?;
        invitations::withdraw(&mut tx, team, id, self.now()).await?;
        outbox::cancel(&mut tx, id.as_str()).await?;
        Ok((tx, members, invitation))
    }

    /// Adds the user, unless the invitation has been used or withdrawn since.
    async fn join_team(
        &self,
        mut tx: Tx,
        open_invitation: InvitationDetails,
        user: &User,
        client_ip: &str,
    ) -> Result<Team> {
        let InvitationDetails { invitation, team, .. } = open_invitation;
        members::lock(&mut tx, &team).await?;
        if !invitations::accept(&mut tx, &team, &invitation.id, self.now()).await? {
            let detail = "This invitation has just been used or withdrawn.".to_owned();
            return Err(Error::Conflict { detail, existing: None });
        }
        admit(&mut tx, &team, user, invitation.role, self.now()).await?;
        let entry = self.entry_of(&team, rules(team.kind()).joined).by_user(user, client_ip);
        let noted =
            [Change::noted("role", invitation.role.as_str()), Change::noted("invited by", invitation.invited_by)];
        self.record(&mut tx, entry.about(user.id.as_str(), &user.email).with(noted)).await?;
        tx.commit().await?;
        Ok(team)
    }

    fn invitation_page(&self, team: &Team, link: &Link) -> String {
        match team {
            Team::Account(_) => self.page_url(&format!("invite/{}", link.text)),
            Team::Staff => self.page_url(&format!("invite/staff/{}", link.text)),
        }
    }
}

fn invitation_email(team: &Team, invitation: &Invitation, page: &str) -> Email {
    let what = match team {
        Team::Account(account) => format!("the account {}", naming::to_stranger(&account.name)),
        Team::Staff => "the provider's staff".to_owned(),
    };
    emails::invitation(invitation, &what, page)
}

/// Adds a user to the team.
async fn admit(tx: &mut Tx, team: &Team, user: &User, role: TeamRole, now: UnixMs) -> Result<()> {
    let (Team::Account(account), TeamRole::Account(role)) = (team, role) else {
        return Ok(members::set_role(tx, team, &user.id, Some(role)).await?);
    };
    members::add(tx, &user.id, &account.id, role, now).await.map_err(|error| {
        if !error.is_unique_violation() {
            return error.into();
        }
        let detail = format!("You're already a member of {}.", account.name);
        Error::Conflict { detail, existing: Some(account.id.to_string()) }
    })
}

fn known_address() -> Error {
    let detail = "A user with this email address already exists. Sign in to accept.".to_owned();
    Error::Conflict { detail, existing: None }
}
