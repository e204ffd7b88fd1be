//! Confirmation before a member is removed, or leaves.

use domain::actor::Permission;
use domain::id::UserId;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::api::members::{RemoveMember, load_roster};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::heading::Heading;
use crate::components::sidebar::Part;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

/// `/a/:acct/members/:usr/remove`
#[component]
pub fn RemoveMemberPage() -> impl IntoView {
    account_page(Part::Members, async |place, frame| {
        let id = UserId::parse(&place.param("usr"))?;
        let leaves = id == frame.user.id;
        let name = frame.here.account.name.clone();
        let (title, words, verb) = if leaves {
            let words = "You’ll lose access to this account. An admin can invite you again.";
            (format!("Leave {name}?"), words, "Leave account")
        } else {
            frame.need(Permission::ManageMembers)?;
            let member = load_roster(place.acct.clone()).await?.member(&id)?.clone();
            let words = "They lose access immediately, in every browser. The account’s API tokens and endpoints don’t change. You can invite them again.";
            (format!("Remove {}?", member.user.email), words, "Remove member")
        };
        let back = links::account(&place.acct, if frame.may(Permission::ManageMembers) { "members" } else { "" });
        Ok(view! {
            <Heading title=title/>
            <p class="max-w-column">{words}</p>
            <form class="flex flex-wrap gap-3" method="post" action=RemoveMember::PATH>
                <input type="hidden" name="acct" value=place.acct/>
                <input type="hidden" name="usr" value=id.to_string()/>
                <Button weight=Weight::Final>{verb}</Button>
                <LinkButton href=back>"Cancel"</LinkButton>
            </form>
        }
        .into_html())
    })
}
