//! Accepting an invitation: as a new user, as the signed-in user, or after switching users.

use domain::member::{InvitationDetails, Team, TeamKind};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{email_link::behind_link, public_page};
use crate::api::members::{
    Invitee, Join, JoinAsNew, JoinStaff, JoinStaffAsNew, SwitchToStaff, SwitchUser, load_invitation,
};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::render_context::RenderContext;
use crate::components::role_field::YourRole;
use crate::components::time_text::UntilText;
use crate::html::IntoHtml;
use crate::links;
use crate::visit::Visit;

/// Shown for an invalid link.
const NO_INVITATION: &str = "This invitation link is invalid. Make sure that you copied the whole link from the email.";

/// `/invite/:link`
#[component]
pub fn InvitationPage() -> impl IntoView {
    page(TeamKind::Account)
}

/// `/invite/staff/:link`
#[component]
pub fn StaffInvitationPage() -> impl IntoView {
    page(TeamKind::Staff)
}

fn page(kind: TeamKind) -> super::Page {
    public_page(async move |place, visit| {
        let link = place.param("link");
        let loaded = load_invitation(kind, &link).await;
        let open = |invitee| open(invitee, link, &visit).into_html();
        behind_link(loaded, NO_INVITATION, open, |words| ended(words).into_html()).await
    })
}

fn ended(words: String) -> impl IntoView {
    view! {
        <Heading title="This invitation can’t be used" lead=words/>
        <p><LinkButton href=links::SIGN_IN weight=Weight::Primary>"Sign in"</LinkButton></p>
    }
}

fn open(invitee: Invitee, link: String, visit: &Visit) -> impl IntoView + use<> {
    let Invitee { invited, signed_in } = invitee;
    let (email, kind) = (invited.invitation.email.clone(), invited.team.kind());
    let title = match &invited.team {
        Team::Account(account) => format!("Join {}", account.name),
        Team::Staff => "Join the staff".to_owned(),
    };
    let (join, switched, join_as_new) = match kind {
        TeamKind::Account => (Join::PATH, SwitchUser::PATH, JoinAsNew::PATH),
        TeamKind::Staff => (JoinStaff::PATH, SwitchToStaff::PATH, JoinStaffAsNew::PATH),
    };
    let action = match signed_in {
        Some(user) if user == email => accept(link, join).into_html(),
        Some(user) => switch(link, user, email, switched).into_html(),
        None if invited.known => sign_in_first(&links::invitation(kind, &link), email).into_html(),
        None => new_user(link, email, join_as_new).into_html(),
    };
    view! { <Heading title=title/> <InvitationFacts invited=invited view=RenderContext::from(visit)/> {action} }
}

/// Who sent the invitation, the role, and when it expires.
#[component]
fn InvitationFacts(invited: InvitationDetails, view: RenderContext) -> impl IntoView {
    let InvitationDetails { invitation, team, .. } = invited;
    let what = match team {
        Team::Account(account) => view! { <strong>{account.name}</strong> "." }.into_html(),
        Team::Staff => view! { "the provider’s staff." }.into_html(),
    };
    view! {
        <div class="grid gap-1">
            <p class="wrap-anywhere"><strong>{invitation.invited_by}</strong> " has invited you to join " {what}</p>
            <YourRole role=invitation.role/>
            <p class="text-table text-ink-2">"The link expires " <UntilText at=invitation.expires view=view/> "."</p>
        </div>
    }
}

fn accept(link: String, action: &'static str) -> impl IntoView {
    view! {
        <form method="post" action=action>
            <input type="hidden" name="link" value=link/>
            <Button weight=Weight::Primary>"Accept invitation"</Button>
        </form>
    }
}

fn switch(link: String, user: String, email: String, action: &'static str) -> impl IntoView {
    view! {
        <p class="wrap-anywhere">"This invitation is for " <strong>{email}</strong> ", but you’re signed in as " <strong>{user}</strong> "."</p>
        <form class="flex flex-wrap gap-3" method="post" action=action>
            <input type="hidden" name="link" value=link/>
            <Button weight=Weight::Primary>"Sign out and continue"</Button>
            <LinkButton href="/">"Cancel"</LinkButton>
        </form>
    }
}

fn sign_in_first(back: &str, email: String) -> impl IntoView + use<> {
    let href = links::sign_in_then(back);
    view! {
        <p class="wrap-anywhere">"Sign in as " <strong>{email}</strong> " to accept the invitation."</p>
        <p><LinkButton href=href weight=Weight::Primary>"Sign in to accept"</LinkButton></p>
    }
}

fn new_user(link: String, email: String, action: &'static str) -> impl IntoView {
    view! {
        <form class="grid gap-4" method="post" action=action>
            <input type="hidden" name="link" value=link/>
            <p class="wrap-anywhere">"You’ll sign in with " <strong>{email.clone()}</strong> "."</p>
            // For password managers, which store it with the password.
            <input class="hidden" type="email" autocomplete="username" value=email readonly=true tabindex="-1" aria-label="Email"/>
            <Field name="name" label="Your name" autocomplete="name"/>
            <Field name="password" label="Password" kind="password" autocomplete="new-password" required=true
                hint="At least 12 characters. A few random words are easy to remember."/>
            <div><Button weight=Weight::Primary>"Accept invitation"</Button></div>
        </form>
    }
}
