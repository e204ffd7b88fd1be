//! Changing the role of a staff member, and removing one.

use domain::id::UserId;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::html::IntoHtml;
use crate::{
    api::ops_staff::{ChangeStaff, RemoveStaff, load_staff},
    components::{
        button::{Button, LinkButton, Weight},
        heading::Heading,
        role_field::RoleField,
    },
    links,
    pages::ops_page,
};

/// `/ops/staff/:usr`
#[component]
pub fn ChangeStaffPage() -> impl IntoView {
    ops_page(async |place, _| {
        let id = UserId::parse(&place.param("usr"))?;
        let (roster, own) = load_staff().await?;
        let member = roster.member(&id)?.clone();
        let heading = view! { <Heading title=format!("Change role of {}", member.user.email)/> };
        if id.as_str() == own {
            return Ok(view! { {heading} <OwnRole/> }.into_html());
        }
        Ok(view! {
            {heading}
            <form class="grid max-w-column gap-6" method="post" action=ChangeStaff::PATH>
                <input type="hidden" name="usr" value=id.to_string()/>
                <RoleField chosen=member.role/>
                <p class="text-ink-2">"The new role applies immediately. If it doesn’t include support, their support sessions end."</p>
                <div class="flex flex-wrap gap-3">
                    <Button weight=Weight::Primary>"Save role"</Button>
                    <LinkButton href=links::OPS_STAFF>"Cancel"</LinkButton>
                </div>
            </form>
        }
        .into_html())
    })
}

/// `/ops/staff/:usr/remove`
#[component]
pub fn RemoveStaffPage() -> impl IntoView {
    ops_page(async |place, _| {
        let id = UserId::parse(&place.param("usr"))?;
        let (roster, own) = load_staff().await?;
        let member = roster.member(&id)?.clone();
        let heading = view! { <Heading title=format!("Remove {} from the staff?", member.user.email)/> };
        if id.as_str() == own {
            return Ok(view! { {heading} <OwnRole/> }.into_html());
        }
        Ok(view! {
            {heading}
            <p class="max-w-column">
                "They lose access to ops and support immediately, in every browser, and their support sessions end. Their actions stay in the audit logs, \
                 and they remain a member of their accounts. You can invite them again."
            </p>
            <form class="flex flex-wrap gap-3" method="post" action=RemoveStaff::PATH>
                <input type="hidden" name="usr" value=id.to_string()/>
                <Button weight=Weight::Final>"Remove from staff"</Button>
                <LinkButton href=links::OPS_STAFF>"Cancel"</LinkButton>
            </form>
        }
        .into_html())
    })
}

#[component]
fn OwnRole() -> impl IntoView {
    view! {
        <p class="max-w-column">"You can’t change your own role. Ask another operator to change it."</p>
        <p><LinkButton href=links::OPS_STAFF>"Back to staff"</LinkButton></p>
    }
}
