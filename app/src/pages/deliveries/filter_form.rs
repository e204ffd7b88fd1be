//! The filter form. It submits by GET, so that every filter has a URL and works without script.

use domain::{
    cause::Cause,
    delivery::Status,
    event::EventKind,
    filter::{DeliveryFilter, Range},
};
use leptos::prelude::*;

use super::facets::Names;
use crate::components::{
    button::{Button, Weight},
    cause,
    field::CONTROL,
    filter_field::{Choice, LEGEND, Moment, ZoneName},
    status_badge::{StatusIcon, ink},
};
use crate::html::IntoHtml;

/// The filter form of the delivery list.
#[component]
pub fn FilterForm(
    /// The current filter.
    filter: DeliveryFilter,
    /// The available endpoints.
    names: Names,
    /// Path of the list.
    base: String,
) -> impl IntoView {
    view! {
        <form method="get" action=base role="search" aria-label="Deliveries" class="grid grid-cols-1 gap-2">
            <div class="flex flex-wrap gap-2">
                <label class="sr-only" for="q">"ID, call or phone number"</label>
                <input
                    id="q" name="q" type="search" placeholder="ID, call or phone number" autocomplete="off" spellcheck="false"
                    class=format!("{CONTROL} max-w-96 flex-1 basis-52") value=filter.text.clone()
                />
                <Button weight=Weight::Secondary>"Search"</Button>
                <details class="min-w-0 rounded-s border border-control bg-surface open:basis-full open:border-line">
                    <summary class="px-4 py-1.5 min-h-9 content-center font-semibold">"Filter"</summary>
                    <div class="grid grid-cols-1 gap-4 border-t border-line p-3">
                        <Statuses chosen=filter.statuses.clone()/>
                        <Kinds chosen=filter.kinds.clone()/>
                        <div class="grid grid-cols-1 gap-3 sm:grid-cols-2 lg:grid-cols-4">
                            <Choices filter=filter.clone() names=names/>
                            <Moment name="from" label="From" at=filter.from/>
                            <Moment name="to" label="To" at=filter.to/>
                        </div>
                        <ZoneName/>
                        {filter.call.map(|call| view! { <input type="hidden" name="call" value=call/> })}
                        <div><Button weight=Weight::Primary>"Apply filters"</Button></div>
                    </div>
                </details>
            </div>
        </form>
    }
    .into_html()
}

#[component]
fn Statuses(chosen: Vec<Status>) -> impl IntoView {
    let boxes = Status::ALL.map(|status| {
        let checked = chosen.contains(&status);
        view! {
            <label class="inline-flex items-center gap-1.5 min-h-7 text-table">
                <input type="checkbox" class="size-4.5 accent-ink" name="status" value=status.as_str() checked=checked/>
                <span class=ink(status)><StatusIcon status=status/></span>
                {status.label()}
            </label>
        }
    });
    view! { <fieldset><legend class=LEGEND>"Status"</legend><div class=BOXES>{boxes.collect_view()}</div></fieldset> }
}

#[component]
fn Kinds(chosen: Vec<EventKind>) -> impl IntoView {
    let boxes = EventKind::ALL.map(|kind| {
        let checked = chosen.contains(&kind);
        view! {
            <label class="inline-flex items-center gap-1.5 min-h-7 text-table">
                <input type="checkbox" class="size-4.5 accent-ink" name="event" value=kind.as_str() checked=checked/>
                {kind.as_str()}
            </label>
        }
    });
    view! { <fieldset><legend class=LEGEND>"Event"</legend><div class=BOXES>{boxes.collect_view()}</div></fieldset> }
}

const BOXES: &str = "flex flex-wrap gap-x-5 gap-y-1";

#[component]
fn Choices(filter: DeliveryFilter, names: Names) -> impl IntoView {
    let endpoints = names.endpoints.iter().map(|(id, name)| (id.to_string(), name.clone()));
    let causes = Cause::ALL.iter().map(|cause| (cause.code().to_owned(), cause::name(*cause).to_owned()));
    let ranges = Range::ALL.iter().map(|range| (range.as_str().to_owned(), range.label().to_owned()));
    let tests =
        [("0", "Exclude tests"), ("1", "Tests only")].map(|(value, label)| (value.to_owned(), label.to_owned()));
    let test = filter.test.map(|only| if only { "1" } else { "0" });
    view! {
        <Choice name="endpoint" label="Endpoint" any="All endpoints" options=endpoints.collect() chosen=filter.endpoint.map(String::from)/>
        <Choice name="cause" label="Cause" any="Any cause" options=causes.collect() chosen=filter.cause.map(|cause| cause.code().to_owned())/>
        <Choice name="range" label="Time" any="Any time" options=ranges.collect() chosen=filter.range.map(|range| range.as_str().to_owned())/>
        <Choice name="test" label="Tests" any="Include tests" options=tests.to_vec() chosen=test.map(str::to_owned)/>
    }
    .into_html()
}
