//! The confirmation page before a delivery is resent.

use domain::actor::Permission;
use domain::{
    delivery::{DeliveryDetail, DeliveryRow, Status},
    endpoint::{Endpoint, EndpointState},
};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::html::IntoHtml;
use crate::{
    api::{self, deliveries::Resend},
    components::{
        button::{Button, LinkButton, Weight},
        heading::Heading,
        key_value::{Facts, KeyValue},
        render_context::RenderContext,
        sidebar::Part,
        time_text::{TimeForm, TimeText},
    },
    links,
    pages::account_page,
};

/// `/a/:acct/deliveries/:dlv/resend`
#[component]
pub fn ResendPage() -> impl IntoView {
    account_page(Part::Deliveries, async |route, frame| {
        frame.need(Permission::WriteDeliveries)?;
        let (detail, endpoint) = api::deliveries::show_with_endpoint(route.acct.clone(), route.param("dlv")).await?;
        let view = RenderContext::from(&frame);
        let page = links::delivery(&route.acct, detail.row.id.as_str());
        let title = format!("Resend {} to {}?", detail.row.kind, detail.row.endpoint_name);
        let obstacle = obstacle(&detail, &endpoint.endpoint);
        let form = obstacle.is_none().then(|| {
            view! {
                <input type="hidden" name="acct" value=route.acct.clone()/>
                <input type="hidden" name="dlv" value=detail.row.id.to_string()/>
                <Button weight=Weight::Primary>"Resend delivery"</Button>
            }
        });
        Ok(view! {
            <Heading title=title/>
            <WhatIsSent detail=detail.clone() endpoint=endpoint.endpoint view=view/>
            {obstacle.map(|text| view! { <p class="max-w-column text-failed">{text}</p> })}
            <form method="post" action=Resend::PATH class="flex flex-wrap gap-2">
                {form}
                <LinkButton href=page>"Cancel"</LinkButton>
            </form>
        }
        .into_html())
    })
}

/// Why this delivery cannot be resent. The backend checks again.
fn obstacle(detail: &DeliveryDetail, endpoint: &Endpoint) -> Option<&'static str> {
    if endpoint.state == EndpointState::Deleted {
        Some("This delivery can't be resent because its endpoint was deleted.")
    } else if detail.payload.is_none() {
        Some("This delivery can't be resent because its payload is past its retention period.")
    } else {
        None
    }
}

/// What to know about the endpoint before resending.
fn note(detail: &DeliveryDetail, endpoint: &Endpoint) -> Option<&'static str> {
    let last = detail.attempts.last();
    match endpoint.state {
        EndpointState::Paused | EndpointState::Disabled => {
            Some("The endpoint is paused. The delivery waits until you resume it.")
        }
        _ if last.is_some_and(|attempt| attempt.url != endpoint.url.as_str()) => {
            Some("The endpoint's URL has changed since the last attempt. The delivery is sent to the new URL.")
        }
        _ if detail.row.status == Status::Delivered => Some(
            "Your server has already accepted this event. It is resent with the same ID, so your server can recognise it.",
        ),
        _ => None,
    }
}

/// How many attempts follow: a new series for a finished delivery, otherwise only the next one, sooner.
fn attempts(row: &DeliveryRow) -> String {
    if row.status.is_final() {
        format!("Up to {} more ({} so far)", row.policy.attempts(), row.attempts)
    } else {
        format!("Attempt {} of {}, now instead of later", row.attempts + 1, row.attempts_at_most())
    }
}

#[component]
fn WhatIsSent(detail: DeliveryDetail, endpoint: Endpoint, view: RenderContext) -> impl IntoView {
    let note = note(&detail, &endpoint);
    let row = detail.row;
    let accepted = view! { <TimeText at=row.created_at form=TimeForm::Full view=view/> };
    let attempts = attempts(&row);
    view! {
        <div class="grid gap-3 max-w-column">
            <Facts>
                <KeyValue name="Event"><span>{format!("{}, accepted ", row.kind)}{accepted}</span></KeyValue>
                <KeyValue name="URL">{endpoint.url.as_str().to_owned()}</KeyValue>
                <KeyValue name="Event ID"><code class="text-meta">{row.event_id.to_string()}</code> "(unchanged)"</KeyValue>
                <KeyValue name="Timestamp">"Set when it is resent"</KeyValue>
                <KeyValue name="Credentials">"The endpoint's current auth token and signing secret"</KeyValue>
                <KeyValue name="Attempts">{attempts}</KeyValue>
            </Facts>
            {note.map(|text| view! { <p class="border-l-4 border-retrying-fill bg-retrying-soft px-3 py-2 text-retrying">{text}</p> })}
        </div>
    }
}
