//! The page that asks before an account is suspended.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::html::IntoHtml;
use crate::{
    api::ops::{SuspendAccount, load_account},
    components::{
        button::{Button, LinkButton, Weight},
        field::Lines,
        heading::Heading,
    },
    links,
    pages::ops_page,
};

/// `/ops/accounts/:acct/suspend`
#[component]
pub fn SuspendPage() -> impl IntoView {
    ops_page(async |place, _| {
        let account = load_account(place.acct.clone()).await?.row.account;
        let reason = account.suspended.clone().map(|suspension| suspension.reason).unwrap_or_default();
        let (title, verb) = if account.suspended.is_some() {
            (format!("Why is {} suspended?", account.name), "Save reason")
        } else {
            (format!("Suspend {}?", account.name), "Suspend account")
        };
        let back = links::ops_account(account.id.as_str(), "");
        Ok(view! {
            <Heading title=title/>
            <ul class="grid max-w-column list-disc gap-1 pl-5">
                <li>"Events for the account are still accepted from the platform, and held. None is dropped for this."</li>
                <li>"Nothing is sent to its endpoints. Attempts under way are finished."</li>
                <li>"Its API tokens are refused, with the reason. On other nodes this takes up to two seconds."</li>
                <li>"Its people read everything and change nothing, under a band with the reason."</li>
                <li>"When it is resumed, held events go out; news of calls that are long over expire."</li>
            </ul>
            <form class="grid max-w-column gap-6" method="post" action=SuspendAccount::PATH>
                <input type="hidden" name="acct" value=account.id.to_string()/>
                <Lines name="reason" label="Reason" value=reason rows=3 required=true
                    hint="4 to 300 characters. The account’s people and programs read it."/>
                <div class="flex flex-wrap gap-3">
                    <Button weight=Weight::Final>{verb}</Button>
                    <LinkButton href=back>"Leave it as it is"</LinkButton>
                </div>
            </form>
        }
        .into_html())
    })
}
