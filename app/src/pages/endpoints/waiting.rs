//! What waits for an endpoint, and the button that sends it now.

use domain::{
    actor::Permission,
    delivery::{COUNT_MAX, DeliveryDetail, Status},
    endpoint::{EndpointState, EndpointSummary},
    filter::DeliveryFilter,
    recover::RecoveryJob,
};
use leptos::{prelude::*, server_fn::ServerFn as _};

use crate::{
    api::recover::RetryEndpoint,
    components::{
        button::{Button, Weight},
        count_text::{grouped, number},
        rate_field::RateField,
    },
    html::IntoHtml,
    links,
    pages::recover::job::title,
    visit::Frame,
};

/// Offers to send what waits for an active endpoint, or links to the job that does.
#[component]
pub fn Waiting(
    /// The endpoint.
    summary: EndpointSummary,
    /// The job that is sending what waits, if one is running.
    running: Option<RecoveryJob>,
    /// The test that was just sent, if there is one.
    test: Option<DeliveryDetail>,
    /// The user and the account.
    frame: Frame,
) -> impl IntoView {
    let active = summary.endpoint.state == EndpointState::Active && !summary.suspended;
    if summary.waiting == 0 || !active || !frame.may(Permission::WriteDeliveries) {
        return None;
    }
    let (acct, ep) = (frame.acct().to_owned(), summary.endpoint.id.clone());
    let content = match running {
        Some(job) => {
            let href = links::job(&acct, job.id.as_str());
            view! { <p>"Waiting events are being sent: "<a href=href>{title(&job)}</a></p> }.into_html()
        }
        None => {
            let works = test.is_some_and(|test| test.row.status == Status::Delivered);
            let weight = if works || summary.failure.is_none() { Weight::Primary } else { Weight::Secondary };
            let filter = DeliveryFilter {
                endpoint: Some(ep.clone()),
                statuses: vec![Status::Retrying, Status::Queued],
                ..DeliveryFilter::default()
            };
            let list = links::account(&acct, "deliveries") + &filter.to_query();
            view! {
                <p>
                    {works.then_some("The test was delivered. ")}
                    <a href=list>{events(summary.waiting)}</a>
                    {if summary.waiting == 1 { " is waiting for its next retry." } else { " are waiting for their next retry." }}
                    " You can send them now, oldest first and in the order of each call."
                </p>
                <form method="post" action=RetryEndpoint::PATH class="flex flex-wrap items-center gap-3">
                    <input type="hidden" name="acct" value=acct.clone()/>
                    <input type="hidden" name="ep" value=ep.to_string()/>
                    <Button weight=weight>{button(summary.waiting)}</Button>
                    <RateField id="retry-rate"/>
                </form>
            }
            .into_html()
        }
    };
    Some(view! {
        <section class="grid max-w-column gap-3 border-l-4 border-retrying-fill bg-surface p-4" aria-label="Waiting events">{content}</section>
    })
}

fn events(n: u32) -> String {
    if n == 1 { "1 event".to_owned() } else { format!("{} events", number(n)) }
}

fn button(n: u32) -> String {
    match n {
        1 => "Retry 1 event now".to_owned(),
        n if n > COUNT_MAX => "Retry all now".to_owned(),
        n => format!("Retry {} events now", grouped(n)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_button_says_how_many_events_it_sends() {
        assert_eq!(
            [1, 86, 1_204, COUNT_MAX + 1].map(button).join("|"),
            "Retry 1 event now|Retry 86 events now|Retry 1,204 events now|Retry all now"
        );
    }
}
