//! Changing a member's role.

use domain::actor::Permission;
use domain::id::UserId;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{account_field, own_role};
use crate::api::members::{ChangeRole, ChangeStaff, load_members};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::heading::Heading;
use crate::components::role_field::RoleField;
use crate::components::sidebar::Part;
use crate::error::UiError;
use crate::html::{Html, IntoHtml};
use crate::links::TeamPages;
use crate::pages::{account_page, ops_page};

/// `/a/:acct/members/:usr`
#[component]
pub fn MemberPage() -> impl IntoView {
    account_page(Part::Members, async |place, frame| {
        frame.need(Permission::ManageMembers)?;
        change(TeamPages::Account(place.acct.clone()), &place.param("usr")).await
    })
}

/// `/ops/staff/:usr`
#[component]
pub fn ChangeStaffPage() -> impl IntoView {
    ops_page(async |place, _| change(TeamPages::Staff, &place.param("usr")).await)
}

async fn change(team: TeamPages, usr: &str) -> Result<Html, UiError> {
    let id = UserId::parse(usr)?;
    let (list, own) = load_members(&team).await?;
    let member = list.member(&id)?.clone();
    let heading = view! { <Heading title=format!("Change role of {}", member.user.email)/> };
    if id.as_str() == own {
        return Ok(view! { {heading} {own_role(&team)} }.into_html());
    }
    let (action, note) = match team {
        TeamPages::Account(_) => (ChangeRole::PATH, None),
        TeamPages::Staff => {
            let words = "The new role applies immediately. If it doesn’t include support, their support sessions end.";
            (ChangeStaff::PATH, Some(view! { <p class="text-ink-2">{words}</p> }))
        }
    };
    Ok(view! {
        {heading}
        <form class="grid max-w-column gap-6" method="post" action=action>
            {account_field(&team)}
            <input type="hidden" name="usr" value=id.to_string()/>
            <RoleField chosen=member.role/>
            {note}
            <div class="flex flex-wrap gap-3">
                <Button weight=Weight::Primary>"Save role"</Button>
                <LinkButton href=team.list()>"Cancel"</LinkButton>
            </div>
        </form>
    }
    .into_html())
}
