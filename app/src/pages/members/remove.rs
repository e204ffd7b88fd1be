//! Confirmation before a member is removed, or leaves.

use domain::actor::Permission;
use domain::id::UserId;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{account_field, own_role};
use crate::api::members::{RemoveMember, RemoveStaff, load_members};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::heading::Heading;
use crate::components::sidebar::Part;
use crate::html::{Html, IntoHtml};
use crate::links::{self, TeamPages};
use crate::pages::{account_page, ops_page};

const MEMBER_WORDS: &str = "They lose access immediately, in every browser. The account’s API tokens and endpoints don’t change. \
                            You can invite them again.";
const STAFF_WORDS: &str = "They lose access to ops and support immediately, in every browser, and their support sessions end. Their \
                           actions stay in the audit logs, and they remain a member of their accounts. You can invite them again.";

/// `/a/:acct/members/:usr/remove`
#[component]
pub fn RemoveMemberPage() -> impl IntoView {
    account_page(Part::Members, async |place, frame| {
        let id = UserId::parse(&place.param("usr"))?;
        let team = TeamPages::Account(place.acct.clone());
        if id == frame.user.id {
            let title = format!("Leave {}?", frame.here.account.name);
            let words = "You’ll lose access to this account. An admin can invite you again.";
            let manages = frame.may(Permission::ManageMembers);
            let back = if manages { team.list() } else { links::account(&place.acct, "") };
            return Ok(confirm(&team, &id, title, words, "Leave account", back));
        }
        frame.need(Permission::ManageMembers)?;
        let member = load_members(&team).await?.0.member(&id)?.clone();
        let title = format!("Remove {}?", member.user.email);
        Ok(confirm(&team, &id, title, MEMBER_WORDS, "Remove member", team.list()))
    })
}

/// `/ops/staff/:usr/remove`
#[component]
pub fn RemoveStaffPage() -> impl IntoView {
    ops_page(async |place, _| {
        let (team, id) = (TeamPages::Staff, UserId::parse(&place.param("usr"))?);
        let (list, own) = load_members(&team).await?;
        let title = format!("Remove {} from the staff?", list.member(&id)?.user.email);
        if id.as_str() == own {
            return Ok(view! { <Heading title=title/> {own_role(&team)} }.into_html());
        }
        Ok(confirm(&team, &id, title, STAFF_WORDS, "Remove from staff", team.list()))
    })
}

fn confirm(
    team: &TeamPages,
    id: &UserId,
    title: String,
    words: &'static str,
    verb: &'static str,
    back: String,
) -> Html {
    let action = if *team == TeamPages::Staff { RemoveStaff::PATH } else { RemoveMember::PATH };
    view! {
        <Heading title=title/>
        <p class="max-w-column">{words}</p>
        <form class="flex flex-wrap gap-3" method="post" action=action>
            {account_field(team)}
            <input type="hidden" name="usr" value=id.to_string()/>
            <Button weight=Weight::Final>{verb}</Button>
            <LinkButton href=back>"Cancel"</LinkButton>
        </form>
    }
    .into_html()
}
