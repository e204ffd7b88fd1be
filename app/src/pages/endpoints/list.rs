//! All endpoints of an account, failing ones first.

use domain::actor::Permission;
use leptos::prelude::*;

use super::rows::EndpointRows;
use crate::api;
use crate::components::button::{LinkButton, Weight};
use crate::components::empty_state::EmptyState;
use crate::components::heading::Heading;
use crate::components::render_context::RenderContext;
use crate::components::sidebar::Part;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

/// `/a/:acct/endpoints`
#[component]
pub fn EndpointsPage() -> impl IntoView {
    account_page(Part::Endpoints, async |route, frame| {
        let endpoints = api::endpoints::load_endpoints(route.acct.clone()).await?;
        let may = frame.may(Permission::WriteEndpoints);
        let view = RenderContext::from(&frame);
        if endpoints.is_empty() {
            return Ok(empty(&route.acct, may).into_html());
        }
        let new = links::account(&route.acct, "endpoints/new");
        let rotates = frame.may(Permission::RotateCredentials);
        let rotate = links::account(&route.acct, "rotate");
        Ok(view! {
            <Heading title="Endpoints">
                {rotates.then(|| view! { <LinkButton href=rotate>"Rotate all credentials"</LinkButton> })}
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
        <EmptyState title="No endpoints yet" words="An endpoint is a URL on your server that receives call events as JSON.">
            {may.then(|| view! { <LinkButton weight=Weight::Primary href=start>"Set up your first endpoint"</LinkButton> })}
        </EmptyState>
    }
}
