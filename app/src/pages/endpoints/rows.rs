//! Rows of endpoints and of deliveries, as the list, the overview and an endpoint's page show them.

use domain::delivery::DeliveryRow;
use domain::endpoint::EndpointSummary;
use leptos::prelude::*;

use crate::components::count_text::number;
use crate::components::delivery_row::DeliveryItem;
use crate::components::endpoint_lamp::{EndpointLamp, Standing};
use crate::components::viewpoint::Viewpoint;
use crate::html::IntoHtml;
use crate::links;

/// Deliveries, newest first.
#[component]
pub fn DeliveryRows(
    /// The deliveries.
    rows: Vec<DeliveryRow>,
    /// Whose account and clock.
    view: Viewpoint,
) -> impl IntoView {
    if rows.is_empty() {
        return view! { <p class="text-ink-2">"No deliveries yet."</p> }.into_html();
    }
    let items = rows.into_iter().map(|row| view! { <DeliveryItem row=row view=view.clone()/> }).collect_view();
    view! { <ul class="border-t border-line">{items}</ul> }.into_html()
}

/// Endpoints, in the order in which they come.
#[component]
pub fn EndpointRows(
    /// The endpoints.
    endpoints: Vec<EndpointSummary>,
    /// Whose account and clock.
    view: Viewpoint,
) -> impl IntoView {
    let items =
        endpoints.into_iter().map(|summary| view! { <EndpointRow summary=summary view=view.clone()/> }).collect_view();
    view! { <ul class="border-t border-line">{items}</ul> }
}

/// Name and lamp, then the host and events, then the numbers of a day.
#[component]
fn EndpointRow(summary: EndpointSummary, view: Viewpoint) -> impl IntoView {
    let standing = Standing::of(&summary, view.now);
    let cause = summary.failure.as_ref().map(|failure| failure.sentence(view.now));
    let numbers = numbers(&summary);
    let endpoint = summary.endpoint;
    let href = links::endpoint(&view.acct, endpoint.id.as_str(), "");
    let events = endpoint.events.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    let host = if endpoint.test_line { "your own test line".to_owned() } else { endpoint.url.host() };
    view! {
        <li class="relative grid gap-x-4 gap-y-0.5 border-b border-line px-3 py-2.5 hover:bg-sunk md:grid-cols-[9rem_minmax(0,1fr)_auto]">
            <div class="text-table"><EndpointLamp standing=standing/></div>
            <div class="min-w-0">
                <a class="font-semibold no-underline wrap-break-word after:absolute after:inset-0" href=href>{endpoint.name.clone()}</a>
                <span class="text-table text-ink-2">{(host != endpoint.name).then(|| format!(" · {host}"))}</span>
            </div>
            <div class="text-table text-ink-2 md:text-right">{numbers}</div>
            <div class="text-table text-ink-2 md:col-start-2">{events}</div>
            {cause.map(|words| view! { <div class="text-table text-failed md:col-start-2 md:col-end-4">{words}</div> })}
        </li>
    }
}

/// `1,204 delivered · 37 failed in 24 h · 61 waiting`, without what is none.
fn numbers(summary: &EndpointSummary) -> String {
    let failed = (summary.failed_24h > 0).then(|| format!("{} failed", number(summary.failed_24h)));
    let waiting = (summary.waiting > 0).then(|| format!("{} waiting", number(summary.waiting)));
    let parts = [Some(format!("{} delivered in 24 h", number(summary.delivered_24h))), failed, waiting];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
