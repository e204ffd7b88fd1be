//! Members and pending invitations.

use domain::actor::Permission;
use domain::member::{Invitation, MailStatus, Member};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::account_field;
use crate::api::members::{
    ResendInvitation, ResendStaffInvitation, WithdrawInvitation, WithdrawStaffInvitation, load_members,
};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::heading::Heading;
use crate::components::render_context::RenderContext;
use crate::components::role_field::role_name;
use crate::components::secret::NewInvitationLink;
use crate::components::sidebar::Part;
use crate::components::time_text::{TimeForm, TimeText, UntilText};
use crate::error::UiError;
use crate::flash::Flash;
use crate::html::{Html, IntoHtml};
use crate::links::TeamPages;
use crate::pages::{account_page, ops_page};

const ROW: &str = "flex flex-wrap items-center justify-between gap-x-6 gap-y-2 border-b border-line px-3 py-2.5";
const STAFF_LEAD: &str = "Operators and support agents of the provider. There must always be at least one operator.";

/// `/a/:acct/members`
#[component]
pub fn MembersPage() -> impl IntoView {
    account_page(Part::Members, async |place, frame| {
        frame.need(Permission::ManageMembers)?;
        list(TeamPages::Account(place.acct), &RenderContext::from(&frame), frame.visit.flash.clone()).await
    })
}

/// `/ops/staff`
#[component]
pub fn StaffPage() -> impl IntoView {
    ops_page(async |_, visit| list(TeamPages::Staff, &RenderContext::from(&visit), visit.flash.clone()).await)
}

async fn list(team: TeamPages, view: &RenderContext, flash: Flash) -> Result<Html, UiError> {
    let (list, own) = load_members(&team).await?;
    let (title, lead, invite) = match team {
        TeamPages::Account(_) => ("Members", view.clock(), "Invite member"),
        TeamPages::Staff => ("Staff", STAFF_LEAD.to_owned(), "Invite staff"),
    };
    let members = list.members.into_iter().map(|one| member(one, &own, &team, view)).collect_view();
    let pending = (!list.invitations.is_empty()).then(|| pending(list.invitations, &team, view));
    Ok(view! {
        <Heading title=title lead=lead>
            <LinkButton weight=Weight::Primary href=team.member("invite", "")>{invite}</LinkButton>
        </Heading>
        <NewInvitationLink flash=flash/>
        <ul class="border-t border-line">{members}</ul>
        {pending}
    }
    .into_html())
}

/// Name, email, role and actions.
fn member(one: Member, own: &str, team: &TeamPages, view: &RenderContext) -> impl IntoView + use<> {
    let Member { user, role, since, second_factor } = one;
    let factor = if second_factor { " · Two-factor authentication on" } else { " · Two-factor authentication off" };
    let facts = since
        .map(|at| view! { " since " <TimeText at=at form=TimeForm::Short view=view.clone()/> {factor} }.into_html());
    let is_own = user.id.as_str() == own;
    let (change, remove) = (team.member(user.id.as_str(), ""), team.member(user.id.as_str(), "remove"));
    let name = if user.name.is_empty() { user.email.clone() } else { user.name.clone() };
    let email = (!user.name.is_empty())
        .then(|| view! { <p class="text-table text-ink-2 wrap-anywhere">{user.email.clone()}</p> });
    let of = user.email.clone();
    let actions = match (is_own, team) {
        (true, TeamPages::Account(_)) => view! { <a href=remove>"Leave account"</a> }.into_html(),
        (true, TeamPages::Staff) => ().into_html(),
        (false, _) => view! {
            <a href=change>"Change role"<span class="sr-only">" of " {of.clone()}</span></a>
            <a class="text-failed" href=remove>"Remove"<span class="sr-only">" " {of}</span></a>
        }
        .into_html(),
    };
    view! {
        <li class=ROW>
            <div class="min-w-0">
                <p class="font-semibold wrap-anywhere">{name} {is_own.then_some(" (you)")}</p>
                {email}
                <p class="text-table text-ink-2">{role_name(role)} {facts}</p>
            </div>
            <p class="flex flex-wrap gap-x-5 gap-y-1 text-table">{actions}</p>
        </li>
    }
}

fn pending(invitations: Vec<Invitation>, team: &TeamPages, view: &RenderContext) -> impl IntoView + use<> {
    let rows = invitations.into_iter().map(|one| invitation(one, team, view)).collect_view();
    view! {
        <section class="grid gap-3" aria-labelledby="pending">
            <h2 class="text-large font-bold" id="pending">"Pending invitations"</h2>
            <ul class="border-t border-line">{rows}</ul>
        </section>
    }
}

/// What became of the email, and why it was not sent.
fn mail_status(mail: &MailStatus) -> impl IntoView + use<> {
    let (ink, words) = match mail {
        MailStatus::Waiting(None) => ("text-ink-2", "Email waiting to be sent.".to_owned()),
        MailStatus::Waiting(Some(reason)) => ("text-retrying", format!("Email waiting to be sent again: {reason}.")),
        MailStatus::Sent => ("text-ink-2", "Email sent.".to_owned()),
        MailStatus::Failed(reason) => ("text-failed", format!("Email failed: {reason}.")),
    };
    view! { <p class=format!("text-table wrap-anywhere {ink}")>{words}</p> }
}

fn invitation(one: Invitation, team: &TeamPages, view: &RenderContext) -> impl IntoView + use<> {
    let expired = one.expires <= view.now;
    let expiry = if expired {
        view! { "The link has expired. Resend the invitation." }.into_html()
    } else {
        view! { "The link expires " <UntilText at=one.expires view=view.clone()/> "." }.into_html()
    };
    let (resend, withdraw) = match team {
        TeamPages::Account(_) => (ResendInvitation::PATH, WithdrawInvitation::PATH),
        TeamPages::Staff => (ResendStaffInvitation::PATH, WithdrawStaffInvitation::PATH),
    };
    let inv = one.id.to_string();
    let (to, of) = (one.email.clone(), one.email.clone());
    view! {
        <li class=ROW>
            <div class="min-w-0">
                <p class="font-semibold wrap-anywhere">{one.email}</p>
                <p class="text-table text-ink-2 wrap-anywhere">{role_name(one.role)} ", invited by " {one.invited_by} ". " {expiry}</p>
                {one.mail.map(|mail| mail_status(&mail))}
            </div>
            <div class="flex flex-wrap gap-2">
                <form method="post" action=resend>
                    {account_field(team)}
                    <input type="hidden" name="inv" value=inv.clone()/>
                    <Button>"Resend"<span class="sr-only">" invitation to " {to}</span></Button>
                </form>
                <form method="post" action=withdraw>
                    {account_field(team)}
                    <input type="hidden" name="inv" value=inv/>
                    <Button>"Revoke"<span class="sr-only">" invitation for " {of}</span></Button>
                </form>
            </div>
        </li>
    }
}
