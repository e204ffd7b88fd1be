//! Accepting an invitation to the provider's staff.

use domain::ops::staff::StaffInvitationDetails;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::render_context;
use crate::html::IntoHtml;
use crate::{
    api::ops_staff::{JoinStaff, JoinStaffAsNew, StaffInvitee, SwitchToStaff, load_staff_invitation},
    components::{heading::Heading, render_context::RenderContext, role_field::YourRole, time_text::UntilText},
    links,
    pages::{email_link::behind_link, invitation, public_page},
    visit::Visit,
};

/// `/invite/staff/:link`
#[component]
pub fn JoinStaffPage() -> impl IntoView {
    public_page(async |place, visit| {
        let link = place.param("link");
        let loaded = load_staff_invitation(link.clone()).await;
        let open = |invitee| open(invitee, link, &visit).into_html();
        behind_link(loaded, invitation::NO_INVITATION, open, |words| invitation::ended(words).into_html()).await
    })
}

fn open(invitee: StaffInvitee, link: String, visit: &Visit) -> impl IntoView + use<> {
    let StaffInvitee { invited, signed_in } = invitee;
    let (email, known) = (invited.email.clone(), invited.known);
    let back = links::staff_invitation(&link);
    let action = match signed_in {
        Some(user) if user == email => invitation::accept(link, JoinStaff::PATH).into_html(),
        Some(user) => invitation::switch(link, user, email, SwitchToStaff::PATH).into_html(),
        None if known => invitation::sign_in_first(&back, email).into_html(),
        None => invitation::new_user(link, email, JoinStaffAsNew::PATH).into_html(),
    };
    view! { <Heading title="Join the staff"/> <InvitationFacts invited=invited view=render_context(visit)/> {action} }
}

/// Who sent the invitation, the role, and when it expires.
#[component]
fn InvitationFacts(invited: StaffInvitationDetails, view: RenderContext) -> impl IntoView {
    view! {
        <div class="grid gap-1">
            <p class="wrap-anywhere"><strong>{invited.invited_by}</strong> " has invited you to join the provider’s staff."</p>
            <YourRole role=invited.role/>
            <p class="text-table text-ink-2">"The link expires " <UntilText at=invited.expires view=view/> "."</p>
        </div>
    }
}
