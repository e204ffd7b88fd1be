//! Changing a member's role.

use domain::actor::Permission;
use domain::id::UserId;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::api::members::{ChangeRole, load_roster};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::heading::Heading;
use crate::components::role_field::RoleField;
use crate::components::sidebar::Part;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

/// `/a/:acct/members/:usr`
#[component]
pub fn MemberPage() -> impl IntoView {
    account_page(Part::Members, async |place, frame| {
        frame.need(Permission::ManageMembers)?;
        let id = UserId::parse(&place.param("usr"))?;
        let member = load_roster(place.acct.clone()).await?.member(&id)?.clone();
        let back = links::account(&place.acct, "members");
        let heading = view! { <Heading title=format!("Change role of {}", member.user.email)/> };
        if id == frame.user.id {
            return Ok(view! {
                {heading}
                <p class="max-w-column">"You can’t change your own role. Ask another admin to change it."</p>
                <p><LinkButton href=back>"Back to members"</LinkButton></p>
            }
            .into_html());
        }
        Ok(view! {
            {heading}
            <form class="grid max-w-column gap-6" method="post" action=ChangeRole::PATH>
                <input type="hidden" name="acct" value=place.acct/>
                <input type="hidden" name="usr" value=id.to_string()/>
                <RoleField chosen=member.role/>
                <div class="flex flex-wrap gap-3">
                    <Button weight=Weight::Primary>"Save role"</Button>
                    <LinkButton href=back>"Cancel"</LinkButton>
                </div>
            </form>
        }
        .into_html())
    })
}
