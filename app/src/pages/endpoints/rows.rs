//! Lists of endpoints and deliveries, shared by several pages.

use domain::delivery::DeliveryRow;
use domain::endpoint::{EndpointStatus, EndpointSummary};
use leptos::prelude::*;

use crate::components::count_text::number;
use crate::components::delivery_row::DeliveryItem;
use crate::components::endpoint_badge::EndpointBadge;
use crate::components::render_context::RenderContext;
use crate::html::IntoHtml;
use crate::links;

/// Deliveries, newest first.
#[component]
pub fn DeliveryRows(
    /// The deliveries.
    rows: Vec<DeliveryRow>,
    /// The account and the reader's clock.
    view: RenderContext,
) -> impl IntoView {
    if rows.is_empty() {
        return view! { <p class="text-ink-2">"No deliveries yet."</p> }.into_html();
    }
    let items = rows.into_iter().map(|row| view! { <DeliveryItem row=row view=view.clone()/> }).collect_view();
    view! { <ul class="border-t border-line">{items}</ul> }.into_html()
}

/// Endpoints, in the given order.
#[component]
pub fn EndpointRows(
    /// The endpoints.
    endpoints: Vec<EndpointSummary>,
    /// The account and the reader's clock.
    view: RenderContext,
) -> impl IntoView {
    let items =
        endpoints.into_iter().map(|summary| view! { <EndpointRow summary=summary view=view.clone()/> }).collect_view();
    view! { <ul class="border-t border-line">{items}</ul> }
}

/// Status and name, then the host and events, then the counts of the last 24 hours.
#[component]
fn EndpointRow(summary: EndpointSummary, view: RenderContext) -> impl IntoView {
    let status = EndpointStatus::of(&summary, view.now);
    let cause = summary.failure.as_ref().map(|failure| failure.sentence(view.now));
    let numbers = numbers(&summary);
    let endpoint = summary.endpoint;
    let href = links::endpoint(&view.acct, endpoint.id.as_str(), "");
    let events = endpoint.events.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    let host = if endpoint.test_line { "your test line".to_owned() } else { endpoint.url.host() };
    view! {
        <li class="relative grid gap-x-4 gap-y-0.5 border-b border-line px-3 py-2.5 hover:bg-sunk md:grid-cols-[9rem_minmax(0,1fr)_auto]">
            <div class="text-table"><EndpointBadge status=status/></div>
            <div class="min-w-0">
                <a class="font-semibold no-underline wrap-break-word after:absolute after:inset-0" href=href>{endpoint.name.clone()}</a>
                <span class="text-table text-ink-2">{(host != endpoint.name).then(|| format!(" · {host}"))}</span>
            </div>
            <div class="text-table text-ink-2 md:text-right">{numbers}</div>
            <div class="text-table text-ink-2 md:col-start-2">{events}</div>
            {cause.map(|text| view! { <div class="text-table text-failed md:col-start-2 md:col-end-4">{text}</div> })}
        </li>
    }
}

/// `1,204 delivered in 24 h · 37 failed · 61 waiting`, without zeros.
fn numbers(summary: &EndpointSummary) -> String {
    let failed = (summary.failed_24h > 0).then(|| format!("{} failed", number(summary.failed_24h)));
    let waiting = (summary.waiting > 0).then(|| format!("{} waiting", number(summary.waiting)));
    let parts = [Some(format!("{} delivered in 24 h", number(summary.delivered_24h))), failed, waiting];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
