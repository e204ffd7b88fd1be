//! An event's page: its deliveries or why it was not sent, its payload, its details.

use domain::{body::pretty, event::EventDetail};
use leptos::prelude::*;

use super::outcome::Outcome;
use crate::html::IntoHtml;
use crate::{
    api,
    components::{
        code_block::CodeBlock,
        heading::Heading,
        key_value::{Facts, IdText, KeyValue},
        panel::Panel,
        render_context::RenderContext,
        sidebar::Part,
        time_text::{AgoText, TimeForm, TimeText},
    },
    links,
    pages::{account_page, deliveries::Rows, support::numbers::Numbers},
};

/// `/a/:acct/events/:evt`
#[component]
pub fn EventPage() -> impl IntoView {
    account_page(Part::Events, async |route, frame| {
        let detail = api::events::show(route.acct.clone(), route.param("evt")).await?;
        let view = RenderContext::from(&frame);
        let deliveries = detail.deliveries.clone();
        let statuses = deliveries.iter().map(|row| row.status).collect();
        let row = detail.event.clone();
        let numbers = view! { <Numbers frame=frame event=row.id caller=row.caller callee=row.callee/> };
        Ok(view! {
            <a class="inline-flex w-fit items-center min-h-6 text-table" href=view.path("events")>"← Events"</a>
            <Heading title=detail.event.kind.as_str() lead=detail.event.kind.meaning()/>
            <section class="grid gap-2" aria-labelledby="deliveries">
                <h2 class="text-large font-bold" id="deliveries">"Deliveries"</h2>
                <p><Outcome event=detail.event.clone() deliveries=statuses view=view.clone()/></p>
                {(!deliveries.is_empty()).then(|| view! { <Rows rows=deliveries view=view.clone() level=3/> })}
            </section>
            {numbers}
            <Payload payload=detail.payload.clone() details=detail.details.clone()/>
            <EventDetails detail=detail view=view/>
        }
        .into_html())
    })
}

#[component]
fn Payload(payload: Option<String>, details: Option<String>) -> impl IntoView {
    let content = match payload {
        Some(payload) => view! { <CodeBlock text=pretty(&payload) copies=payload what="raw JSON"/> }.into_html(),
        None => view! { <p class="text-ink-2">"The payload is past its retention period and has been deleted."</p> }
            .into_html(),
    };
    let details = details.map(|details| {
        view! {
            <h3 class="mt-4 font-semibold">"Details"</h3>
            <p class="mb-2 text-ink-2">"Sent beside the payload, to endpoints that ask for details."</p>
            <CodeBlock text=pretty(&details) copies=details what="details as raw JSON"/>
        }
    });
    view! { <Panel title="Payload" id="payload">{content} {details}</Panel> }
}

#[component]
fn EventDetails(detail: EventDetail, view: RenderContext) -> impl IntoView {
    let event = detail.event;
    let occurred = domain::UnixMs(event.timestamp.saturating_mul(domain::time::SECOND_MS));
    let occurred = view! { <TimeText at=occurred form=TimeForm::Full view=view.clone()/> };
    let accepted = view! {
        <TimeText at=event.accepted_at form=TimeForm::Full view=view.clone()/>
        <span class="text-ink-3"><AgoText at=event.accepted_at view=view.clone()/></span>
    };
    let call = links::call(&view.acct, &event.call_id);
    view! {
        <Panel title="Details" id="details">
            <Facts>
                <KeyValue name="Event"><IdText id=event.id.to_string() what="event ID"/></KeyValue>
                <KeyValue name="Call"><IdText id=event.call_id what="call ID"/> <a href=call>"View call"</a></KeyValue>
                <KeyValue name="Occurred">{occurred}</KeyValue>
                <KeyValue name="Accepted">{accepted}</KeyValue>
            </Facts>
        </Panel>
    }
}
