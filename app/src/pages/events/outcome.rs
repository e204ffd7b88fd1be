//! Where an event went: what became of its deliveries, or why there is none.

use domain::{delivery::Status, event::EventRow, time::counted};
use leptos::prelude::*;

use crate::html::IntoHtml;
use crate::{components::viewpoint::Viewpoint, links};

/// `For 2 endpoints`, `1 delivered · 1 held` where that is known, or why it was not sent and what to do about it.
#[component]
pub fn Outcome(
    /// The event.
    event: EventRow,
    /// Where its deliveries stand, on a page that shows them.
    #[prop(optional)]
    deliveries: Vec<Status>,
    /// Whose account.
    view: Viewpoint,
) -> impl IntoView {
    if event.deliveries > 0 {
        let endpoints = format!("For {}", counted(event.deliveries.into(), "endpoint"));
        let stand = standing(&deliveries);
        let said = if stand.is_empty() { endpoints } else { format!("{endpoints}: {stand}") };
        return view! { <span>{said}</span> }.into_html();
    }
    let endpoints = links::account(&view.acct, "endpoints");
    view! {
        <span class="text-retrying">
            {format!("Not sent: nobody listens for {} → ", event.kind)}
            <a class="relative z-1 inline-flex items-center min-h-6" href=endpoints>"add it to an endpoint"</a>
        </span>
    }
    .into_html()
}

/// `1 delivered · 16 failed · 1 held`, in the order of every legend.
fn standing(deliveries: &[Status]) -> String {
    let said = Status::ALL.into_iter().filter_map(|status| {
        let n = deliveries.iter().filter(|one| **one == status).count();
        (n > 0).then(|| format!("{n} {}", status.word().to_lowercase()))
    });
    said.collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_only_meant_for_an_endpoint_is_not_called_sent() {
        let mixed = [Status::Failed, Status::Delivered, Status::Held, Status::Failed];
        assert_eq!(standing(&mixed), "1 delivered · 2 failed · 1 held");
        assert_eq!(standing(&[]), "");
    }
}
