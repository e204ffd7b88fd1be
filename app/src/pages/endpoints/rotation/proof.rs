//! The result of testing a new credential.

use domain::UnixMs;
use domain::delivery::{DeliveryDetail, Status};
use leptos::prelude::*;

use crate::components::render_context::RenderContext;
use crate::components::status_badge::StatusBadge;
use crate::components::time_text::AgoText;
use crate::links;

/// The successful test, the latest test, or a hint what a test is for.
#[component]
pub fn Proof(
    /// When a test succeeded.
    verified_at: Option<UnixMs>,
    /// The latest test.
    test: Option<DeliveryDetail>,
    /// What a test is for, shown before the first one.
    hint: &'static str,
    /// The account and the reader's clock.
    view: RenderContext,
) -> impl IntoView {
    let now = view.now;
    let verified = verified_at.map(|at| {
        let ago = view! { <AgoText at=at view=view.clone()/> };
        view! { <p class="font-semibold text-delivered">"Verified " {ago} ". Your server accepted the test."</p> }
    });
    let none = (verified_at.is_none() && test.is_none()).then(|| view! { <p class="text-ink-2">{hint}</p> });
    let tested = test.map(|detail| {
        let href = links::delivery(&view.acct, detail.row.id.as_str());
        let failed = detail.row.failure.clone().filter(|_| detail.row.status != Status::Delivered);
        let remedy = failed.map(|failure| view! { <p>{failure.remedy()}</p> });
        let result = match detail.row.status {
            Status::Queued | Status::Sending => "The test is being sent. Reload to see the result".to_owned(),
            _ => detail.row.sentence(now),
        };
        view! {
            <p class="flex flex-wrap items-center gap-x-3">
                <StatusBadge status=detail.row.status test=true/>
                <span>{result} ". " <a href=href>"View test delivery"</a></span>
            </p>
            {remedy}
        }
    });
    view! { <div class="grid gap-2" role="status">{verified} {tested} {none}</div> }
}
