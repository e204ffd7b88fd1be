//! The page that asks before an endpoint is deleted.

use domain::actor::Permission;
use domain::endpoint::EndpointState;
use domain::time::counted;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::api::endpoints::{DeleteEndpoint, PauseEndpoint, load_endpoint};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::heading::Heading;
use crate::components::rail::Part;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

/// `/a/:acct/endpoints/:ep/delete`
#[component]
pub fn DeleteEndpointPage() -> impl IntoView {
    account_page(Part::Endpoints, async |place, frame| {
        frame.need(Permission::WriteEndpoints)?;
        let (summary, _) = load_endpoint(place.acct.clone(), place.param("ep")).await?;
        let (acct, ep) = (place.acct, summary.endpoint.id.to_string());
        let pause = (summary.endpoint.state == EndpointState::Active).then(|| pause(&acct, &ep));
        let keep = links::endpoint(&acct, &ep, "");
        Ok(view! {
            <Heading title=format!("Delete endpoint {}?", summary.endpoint.name)/>
            <div class="grid max-w-column gap-2">
                <p>{consequence(summary.waiting)}</p>
                <p>"Its deliveries stay readable. Its auth token and signing secret are gone for good."</p>
            </div>
            {pause}
            <form class="flex flex-wrap gap-3" method="post" action=DeleteEndpoint::PATH>
                <input type="hidden" name="acct" value=acct/>
                <input type="hidden" name="ep" value=ep/>
                <Button weight=Weight::Final>"Delete endpoint"</Button>
                <LinkButton href=keep>"Keep it"</LinkButton>
            </form>
        }
        .into_html())
    })
}

fn consequence(waiting: u32) -> String {
    match waiting {
        0 => "No event is waiting for it. New events will not be sent here.".to_owned(),
        n => {
            format!("{} will be dropped, and new events will not be sent here.", counted(i64::from(n), "waiting event"))
        }
    }
}

/// The same peace without the loss.
fn pause(acct: &str, ep: &str) -> impl IntoView + use<> {
    view! {
        <form class="flex max-w-column flex-wrap items-center gap-3 border-l-4 border-held-fill bg-held-soft px-4 py-3" method="post" action=PauseEndpoint::PATH>
            <input type="hidden" name="acct" value=acct.to_owned()/>
            <input type="hidden" name="ep" value=ep.to_owned()/>
            <p class="min-w-60 flex-1">"Pausing loses nothing: events wait until you resume."</p>
            <Button>"Pause instead"</Button>
        </form>
    }
}
