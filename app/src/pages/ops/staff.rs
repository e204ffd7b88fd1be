//! The provider's staff, and inviting somebody to it.

use domain::account::StaffRole;
use domain::installation::staff::{StaffInvitation, StaffMember};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::viewpoint;
use crate::html::IntoHtml;
use crate::{
    api::ops_staff::{InviteStaff, ResendStaffInvitation, WithdrawStaffInvitation, load_staff},
    components::{
        button::{Button, LinkButton, Weight},
        field::Field,
        heading::Heading,
        role_field::{RoleField, RoleWords as _},
        time_text::UntilText,
        viewpoint::Viewpoint,
    },
    links,
    pages::ops_page,
};

const ROW: &str = "flex flex-wrap items-center justify-between gap-x-6 gap-y-2 border-b border-line px-3 py-2.5";

/// `/ops/staff`
#[component]
pub fn StaffPage() -> impl IntoView {
    ops_page(async |_, visit| {
        let (roster, own) = load_staff().await?;
        let view = viewpoint(&visit);
        let members = roster.members.into_iter().map(|one| member(one, &own)).collect_view();
        let waiting = (!roster.invitations.is_empty()).then(|| {
            let rows = roster.invitations.into_iter().map(|one| invitation(one, &view)).collect_view();
            view! {
                <section class="grid gap-3" aria-labelledby="waiting">
                    <h2 class="text-large font-bold" id="waiting">"Invited, not yet here"</h2>
                    <ul class="border-t border-line">{rows}</ul>
                </section>
            }
        });
        let invite = links::ops_staff("invite", "");
        Ok(view! {
            <Heading title="Staff" lead="Who works for the provider here. There is always an operator.">
                <LinkButton weight=Weight::Primary href=invite>"Invite somebody"</LinkButton>
            </Heading>
            <ul class="border-t border-line">{members}</ul>
            {waiting}
        }
        .into_html())
    })
}

fn member(one: StaffMember, own: &str) -> impl IntoView + use<> {
    let StaffMember { user, role } = one;
    let is_own = user.id.as_str() == own;
    let shown = if user.name.is_empty() { user.email.clone() } else { user.name.clone() };
    let email = (!user.name.is_empty())
        .then(|| view! { <p class="text-table text-ink-2 wrap-anywhere">{user.email.clone()}</p> });
    let (change, remove) = (links::ops_staff(user.id.as_str(), ""), links::ops_staff(user.id.as_str(), "remove"));
    let of = user.email.clone();
    let actions = (!is_own).then(|| {
        view! {
            <p class="flex flex-wrap gap-x-5 gap-y-1 text-table">
                <a href=change>"Change role"<span class="sr-only">" of " {of.clone()}</span></a>
                <a class="text-failed" href=remove>"Remove"<span class="sr-only">" " {of}</span></a>
            </p>
        }
    });
    view! {
        <li class=ROW>
            <div class="min-w-0">
                <p class="font-semibold wrap-anywhere">{shown} {is_own.then_some(" (you)")}</p>
                {email}
                <p class="text-table text-ink-2">{role.name()}</p>
            </div>
            {actions}
        </li>
    }
}

fn invitation(one: StaffInvitation, view: &Viewpoint) -> impl IntoView + use<> {
    let runs_out = if one.expires <= view.now {
        view! { "The link has expired: send it again." }.into_html()
    } else {
        view! { "The link ends " <UntilText at=one.expires view=view.clone()/> "." }.into_html()
    };
    let inv = one.id.to_string();
    let (to, of) = (one.email.clone(), one.email.clone());
    view! {
        <li class=ROW>
            <div class="min-w-0">
                <p class="font-semibold wrap-anywhere">{one.email}</p>
                <p class="text-table text-ink-2 wrap-anywhere">
                    {one.role.name()} ", invited by " {one.invited_by} ". " {runs_out}
                </p>
            </div>
            <div class="flex flex-wrap gap-2">
                <form method="post" action=ResendStaffInvitation::PATH>
                    <input type="hidden" name="inv" value=inv.clone()/>
                    <Button>"Send again"<span class="sr-only">" to " {to}</span></Button>
                </form>
                <form method="post" action=WithdrawStaffInvitation::PATH>
                    <input type="hidden" name="inv" value=inv/>
                    <Button>"Withdraw"<span class="sr-only">" the invitation of " {of}</span></Button>
                </form>
            </div>
        </li>
    }
}

/// `/ops/staff/invite`
#[component]
pub fn InviteStaffPage() -> impl IntoView {
    ops_page(async |_, _| {
        Ok(view! {
            <Heading title="Invite somebody to the staff" lead="They get a letter with a link that works once, within 7 days."/>
            <form class="grid max-w-column gap-6" method="post" action=InviteStaff::PATH>
                <Field name="email" label="E-mail" kind="email" required=true first=true
                    hint="The invitation can be accepted with this address only."/>
                <RoleField chosen=StaffRole::Support/>
                <div class="flex flex-wrap gap-3">
                    <Button weight=Weight::Primary>"Send invitation"</Button>
                    <LinkButton href=links::OPS_STAFF>"Invite nobody"</LinkButton>
                </div>
            </form>
        }
        .into_html())
    })
}
