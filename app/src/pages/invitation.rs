//! Accepting an invitation: as somebody new, as whoever is signed in, or after changing over.

use domain::member::Invited;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{letter::behind_link, public_page};
use crate::api::members::{Invitee, Join, JoinAsNew, SwitchPerson, load_invitation};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::role_field::YourRole;
use crate::components::time_text::UntilText;
use crate::components::viewpoint::Viewpoint;
use crate::html::IntoHtml;
use crate::links;
use crate::visit::Visit;

/// What stands there for a link that is none.
pub(super) const NO_INVITATION: &str =
    "There is no invitation behind this link. Copy the whole link from the letter, to its last character.";

/// `/invite/:link`
#[component]
pub fn InvitationPage() -> impl IntoView {
    public_page(async |place, visit| {
        let link = place.param("link");
        let loaded = load_invitation(link.clone()).await;
        let open = |invitee| open(invitee, link, &visit).into_html();
        behind_link(loaded, NO_INVITATION, open, |words| ended(words).into_html()).await
    })
}

pub(super) fn ended(words: String) -> impl IntoView {
    view! {
        <Heading title="This invitation cannot be used" lead=words/>
        <p><LinkButton href=links::SIGN_IN weight=Weight::Primary>"Sign in"</LinkButton></p>
    }
}

fn open(invitee: Invitee, link: String, visit: &Visit) -> impl IntoView + use<> {
    let Invitee { invited, signed_in } = invitee;
    let view = Viewpoint { acct: String::new(), now: visit.now, zone: visit.zone() };
    let (title, email) = (format!("Join {}", invited.account), invited.email.clone());
    let known = invited.known;
    let way = match signed_in {
        Some(person) if person == email => accept(link, Join::PATH).into_html(),
        Some(person) => switch(link, person, email, SwitchPerson::PATH).into_html(),
        None if known => sign_in_first(&links::invitation(&link), email).into_html(),
        None => newcomer(link, email, JoinAsNew::PATH).into_html(),
    };
    view! { <Heading title=title/> <Terms invited=invited view=view/> {way} }
}

/// Who invited, as what, and until when.
#[component]
fn Terms(invited: Invited, view: Viewpoint) -> impl IntoView {
    view! {
        <div class="grid gap-1">
            <p class="wrap-anywhere">
                <strong>{invited.invited_by}</strong> " invites you to the account " <strong>{invited.account}</strong> "."
            </p>
            <YourRole role=invited.role/>
            <p class="text-table text-ink-2">
                "The link ends " <UntilText at=invited.expires view=view/> "."
            </p>
        </div>
    }
}

pub(super) fn accept(link: String, action: &'static str) -> impl IntoView {
    view! {
        <form method="post" action=action>
            <input type="hidden" name="link" value=link/>
            <Button weight=Weight::Primary>"Accept invitation"</Button>
        </form>
    }
}

pub(super) fn switch(link: String, person: String, email: String, action: &'static str) -> impl IntoView {
    view! {
        <p class="wrap-anywhere">"It is for " <strong>{email}</strong> ", and you are signed in as " <strong>{person}</strong> "."</p>
        <form class="flex flex-wrap gap-3" method="post" action=action>
            <input type="hidden" name="link" value=link/>
            <Button weight=Weight::Primary>"Sign out and go on"</Button>
            <LinkButton href="/">"Stay signed in"</LinkButton>
        </form>
    }
}

pub(super) fn sign_in_first(back: &str, email: String) -> impl IntoView + use<> {
    let href = links::sign_in_then(back);
    view! {
        <p class="wrap-anywhere">"Sign in as " <strong>{email}</strong> " to accept it."</p>
        <p><LinkButton href=href weight=Weight::Primary>"Sign in to accept"</LinkButton></p>
    }
}

pub(super) fn newcomer(link: String, email: String, action: &'static str) -> impl IntoView {
    view! {
        <form class="grid gap-4" method="post" action=action>
            <input type="hidden" name="link" value=link/>
            <p class="wrap-anywhere">"You will sign in with " <strong>{email.clone()}</strong> "."</p>
            // For password managers, which store both under this page.
            <input class="hidden" type="email" autocomplete="username" value=email readonly=true tabindex="-1" aria-label="E-mail"/>
            <Field name="name" label="Your name" autocomplete="name"/>
            <Field name="password" label="Password" kind="password" autocomplete="new-password" required=true
                hint="At least 12 characters. A few words in a row are easy to remember."/>
            <div><Button weight=Weight::Primary>"Accept invitation"</Button></div>
        </form>
    }
}
