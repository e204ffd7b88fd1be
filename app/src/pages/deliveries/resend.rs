//! The page that asks before a delivery is sent again: what, where, and as what.

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
        rail::Part,
        time_text::{TimeForm, TimeText},
        viewpoint::Viewpoint,
    },
    links,
    pages::account_page,
};

/// `/a/:acct/deliveries/:dlv/resend`
#[component]
pub fn ResendPage() -> impl IntoView {
    account_page(Part::Deliveries, async |place, frame| {
        frame.need(Permission::WriteDeliveries)?;
        let (detail, endpoint) = api::deliveries::show_with_endpoint(place.acct.clone(), place.param("dlv")).await?;
        let view = Viewpoint::from(&frame);
        let page = links::delivery(&place.acct, detail.row.id.as_str());
        let title = format!("Resend {} to {}?", detail.row.kind, detail.row.endpoint_name);
        let hindrance = hindrance(&detail, &endpoint.endpoint);
        let form = hindrance.is_none().then(|| {
            view! {
                <input type="hidden" name="acct" value=place.acct.clone()/>
                <input type="hidden" name="dlv" value=detail.row.id.to_string()/>
                <Button weight=Weight::Primary>"Resend delivery"</Button>
            }
        });
        Ok(view! {
            <Heading title=title/>
            <WhatIsSent detail=detail.clone() endpoint=endpoint.endpoint view=view/>
            {hindrance.map(|words| view! { <p class="max-w-column text-failed">{words}</p> })}
            <form method="post" action=Resend::PATH class="flex flex-wrap gap-2">
                {form}
                <LinkButton href=page>"Keep it as it is"</LinkButton>
            </form>
        }
        .into_html())
    })
}

/// Why this delivery cannot be sent again, with what to do. The engine decides again when it is asked.
fn hindrance(detail: &DeliveryDetail, endpoint: &Endpoint) -> Option<&'static str> {
    if endpoint.state == EndpointState::Deleted {
        Some("Its endpoint was deleted. Deliveries of a deleted endpoint stay readable, and are not sent any more.")
    } else if detail.payload.is_none() {
        Some("Its payload is past retention, so there is nothing left to send.")
    } else {
        None
    }
}

/// What somebody who resends should know about the endpoint as it is now.
fn note(detail: &DeliveryDetail, endpoint: &Endpoint) -> Option<&'static str> {
    let tried = detail.attempts.last();
    match endpoint.state {
        EndpointState::Paused | EndpointState::Disabled => {
            Some("The endpoint is paused: the delivery waits until it is resumed.")
        }
        _ if tried.is_some_and(|attempt| attempt.url != endpoint.url.as_str()) => {
            Some("The endpoint's URL has been changed since the latest attempt: it goes to the new one.")
        }
        _ if detail.row.status == Status::Delivered => {
            Some("Your server has already taken this event. It gets it again with the same id, so that it can tell.")
        }
        _ => None,
    }
}

/// How many attempts follow: a new round for what has ended, else only the next one sooner.
fn attempts(row: &DeliveryRow) -> String {
    if row.status.is_final() {
        format!("up to {} more; it has had {}", row.rhythm.attempts(), row.attempts)
    } else {
        format!("number {} of {}, now instead of later", row.attempts + 1, row.attempts_at_most())
    }
}

#[component]
fn WhatIsSent(detail: DeliveryDetail, endpoint: Endpoint, view: Viewpoint) -> impl IntoView {
    let note = note(&detail, &endpoint);
    let row = detail.row;
    let accepted = view! { <TimeText at=row.created_at form=TimeForm::Full view=view/> };
    let attempts = attempts(&row);
    view! {
        <div class="grid gap-3 max-w-column">
            <Facts>
                <KeyValue name="What"><span>{format!("{} of ", row.kind)}{accepted}</span></KeyValue>
                <KeyValue name="Where">{endpoint.url.as_str().to_owned()}</KeyValue>
                <KeyValue name="Event id"><code class="text-meta">{row.event_id.to_string()}</code> "the same as before"</KeyValue>
                <KeyValue name="Timestamp">"new: the second of the attempt"</KeyValue>
                <KeyValue name="Credentials">"the endpoint’s auth token and signing secret as they are then"</KeyValue>
                <KeyValue name="Attempts">{attempts}</KeyValue>
            </Facts>
            {note.map(|words| view! { <p class="border-l-4 border-retrying-fill bg-retrying-soft px-3 py-2 text-retrying">{words}</p> })}
        </div>
    }
}
