//! The page that asks before a waiting delivery is ended.

use domain::actor::Permission;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::html::IntoHtml;
use crate::{
    api::{self, deliveries::Cancel},
    components::{
        button::{Button, LinkButton, Weight},
        heading::Heading,
        rail::Part,
    },
    links,
    pages::account_page,
};

/// `/a/:acct/deliveries/:dlv/cancel`
#[component]
pub fn CancelPage() -> impl IntoView {
    account_page(Part::Deliveries, async |place, frame| {
        frame.need(Permission::WriteDeliveries)?;
        let row = api::deliveries::show(place.acct.clone(), place.param("dlv")).await?.row;
        let page = links::delivery(&place.acct, row.id.as_str());
        let words = if row.status.is_final() {
            "It has already ended; there is nothing to cancel."
        } else {
            "No further attempt is made. The delivery stays readable, and can be resent later."
        };
        let form = (!row.status.is_final()).then(|| {
            view! {
                <input type="hidden" name="acct" value=place.acct.clone()/>
                <input type="hidden" name="dlv" value=row.id.to_string()/>
                <Button weight=Weight::Final>"Cancel delivery"</Button>
            }
        });
        Ok(view! {
            <Heading title=format!("Cancel {} to {}?", row.kind, row.endpoint_name)/>
            <p class="max-w-column">{words}</p>
            <form method="post" action=Cancel::PATH class="flex flex-wrap gap-2">
                {form}
                <LinkButton href=page>"Keep it"</LinkButton>
            </form>
        }
        .into_html())
    })
}
