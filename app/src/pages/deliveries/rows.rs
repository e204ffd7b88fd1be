//! The rows of the list, grouped by day.

use domain::delivery::DeliveryRow;
use leptos::prelude::*;

use crate::components::{
    delivery_row::{DeliveryItem, RowActs},
    render_context::RenderContext,
};
use crate::html::IntoHtml;

/// Deliveries, newest first, grouped by the day they were accepted. Days and rows are items of one list, so that a live
/// update can replace each individually.
#[component]
pub fn Rows(
    /// The deliveries.
    rows: Vec<DeliveryRow>,
    /// The account and the reader's clock.
    view: RenderContext,
    /// The list's query string, so that a delivery's page can link back to it.
    #[prop(optional, into)]
    query: String,
    /// Heading level of the days.
    #[prop(default = 2)]
    level: u8,
    /// What its user can do with several rows at once.
    #[prop(optional)]
    acts: RowActs,
) -> impl IntoView {
    let mut day = String::new();
    let items = rows.into_iter().map(|row| {
        let its_day = view.zone.day(row.created_at);
        let header = (its_day != day).then(|| header(&its_day, level));
        day = its_day;
        view! {
            {header}
            <DeliveryItem row=row view=view.clone() query=query.clone() acts=acts/>
        }
    });
    view! {
        <ol id="live-list" class="rounded-m border border-line border-b-0 bg-surface">{items.collect_view()}</ol>
    }
    .into_html()
}

fn header(day: &str, level: u8) -> impl IntoView + use<> {
    let class = "text-meta font-semibold text-ink-2";
    let text = day.to_owned();
    let heading = match level {
        2 => view! { <h2 class=class>{text}</h2> }.into_html(),
        _ => view! { <h3 class=class>{text}</h3> }.into_html(),
    };
    view! {
        <li id=format!("day-{}", day.replace(' ', "-")) class="border-b border-line bg-page px-3 py-1">
            {heading}
        </li>
    }
}
