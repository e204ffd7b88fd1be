//! The confirmation page before an endpoint is deleted.

use domain::actor::Permission;
use domain::endpoint::EndpointState;
use domain::time::counted;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::api::endpoints::{DeleteEndpoint, PauseEndpoint, load_endpoint};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::heading::Heading;
use crate::components::sidebar::Part;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

/// `/a/:acct/endpoints/:ep/delete`
#[component]
pub fn DeleteEndpointPage() -> impl IntoView {
    account_page(Part::Endpoints, async |route, frame| {
        frame.need(Permission::WriteEndpoints)?;
        let (summary, _) = load_endpoint(route.acct.clone(), route.param("ep")).await?;
        let (acct, ep) = (route.acct, summary.endpoint.id.to_string());
        let pause = (summary.endpoint.state == EndpointState::Active).then(|| pause(&acct, &ep));
        let back = links::endpoint(&acct, &ep, "");
        Ok(view! {
            <Heading title=format!("Delete endpoint {}?", summary.endpoint.name)/>
            <div class="grid max-w-column gap-2">
                <p>{consequence(summary.waiting)}</p>
                <p>"Past deliveries stay available. The auth token and signing secret are deleted permanently."</p>
            </div>
            {pause}
            <form class="flex flex-wrap gap-3" method="post" action=DeleteEndpoint::PATH>
                <input type="hidden" name="acct" value=acct/>
                <input type="hidden" name="ep" value=ep/>
                <Button weight=Weight::Final>"Delete endpoint"</Button>
                <LinkButton href=back>"Cancel"</LinkButton>
            </form>
        }
        .into_html())
    })
}

fn consequence(waiting: u32) -> String {
    match waiting {
        0 => "No events are waiting. New events won't be sent to this endpoint.".to_owned(),
        n => {
            format!(
                "{} will be dropped, and new events won't be sent to this endpoint.",
                counted(i64::from(n), "waiting event")
            )
        }
    }
}

/// Offers to pause the endpoint instead.
fn pause(acct: &str, ep: &str) -> impl IntoView + use<> {
    view! {
        <form class="flex max-w-column flex-wrap items-center gap-3 border-l-4 border-held-fill bg-held-soft px-4 py-3" method="post" action=PauseEndpoint::PATH>
            <input type="hidden" name="acct" value=acct.to_owned()/>
            <input type="hidden" name="ep" value=ep.to_owned()/>
            <p class="min-w-60 flex-1">"If you pause the endpoint instead, events are held until you resume it."</p>
            <Button>"Pause instead"</Button>
        </form>
    }
}
