//! Members and pending invitations.

use domain::actor::Permission;
use domain::id::UserId;
use domain::member::{Invitation, Member};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::api::members::{ResendInvitation, WithdrawInvitation, load_roster};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::heading::Heading;
use crate::components::render_context::RenderContext;
use crate::components::role_field::RoleText as _;
use crate::components::sidebar::Part;
use crate::components::time_text::{TimeForm, TimeText, UntilText};
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

const ROW: &str = "flex flex-wrap items-center justify-between gap-x-6 gap-y-2 border-b border-line px-3 py-2.5";

/// `/a/:acct/members`
#[component]
pub fn MembersPage() -> impl IntoView {
    account_page(Part::Members, async |place, frame| {
        frame.need(Permission::ManageMembers)?;
        let roster = load_roster(place.acct.clone()).await?;
        let view = RenderContext::from(&frame);
        let invite = links::account(&place.acct, "members/invite");
        let own = frame.user.id.clone();
        let members = roster.members.into_iter().map(|one| member(one, &own, &view)).collect_view();
        let pending = (!roster.invitations.is_empty()).then(|| pending(roster.invitations, &view));
        Ok(view! {
            <Heading title="Members" lead=view.clock()>
                <LinkButton weight=Weight::Primary href=invite>"Invite member"</LinkButton>
            </Heading>
            <ul class="border-t border-line">{members}</ul>
            {pending}
        }
        .into_html())
    })
}

/// Name, email, role and actions.
fn member(one: Member, own: &UserId, view: &RenderContext) -> impl IntoView + use<> {
    let Member { user, role, since, second_factor } = one;
    let factor = if second_factor { " · Two-factor authentication on" } else { " · Two-factor authentication off" };
    let is_own = user.id == *own;
    let (change, remove) =
        (links::member(&view.acct, user.id.as_str(), ""), links::member(&view.acct, user.id.as_str(), "remove"));
    let name = if user.name.is_empty() { user.email.clone() } else { user.name.clone() };
    let email = (!user.name.is_empty())
        .then(|| view! { <p class="text-table text-ink-2 wrap-anywhere">{user.email.clone()}</p> });
    let of = user.email.clone();
    let actions = if is_own {
        view! { <a href=remove>"Leave account"</a> }.into_html()
    } else {
        view! {
            <a href=change>"Change role"<span class="sr-only">" of " {of.clone()}</span></a>
            <a class="text-failed" href=remove>"Remove"<span class="sr-only">" " {of}</span></a>
        }
        .into_html()
    };
    view! {
        <li class=ROW>
            <div class="min-w-0">
                <p class="font-semibold wrap-anywhere">{name} {is_own.then_some(" (you)")}</p>
                {email}
                <p class="text-table text-ink-2">
                    {role.name()} " since " <TimeText at=since form=TimeForm::Short view=view.clone()/> {factor}
                </p>
            </div>
            <p class="flex flex-wrap gap-x-5 gap-y-1 text-table">{actions}</p>
        </li>
    }
}

fn pending(invitations: Vec<Invitation>, view: &RenderContext) -> impl IntoView + use<> {
    let rows = invitations.into_iter().map(|one| invitation(one, view)).collect_view();
    view! {
        <section class="grid gap-3" aria-labelledby="pending">
            <h2 class="text-large font-bold" id="pending">"Pending invitations"</h2>
            <ul class="border-t border-line">{rows}</ul>
        </section>
    }
}

fn invitation(one: Invitation, view: &RenderContext) -> impl IntoView + use<> {
    let expired = one.expires <= view.now;
    let expiry = if expired {
        view! { "The link has expired. Resend the invitation." }.into_html()
    } else {
        view! { "The link expires " <UntilText at=one.expires view=view.clone()/> "." }.into_html()
    };
    let (acct, inv) = (view.acct.clone(), one.id.to_string());
    let (to, of) = (one.email.clone(), one.email.clone());
    view! {
        <li class=ROW>
            <div class="min-w-0">
                <p class="font-semibold wrap-anywhere">{one.email}</p>
                <p class="text-table text-ink-2 wrap-anywhere">{one.role.name()} ", invited by " {one.invited_by} ". " {expiry}</p>
            </div>
            <div class="flex flex-wrap gap-2">
                <form method="post" action=ResendInvitation::PATH>
                    <input type="hidden" name="acct" value=acct.clone()/>
                    <input type="hidden" name="inv" value=inv.clone()/>
                    <Button>"Resend"<span class="sr-only">" invitation to " {to}</span></Button>
                </form>
                <form method="post" action=WithdrawInvitation::PATH>
                    <input type="hidden" name="acct" value=acct/>
                    <input type="hidden" name="inv" value=inv/>
                    <Button>"Revoke"<span class="sr-only">" invitation for " {of}</span></Button>
                </form>
            </div>
        </li>
    }
}
