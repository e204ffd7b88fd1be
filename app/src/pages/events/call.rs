//! A call: its events in order, each with its deliveries.

use domain::{delivery::DeliveryRow, event::EventRow, phone};
use leptos::prelude::*;

use super::{ladder, outcome::Outcome};
use crate::html::IntoHtml;
use crate::{
    api,
    components::{
        delivery_row::DeliveryItem,
        heading::Heading,
        key_value::IdText,
        render_context::RenderContext,
        sidebar::Part,
        status_badge::TestMark,
        time_text::{TimeForm, TimeText},
    },
    links,
    pages::account_page,
};

/// `/a/:acct/calls/:call`
#[component]
pub fn CallPage() -> impl IntoView {
    account_page(Part::Events, async |route, frame| {
        let call = api::events::show_call(route.acct.clone(), route.param("call")).await?;
        let view = RenderContext::from(&frame);
        let title = call
            .events
            .first()
            .map(|first| format!("Call {} → {}", phone::display(&first.caller), phone::display(&first.callee)));
        let steps = call.events.iter().map(|event| {
            let (first, deliveries) = (call.events.first().unwrap_or(event), of(event, &call.deliveries));
            view! { <Step event=event.clone() offset=ladder::offset(event, first) deliveries=deliveries view=view.clone()/> }
        });
        let steps = steps.collect_view();
        Ok(view! {
            <a class="inline-flex w-fit items-center min-h-6 text-table" href=view.path("events")>"← Calls & events"</a>
            <Heading title=title.unwrap_or_default()/>
            <p class="flex flex-wrap items-center gap-2"><IdText id=route.param("call") what="call ID"/></p>
            {ladder::state(&call.events).map(|text| view! { <p class="max-w-column text-ink-2">{text}</p> })}
            <ol class="border-l-2 border-control">{steps}</ol>
        }
        .into_html())
    })
}

fn of(event: &EventRow, deliveries: &[DeliveryRow]) -> Vec<DeliveryRow> {
    deliveries.iter().filter(|delivery| delivery.event_id == event.id).cloned().collect()
}

/// One event of the call, with its deliveries.
#[component]
fn Step(event: EventRow, offset: String, deliveries: Vec<DeliveryRow>, view: RenderContext) -> impl IntoView {
    let statuses = deliveries.iter().map(|row| row.status).collect();
    let items = deliveries.into_iter().map(|row| view! { <DeliveryItem row=row view=view.clone()/> }).collect_view();
    let happened = domain::UnixMs(event.timestamp.saturating_mul(domain::time::SECOND_MS));
    view! {
        <li class="relative grid gap-2 pb-8 pl-6 before:absolute before:top-2 before:-left-[7px] before:size-3 before:bg-ink">
            <div class="flex flex-wrap items-baseline gap-x-3">
                <h2 class="text-large font-bold"><a href=links::event(&view.acct, event.id.as_str())>{event.kind.as_str()}</a></h2>
                <span class="text-table text-ink-3">{offset}</span>
                {event.test.then(|| view! { <TestMark/> })}
            </div>
            <p class="flex flex-wrap gap-x-5 text-table text-ink-2">
                <span>"Occurred " <TimeText at=happened form=TimeForm::Full view=view.clone()/></span>
                <span>"Accepted " <TimeText at=event.accepted_at form=TimeForm::Full view=view.clone()/></span>
            </p>
            <p class="text-table text-ink-2"><Outcome event=event.clone() deliveries=statuses view=view/></p>
            {(event.deliveries > 0).then(|| view! {
                <ul class="rounded-m border border-line border-b-0 bg-surface">{items}</ul>
            })}
        </li>
    }
    .into_html()
}
