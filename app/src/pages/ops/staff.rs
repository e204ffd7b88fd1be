//! The provider's staff, and invitations to it.

use domain::account::StaffRole;
use domain::ops::staff::{StaffInvitation, StaffMember};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::render_context;
use crate::html::IntoHtml;
use crate::{
    api::ops_staff::{InviteStaff, ResendStaffInvitation, WithdrawStaffInvitation, load_staff},
    components::{
        button::{Button, LinkButton, Weight},
        field::Field,
        heading::Heading,
        render_context::RenderContext,
        role_field::{RoleField, RoleText as _},
        time_text::UntilText,
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
        let view = render_context(&visit);
        let members = roster.members.into_iter().map(|one| member(one, &own)).collect_view();
        let pending = (!roster.invitations.is_empty()).then(|| {
            let rows = roster.invitations.into_iter().map(|one| invitation(one, &view)).collect_view();
            view! {
                <section class="grid gap-3" aria-labelledby="pending">
                    <h2 class="text-large font-bold" id="pending">"Pending invitations"</h2>
                    <ul class="border-t border-line">{rows}</ul>
                </section>
            }
        });
        let invite = links::ops_staff("invite", "");
        Ok(view! {
            <Heading title="Staff" lead="Operators and support agents of the provider. There must always be at least one operator.">
                <LinkButton weight=Weight::Primary href=invite>"Invite staff"</LinkButton>
            </Heading>
            <ul class="border-t border-line">{members}</ul>
            {pending}
        }
        .into_html())
    })
}

fn member(one: StaffMember, own: &str) -> impl IntoView + use<> {
    let StaffMember { user, role } = one;
    let is_own = user.id.as_str() == own;
    let name = if user.name.is_empty() { user.email.clone() } else { user.name.clone() };
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
                <p class="font-semibold wrap-anywhere">{name} {is_own.then_some(" (you)")}</p>
                {email}
                <p class="text-table text-ink-2">{role.name()}</p>
            </div>
            {actions}
        </li>
    }
}

fn invitation(one: StaffInvitation, view: &RenderContext) -> impl IntoView + use<> {
    let expiry = if one.expires <= view.now {
        view! { "The link has expired. Resend the invitation." }.into_html()
    } else {
        view! { "The link expires " <UntilText at=one.expires view=view.clone()/> "." }.into_html()
    };
    let inv = one.id.to_string();
    let (to, of) = (one.email.clone(), one.email.clone());
    view! {
        <li class=ROW>
            <div class="min-w-0">
                <p class="font-semibold wrap-anywhere">{one.email}</p>
                <p class="text-table text-ink-2 wrap-anywhere">
                    {one.role.name()} ", invited by " {one.invited_by} ". " {expiry}
                </p>
            </div>
            <div class="flex flex-wrap gap-2">
                <form method="post" action=ResendStaffInvitation::PATH>
                    <input type="hidden" name="inv" value=inv.clone()/>
                    <Button>"Resend"<span class="sr-only">" invitation to " {to}</span></Button>
                </form>
                <form method="post" action=WithdrawStaffInvitation::PATH>
                    <input type="hidden" name="inv" value=inv/>
                    <Button>"Revoke"<span class="sr-only">" invitation for " {of}</span></Button>
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
            <Heading title="Invite staff" lead="We’ll email a single-use link, valid for 7 days."/>
            <form class="grid max-w-column gap-6" method="post" action=InviteStaff::PATH>
                <Field name="email" label="Email" kind="email" required=true first=true
                    hint="Only someone with this email address can accept the invitation."/>
                <RoleField chosen=StaffRole::Support/>
                <div class="flex flex-wrap gap-3">
                    <Button weight=Weight::Primary>"Send invitation"</Button>
                    <LinkButton href=links::OPS_STAFF>"Cancel"</LinkButton>
                </div>
            </form>
        }
        .into_html())
    })
}
