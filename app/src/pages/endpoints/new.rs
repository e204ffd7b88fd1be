//! Creating an endpoint.

use domain::actor::Permission;
use domain::endpoint::EndpointForm;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::duplicate::Duplicate;
use crate::api::endpoints::CreateEndpoint;
use crate::components::button::{Button, Weight};
use crate::components::endpoint_fields::{AdvancedFields, EventsField, UrlField, blank_form, typed_or};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::sidebar::Part;
use crate::html::IntoHtml;
use crate::pages::account_page;

/// `/a/:acct/endpoints/new`
#[component]
pub fn NewEndpointPage() -> impl IntoView {
    account_page(Part::Endpoints, async |route, frame| {
        frame.need(Permission::WriteEndpoints)?;
        let form = typed_or(&frame.visit.flash, blank_form());
        Ok(view! {
            <Heading title="New endpoint"/>
            <NewForm acct=route.acct form=form/>
        }
        .into_html())
    })
}

#[component]
fn NewForm(acct: String, form: EndpointForm) -> impl IntoView {
    view! {
        <form class="grid max-w-column gap-6" method="post" action=CreateEndpoint::PATH>
            <input type="hidden" name="acct" value=acct.clone()/>
            <div><UrlField value=form.url.clone()/> <Duplicate acct=acct/></div>
            <EventsField selected=form.events.clone()/>
            <Field name="name" label="Name" value=form.name.clone() hint="Shown only to your team. Defaults to the host."/>
            <Field name="auth_token" label="Auth token" value=form.auth_token.clone()
                hint="Identifies us to your server. Sent as auth_token in every request body. Generated if left blank."/>
            <AdvancedFields form=form/>
            <div class="flex flex-wrap gap-3">
                <Button weight=Weight::Primary name="then" value="test">"Save and send test"</Button>
                <Button name="then" value="save">"Save"</Button>
            </div>
        </form>
    }
}
