//! What became of the events of a job.

use domain::{delivery::Status, filter::DeliveryFilter, recover::RecoveryJob};
use leptos::prelude::*;

use crate::{
    components::{
        count_text::grouped,
        render_context::RenderContext,
        status_badge::{StatusIcon, ink},
    },
    html::IntoHtml,
};

/// A result with its count and the statuses of its deliveries.
type Outcome = (Status, &'static str, u32, &'static [Status]);

fn outcomes(job: &RecoveryJob) -> [Outcome; 5] {
    let results = job.results;
    [
        (Status::Delivered, "Delivered", results.delivered, &[Status::Delivered]),
        (Status::Failed, "Failed", results.failed, &[Status::Failed, Status::Expired]),
        (Status::Retrying, "Failed again, retrying", results.retrying, &[Status::Retrying, Status::Held]),
        (
            Status::Queued,
            "Being sent",
            results.waiting,
            &[Status::Queued, Status::Sending, Status::Retrying, Status::Held],
        ),
        (Status::Cancelled, "Cancelled", results.cancelled, &[Status::Cancelled]),
    ]
}

/// The results, each a link to its deliveries. Delivered and failed ones are always shown.
#[component]
pub fn Results(
    /// The job.
    job: RecoveryJob,
    /// The account and the reader's clock.
    view: RenderContext,
) -> impl IntoView {
    let list = view.path("deliveries");
    let of = |statuses: &[Status]| DeliveryFilter {
        statuses: statuses.to_vec(),
        job: Some(job.id.clone()),
        ..DeliveryFilter::default()
    };
    let later = later(&job);
    let items = outcomes(&job).into_iter().enumerate().filter(|(at, (_, _, n, _))| *at < 2 || *n > 0);
    let items = items.map(|(_, (status, label, n, statuses))| {
        let href = format!("{list}{}", of(statuses).to_query());
        let count = if n == 0 {
            view! { <span>"0"</span> }.into_html()
        } else {
            view! { <a href=href aria-label=format!("{} {}", grouped(n), label.to_lowercase())>{grouped(n)}</a> }
                .into_html()
        };
        view! {
            <div class="grid content-start gap-0.5 border-l-2 border-line pl-3">
                <dt class=format!("inline-flex items-center gap-1.5 text-table font-semibold {}", ink(status))>
                    <StatusIcon status=status/>{label}
                </dt>
                <dd class="text-large font-bold tabular-nums">{count}</dd>
            </div>
        }
    });
    view! {
        <section class="grid gap-2" aria-labelledby="results">
            <h2 class="font-bold" id="results">"Results"</h2>
            <dl class="grid grid-cols-2 gap-x-4 gap-y-3 sm:grid-cols-[repeat(auto-fit,minmax(8rem,1fr))]">{items.collect_view()}</dl>
            {later}
        </section>
    }
    .into_html()
}

/// Events whose result counts elsewhere, or is no longer kept.
fn later(job: &RecoveryJob) -> Option<impl IntoView + use<>> {
    let results = job.results;
    let known = results.delivered + results.failed + results.cancelled + results.retrying + results.waiting;
    let rest = job.done.saturating_sub(known);
    let events = if rest == 1 { "1 event was".to_owned() } else { format!("{} events were", grouped(rest)) };
    (rest > 0).then(|| view! { <p class="text-table text-ink-2">{events}" queued again by a later job, or deleted after their retention."</p> })
}
