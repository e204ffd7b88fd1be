//! Accepting an invitation to the provider's staff.

use domain::Error;
use domain::installation::staff::StaffInvited;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::viewpoint;
use crate::{
    api::{
        ops_staff::{JoinStaff, JoinStaffAsNew, StaffInvitee, SwitchToStaff, load_staff_invitation},
        visit::refuse,
    },
    components::{heading::Heading, role_field::YourRole, time_text::UntilText, viewpoint::Viewpoint},
    error::UiError,
    links,
    pages::{invitation, public_page},
    visit::Visit,
};

/// `/invite/staff/:link`
#[component]
pub fn JoinStaffPage() -> impl IntoView {
    public_page(async |place, visit| {
        let link = place.param("link");
        let content = match load_staff_invitation(link.clone()).await {
            Ok(invitee) => open(invitee, link, &visit).into_any(),
            Err(error @ UiError::Domain(Error::Conflict { .. } | Error::NotFound(_))) => {
                let words = invitation::over(&error);
                refuse(error).await?;
                invitation::ended(words).into_any()
            }
            Err(error) => return Err(error),
        };
        Ok(view! { <div class="mx-auto grid w-full max-w-96 gap-6 pt-4 md:pt-12">{content}</div> }.into_any())
    })
}

fn open(invitee: StaffInvitee, link: String, visit: &Visit) -> impl IntoView + use<> {
    let StaffInvitee { invited, signed_in } = invitee;
    let (email, known) = (invited.email.clone(), invited.known);
    let back = links::staff_invitation(&link);
    let way = match signed_in {
        Some(person) if person == email => invitation::accept(link, JoinStaff::PATH).into_any(),
        Some(person) => invitation::switch(link, person, email, SwitchToStaff::PATH).into_any(),
        None if known => invitation::sign_in_first(&back, email).into_any(),
        None => invitation::newcomer(link, email, JoinStaffAsNew::PATH).into_any(),
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
