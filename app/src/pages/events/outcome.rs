//! Where an event went: to so many endpoints, or nowhere, and why.

use domain::{event::EventRow, time::counted};
use leptos::prelude::*;

use crate::{components::viewpoint::Viewpoint, links};

/// `Sent to 2 endpoints`, or why it was not sent and what to do about it.
#[component]
pub fn Outcome(
    /// The event.
    event: EventRow,
    /// Whose account.
    view: Viewpoint,
) -> impl IntoView {
    if event.deliveries > 0 {
        return view! { <span>"Sent to " {counted(event.deliveries.into(), "endpoint")}</span> }.into_any();
    }
    let endpoints = links::account(&view.acct, "endpoints");
    view! {
        <span class="text-retrying">
            {format!("Not sent: nobody listens for {} → ", event.kind)}
            <a class="relative z-1 inline-flex items-center min-h-6" href=endpoints>"add it to an endpoint"</a>
        </span>
    }
    .into_any()
}
