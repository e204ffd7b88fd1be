//! The outcome of an event: its deliveries, or why it was not sent.

use domain::{delivery::Status, event::EventRow, time::counted};
use leptos::prelude::*;

use crate::html::IntoHtml;
use crate::{components::render_context::RenderContext, links};

/// `2 endpoints: 1 delivered · 1 held`, or why it was not sent and how to change that.
#[component]
pub fn Outcome(
    /// The event.
    event: EventRow,
    /// Statuses of its deliveries, if known.
    #[prop(optional)]
    deliveries: Vec<Status>,
    /// The account.
    view: RenderContext,
) -> impl IntoView {
    if event.deliveries > 0 {
        let endpoints = counted(event.deliveries.into(), "endpoint");
        let counts = counts(&deliveries);
        let outcome = if counts.is_empty() { endpoints } else { format!("{endpoints}: {counts}") };
        return view! { <span>{outcome}</span> }.into_html();
    }
    let endpoints = links::account(&view.acct, "endpoints");
    view! {
        <span class="text-retrying">
            {format!("Not sent: no endpoint is subscribed to {}. ", event.kind)}
            <a class="relative z-1 inline-flex items-center min-h-6" href=endpoints>"Choose an endpoint"</a>
        </span>
    }
    .into_html()
}

/// `1 delivered · 16 failed · 1 held`, in the order of every legend.
fn counts(deliveries: &[Status]) -> String {
    let counts = Status::ALL.into_iter().filter_map(|status| {
        let n = deliveries.iter().filter(|one| **one == status).count();
        (n > 0).then(|| format!("{n} {}", status.label().to_lowercase()))
    });
    counts.collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_counted_by_status() {
        let mixed = [Status::Failed, Status::Delivered, Status::Held, Status::Failed];
        assert_eq!(counts(&mixed), "1 delivered · 2 failed · 1 held");
        assert_eq!(counts(&[]), "");
    }
}
