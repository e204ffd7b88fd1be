//! Confirmation before an account is suspended.

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
            (format!("Edit suspension of {}", account.name), "Save reason")
        } else {
            (format!("Suspend {}?", account.name), "Suspend account")
        };
        let back = links::ops_account(account.id.as_str(), "");
        Ok(view! {
            <Heading title=title/>
            <ul class="grid max-w-column list-disc gap-1 pl-5">
                <li>"Events from the platform are still accepted and are held. None are lost."</li>
                <li>"Nothing is sent to the account’s endpoints, except attempts that are already in progress."</li>
                <li>"API tokens are rejected, with the reason. On other nodes, this takes up to two seconds."</li>
                <li>"Members have read-only access, and see a banner with the reason."</li>
                <li>"When you resume the account, held events are sent. IncomingCall and OutgoingCall events that are too old expire."</li>
            </ul>
            <form class="grid max-w-column gap-6" method="post" action=SuspendAccount::PATH>
                <input type="hidden" name="acct" value=account.id.to_string()/>
                <Lines name="reason" label="Reason" value=reason rows=3 required=true
                    hint="4 to 300 characters. Shown to members, and returned to API clients."/>
                <div class="flex flex-wrap gap-3">
                    <Button weight=Weight::Final>{verb}</Button>
                    <LinkButton href=back>"Cancel"</LinkButton>
                </div>
            </form>
        }
        .into_html())
    })
}
