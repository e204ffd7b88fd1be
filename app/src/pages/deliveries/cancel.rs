//! The confirmation page before a waiting delivery is cancelled.

use domain::actor::Permission;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::html::IntoHtml;
use crate::{
    api::{self, deliveries::Cancel},
    components::{
        button::{Button, LinkButton, Weight},
        heading::Heading,
        sidebar::Part,
    },
    links,
    pages::account_page,
};

/// `/a/:acct/deliveries/:dlv/cancel`
#[component]
pub fn CancelPage() -> impl IntoView {
    account_page(Part::Deliveries, async |route, frame| {
        frame.need(Permission::WriteDeliveries)?;
        let row = api::deliveries::show(route.acct.clone(), route.param("dlv"), None).await?.row;
        let page = links::delivery(&route.acct, row.id.as_str());
        let consequence = if row.status.is_final() {
            "This delivery is already finished, so there is nothing to cancel."
        } else {
            "No further attempts are made. You can still view the delivery and resend it later."
        };
        let form = (!row.status.is_final()).then(|| {
            view! {
                <input type="hidden" name="acct" value=route.acct.clone()/>
                <input type="hidden" name="dlv" value=row.id.to_string()/>
                <Button weight=Weight::Final>"Cancel delivery"</Button>
            }
        });
        Ok(view! {
            <Heading title=format!("Cancel {} to {}?", row.kind, row.endpoint_name)/>
            <p class="max-w-column">{consequence}</p>
            <form method="post" action=Cancel::PATH class="flex flex-wrap gap-2">
                {form}
                <LinkButton href=page>"Cancel"</LinkButton>
            </form>
        }
        .into_html())
    })
}
