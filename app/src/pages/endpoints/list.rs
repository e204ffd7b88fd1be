//! All endpoints of an account, failing ones first.

use domain::actor::Permission;
use leptos::prelude::*;

use super::rows::EndpointRows;
use crate::api;
use crate::components::button::{LinkButton, Weight};
use crate::components::empty_state::EmptyState;
use crate::components::heading::Heading;
use crate::components::rail::Part;
use crate::components::viewpoint::Viewpoint;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

/// `/a/:acct/endpoints`
#[component]
pub fn EndpointsPage() -> impl IntoView {
    account_page(Part::Endpoints, async |place, frame| {
        let endpoints = api::endpoints::load_endpoints(place.acct.clone()).await?;
        let may = frame.may(Permission::WriteEndpoints);
        let view = Viewpoint::from(&frame);
        if endpoints.is_empty() {
            return Ok(empty(&place.acct, may).into_html());
        }
        let new = links::account(&place.acct, "endpoints/new");
        let rotates = frame.may(Permission::RotateCredentials);
        let rotate = links::account(&place.acct, "rotate");
        Ok(view! {
            <Heading title="Endpoints">
                {rotates.then(|| view! { <LinkButton href=rotate>"Rotate everywhere"</LinkButton> })}
                {may.then(|| view! { <LinkButton weight=Weight::Primary href=new>"New endpoint"</LinkButton> })}
            </Heading>
            <EndpointRows endpoints=endpoints view=view/>
        }
        .into_html())
    })
}

fn empty(acct: &str, may: bool) -> impl IntoView + use<> {
    let start = links::account(acct, "start");
    view! {
        <Heading title="Endpoints"/>
        <EmptyState title="Your endpoints will be here" words="An endpoint is a URL of yours that receives call events as JSON.">
            {may.then(|| view! { <LinkButton weight=Weight::Primary href=start>"Set up the first endpoint"</LinkButton> })}
        </EmptyState>
    }
}
