//! Accepting an invitation to the provider's staff.

use domain::installation::staff::StaffInvited;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::viewpoint;
use crate::html::IntoHtml;
use crate::{
    api::ops_staff::{JoinStaff, JoinStaffAsNew, StaffInvitee, SwitchToStaff, load_staff_invitation},
    components::{heading::Heading, role_field::YourRole, time_text::UntilText, viewpoint::Viewpoint},
    links,
    pages::{invitation, letter::behind_link, public_page},
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
    let way = match signed_in {
        Some(person) if person == email => invitation::accept(link, JoinStaff::PATH).into_html(),
        Some(person) => invitation::switch(link, person, email, SwitchToStaff::PATH).into_html(),
        None if known => invitation::sign_in_first(&back, email).into_html(),
        None => invitation::newcomer(link, email, JoinStaffAsNew::PATH).into_html(),
    };
    view! { <Heading title="Join the staff"/> <Terms invited=invited view=viewpoint(visit)/> {way} }
}

/// Who invited, as what, and until when.
#[component]
fn Terms(invited: StaffInvited, view: Viewpoint) -> impl IntoView {
    view! {
        <div class="grid gap-1">
            <p class="wrap-anywhere"><strong>{invited.invited_by}</strong> " invites you to work for the provider here."</p>
            <YourRole role=invited.role/>
            <p class="text-table text-ink-2">"The link ends " <UntilText at=invited.expires view=view/> "."</p>
        </div>
    }
}
