//! Confirmation before a member is removed, or leaves.

use domain::actor::Permission;
use domain::id::UserId;
use domain::token::ApiToken;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{account_field, own_role};
use crate::api::members::{RemoveMember, RemoveStaff, load_members, load_tokens_of};
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
            let tokens = if frame.may(Permission::ManageTokens) {
                load_tokens_of(&team, &frame.user.email).await?
            } else {
                Vec::new()
            };
            let words = consequences(&team, words, tokens);
            return Ok(confirm(&team, &id, title, words, "Leave account", back));
        }
        frame.need(Permission::ManageMembers)?;
        let email = load_members(&team).await?.0.member(&id)?.user.email.clone();
        let words = consequences(&team, MEMBER_WORDS, load_tokens_of(&team, &email).await?);
        let title = format!("Remove {email}?");
        Ok(confirm(&team, &id, title, words, "Remove member", team.list()))
    })
}

/// `/ops/staff/:usr/remove`
#[component]
pub fn RemoveStaffPage() -> impl IntoView {
    ops_page(async |place, _| {
        let (team, id) = (TeamPages::Staff, UserId::parse(&place.param("usr"))?);
        let (list, own) = load_members(&team).await?;
        let email = list.member(&id)?.user.email.clone();
        let title = format!("Remove {email} from the staff?");
        if id.as_str() == own {
            return Ok(view! { <Heading title=title/> {own_role(&team)} }.into_html());
        }
        let words = consequences(&team, STAFF_WORDS, load_tokens_of(&team, &email).await?);
        Ok(confirm(&team, &id, title, words, "Remove from staff", team.list()))
    })
}

/// What follows, and the tokens that the user created, with links to where they are rotated or revoked.
fn consequences(team: &TeamPages, words: &'static str, tokens: Vec<ApiToken>) -> Html {
    let words = view! { <p class="max-w-column">{words}</p> };
    if tokens.is_empty() {
        return words.into_html();
    }
    let link = |token: ApiToken| {
        let href = match team {
            TeamPages::Account(acct) => links::token(acct, token.id.as_str()),
            TeamPages::Staff => links::ops_token(token.id.as_str()),
        };
        view! { <li><a class="wrap-anywhere" href=href>{token.name}</a> " (ends in " <code>{token.hint}</code> ")"</li> }
    };
    let items = tokens.into_iter().map(link).collect_view();
    view! {
        {words}
        <div class="grid max-w-column gap-1">
            <p>"These API tokens were created by this user and keep working. Rotate or revoke those that they may know:"</p>
            <ul class="list-disc pl-5">{items}</ul>
        </div>
    }
    .into_html()
}

fn confirm(team: &TeamPages, id: &UserId, title: String, words: Html, verb: &'static str, back: String) -> Html {
    let action = if *team == TeamPages::Staff { RemoveStaff::PATH } else { RemoveMember::PATH };
    view! {
        <Heading title=title/>
        {words}
        <form class="flex flex-wrap gap-3" method="post" action=action>
            {account_field(team)}
            <input type="hidden" name="usr" value=id.to_string()/>
            <Button weight=Weight::Final>{verb}</Button>
            <LinkButton href=back>"Cancel"</LinkButton>
        </form>
    }
    .into_html()
}
