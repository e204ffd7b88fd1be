//! Counts of deliveries by status.

use domain::{
    delivery::{DeliveryCounts, Status},
    filter::DeliveryFilter,
};
use leptos::prelude::*;

use crate::components::count_text::number;

/// `1,204 deliveries · 37 failed · 4 retrying · 2 expired`; all but the first link to the filtered list.
#[component]
pub fn Counts(
    /// The counts.
    counts: DeliveryCounts,
    /// The filter they belong to.
    filter: DeliveryFilter,
    /// Path of the list.
    base: String,
) -> impl IntoView {
    let narrowed = |status: Status, n: u32, ink: &'static str| {
        let href = format!("{base}{}", DeliveryFilter { statuses: vec![status], ..filter.first_page() }.to_query());
        (n > 0).then(|| {
            view! {
                <span class="text-ink-3" aria-hidden="true">"·"</span>
                <a class=format!("inline-flex items-center min-h-6 {ink}") href=href>
                    {format!("{} {}", number(n), status.label().to_lowercase())}
                </a>
            }
        })
    };
    let noun = if counts.matching == 1 { "delivery" } else { "deliveries" };
    view! {
        <p id="live-counts" class="flex flex-wrap items-center gap-x-2 text-table text-ink-2">
            <span>{format!("{} {noun}", number(counts.matching))}</span>
            {narrowed(Status::Failed, counts.failed, "text-failed")}
            {narrowed(Status::Retrying, counts.retrying, "text-retrying")}
            {narrowed(Status::Expired, counts.expired, "text-ink-2")}
        </p>
    }
}
