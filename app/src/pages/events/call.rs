//! A call as a ladder: its steps on one time axis, and beside each what every endpoint was sent.

use domain::{call::CallDetail, delivery::DeliveryRow, event::EventRow, time::length};
use leptos::prelude::*;

use super::ladder::{self, Column, Rung};
use crate::html::IntoHtml;
use crate::{
    api,
    components::{
        call_row::{ending, parties, talk},
        cause::CauseLine,
        heading::Heading,
        key_value::IdText,
        render_context::RenderContext,
        sidebar::Part,
        status_badge::{StatusBadge, TestMark},
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
        let columns = ladder::columns(&call.deliveries);
        let steps = ladder::rungs(&call).into_iter().map(|rung| {
            view! { <Step rung=rung columns=columns.clone() deliveries=call.deliveries.clone() view=view.clone()/> }
        });
        let steps = steps.collect_view();
        Ok(view! {
            <a class="inline-flex w-fit items-center min-h-6 text-table" href=view.path("calls")>"← Calls"</a>
            <Heading title=format!("Call {}", parties(&call.row)) lead=ladder::summary(&call)/>
            <Meters call=call.clone() view=view.clone()/>
            <section class="grid gap-2" aria-label="What happened">
                <ColumnNames columns=columns/>
                <ol>{steps}</ol>
            </section>
        }
        .into_html())
    })
}

/// The facts in one line.
#[component]
fn Meters(call: CallDetail, view: RenderContext) -> impl IntoView {
    let row = call.row;
    let fact = |name: &'static str, value: Option<String>| {
        value.map(|value| {
            view! { <div><dt class="text-meta text-ink-3">{name}</dt><dd class="text-large font-semibold">{value}</dd></div> }
        })
    };
    let delivered = match row.deliveries {
        0 => "None".to_owned(),
        all => format!("{} of {all}", row.delivered),
    };
    view! {
        <dl class="flex flex-wrap gap-x-8 gap-y-3 border-y border-line py-3">
            <div>
                <dt class="text-meta text-ink-3">"Began"</dt>
                <dd class="text-large font-semibold"><TimeText at=row.began_at form=TimeForm::Short view=view/></dd>
            </div>
            {fact("Status", Some(ending(&row).to_owned()))}
            {fact("Talked", talk(&row))}
            {fact("Cost", row.end.cost.clone())}
            {fact("Delivered", Some(delivered))}
            <div><dt class="text-meta text-ink-3">"Call"</dt><dd><IdText id=row.call_id.clone() what="call ID"/></dd></div>
        </dl>
    }
    .into_html()
}

/// Time, axis, step, columns; on a phone the columns are below their step.
const GRID: &str = "grid gap-x-3 grid-cols-[1rem_minmax(0,1fr)] md:grid-cols-[6.5rem_1rem_13rem_minmax(0,1fr)]";
/// One column per endpoint.
const COLUMNS: &str = "grid gap-2 md:grid-flow-col md:auto-cols-fr";

/// The names above the columns. Each cell repeats its own for those who don't see columns.
#[component]
fn ColumnNames(columns: Vec<Column>) -> impl IntoView {
    let names = columns.into_iter().map(|column| view! { <span class="truncate font-semibold">{column.name}</span> });
    view! {
        <div class=format!("{GRID} max-md:hidden border-b border-line pb-1.5 text-table") aria-hidden="true">
            <span class="text-meta text-ink-3">"Time"</span> <span></span>
            <span class="text-meta text-ink-3">"Call"</span>
            <span class=COLUMNS>{names.collect_view()}</span>
        </div>
    }
    .into_html()
}

#[component]
fn Step(rung: Rung, columns: Vec<Column>, deliveries: Vec<DeliveryRow>, view: RenderContext) -> impl IntoView {
    let between = rung.before.clone().map(|text| {
        view! { <p class="py-1.5 text-table text-ink-3 md:col-start-3">{text}</p> }
    });
    let cells = rung.event.clone().map(|event| {
        view! { <Cells event=event columns=columns deliveries=deliveries view=view.clone()/> }
    });
    let time = rung.at.map(|at| view! { <TimeText at=at form=TimeForm::Clock view=view.clone()/> });
    let node = if rung.at.is_some() { "bg-ink" } else { "border border-control bg-surface" };
    view! {
        <li>
            {between.map(|text| view! {
                <div class=GRID>
                    <span class="justify-self-center border-l-2 border-dotted border-control md:col-start-2 row-start-1" aria-hidden="true"></span>
                    <div class="col-start-2 md:col-start-3">{text}</div>
                </div>
            })}
            <div class=format!("{GRID} items-baseline")>
                <span class=format!("size-3 justify-self-center rounded-s md:col-start-2 row-start-1 {node}") aria-hidden="true"></span>
                <div class="text-table max-md:col-start-2 md:col-start-1 md:row-start-1">
                    {time} <span class="text-meta text-ink-3 md:block">" " {rung.offset.clone()}</span>
                </div>
                <div class="max-md:col-start-2 md:col-start-3 md:row-start-1">
                    <Title rung=rung view=view/>
                </div>
                <div class="min-w-0 pb-3 max-md:col-start-2 md:col-start-4 md:row-start-1">{cells}</div>
            </div>
        </li>
    }
    .into_html()
}

/// What happened, and the event that says so.
#[component]
fn Title(rung: Rung, view: RenderContext) -> impl IntoView {
    let event = rung.event.map(|event| {
        let test = event.test.then(|| view! { <TestMark/> });
        view! {
            <a class="inline-flex min-h-6 items-center text-table" href=links::event(&view.acct, event.id.as_str())>{event.kind.as_str()}</a>
            {test}
        }
    });
    view! {
        <div class="flex flex-wrap items-baseline gap-x-2">
            <h2 class="font-semibold">{rung.title}</h2>
            {event}
        </div>
        {rung.note.map(|note| view! { <p class="text-table text-ink-2">{note}</p> })}
    }
    .into_html()
}

/// What each endpoint was sent of an event.
#[component]
fn Cells(event: EventRow, columns: Vec<Column>, deliveries: Vec<DeliveryRow>, view: RenderContext) -> impl IntoView {
    if columns.is_empty() {
        return view! { <p class="text-table text-retrying">{format!("Not sent: no endpoint is subscribed to {}.", event.kind)}</p> }
            .into_html();
    }
    let cells = columns.into_iter().map(|column| {
        let here = |row: &&DeliveryRow| row.event_id == event.id && row.endpoint_id.as_str() == column.endpoint;
        let cell = match deliveries.iter().find(here) {
            Some(row) => view! { <Cell row=row.clone() view=view.clone()/> }.into_html(),
            None => view! { <span class="text-table text-ink-3">"Not subscribed"</span> }.into_html(),
        };
        view! { <li class="min-w-0"><span class="text-meta text-ink-2 md:sr-only">{column.name} ": "</span> {cell}</li> }
    });
    view! { <ul class=COLUMNS>{cells.collect_view()}</ul> }.into_html()
}

/// A delivery: its status, the response, the moment, and why if it isn't delivered.
#[component]
fn Cell(row: DeliveryRow, view: RenderContext) -> impl IntoView {
    let response = [row.status_code.map(|code| code.to_string()), row.duration_ms.map(length)];
    let response = response.into_iter().flatten().collect::<Vec<_>>().join(" in ");
    let moment = row.finished_at.or_else(|| row.beats.last().map(|mark| mark.started_at));
    let (status, href) = (row.status, links::delivery(&view.acct, row.id.as_str()));
    let said = row.attempts > 1 || row.status != domain::delivery::Status::Delivered;
    view! {
        <div class="relative rounded-s px-1 py-0.5 -mx-1 hover:bg-sunk" data-status=status.as_str()>
            <a class="no-underline after:absolute after:inset-0" href=href>
                <StatusBadge status=status/>
            </a>
            <span class="ml-2 text-meta text-ink-2">{response}</span>
            {moment.map(|at| view! { <span class="ml-2 text-meta text-ink-3"><TimeText at=at form=TimeForm::Clock view=view.clone()/></span> })}
            {said.then(|| view! { <div><CauseLine row=row view=view/></div> })}
        </div>
    }
    .into_html()
}
