//! Inviting a member by email.

use domain::account::Role;
use domain::actor::Permission;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::api::members::InviteMember;
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::role_field::RoleField;
use crate::components::sidebar::Part;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

/// `/a/:acct/members/invite`
#[component]
pub fn InvitePage() -> impl IntoView {
    account_page(Part::Members, async |place, frame| {
        frame.need(Permission::ManageMembers)?;
        let back = links::account(&place.acct, "members");
        Ok(view! {
            <Heading title="Invite member" lead="We’ll email a single-use link, valid for 7 days."/>
            <form class="grid max-w-column gap-6" method="post" action=InviteMember::PATH>
                <input type="hidden" name="acct" value=place.acct/>
                <Field name="email" label="Email" kind="email" required=true first=true
                    hint="Only someone with this email address can accept the invitation."/>
                <RoleField chosen=Role::Developer/>
                <div class="flex flex-wrap gap-3">
                    <Button weight=Weight::Primary>"Send invitation"</Button>
                    <LinkButton href=back>"Cancel"</LinkButton>
                </div>
            </form>
        }
        .into_html())
    })
}
