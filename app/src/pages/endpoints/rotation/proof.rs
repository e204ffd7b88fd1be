//! What a test with a next credential came to.

use domain::UnixMs;
use domain::delivery::{DeliveryDetail, Status};
use leptos::prelude::*;

use crate::components::status_badge::StatusBadge;
use crate::components::time_text::AgoText;
use crate::components::render_context::RenderContext;
use crate::links;

/// The proof, or what came of the latest test, or what a test is for.
#[component]
pub fn Proof(
    /// When it was proved.
    proved_at: Option<UnixMs>,
    /// The latest test.
    test: Option<DeliveryDetail>,
    /// What a test is for, before there is one.
    hint: &'static str,
    /// Whose account and clock.
    view: RenderContext,
) -> impl IntoView {
    let now = view.now;
    let proved = proved_at.map(|at| {
        let ago = view! { <AgoText at=at view=view.clone()/> };
        view! { <p class="font-semibold text-delivered">"Proved " {ago} ": your server answered 2xx to the test."</p> }
    });
    let none = (proved_at.is_none() && test.is_none()).then(|| view! { <p class="text-ink-2">{hint}</p> });
    let tested = test.map(|detail| {
        let href = links::delivery(&view.acct, detail.row.id.as_str());
        let failed = detail.row.failure.clone().filter(|_| detail.row.status != Status::Delivered);
        let remedy = failed.map(|failure| view! { <p>{failure.remedy()}</p> });
        let said = match detail.row.status {
            Status::Queued | Status::Sending => "The test is on its way; reload to see what came of it".to_owned(),
            _ => detail.row.sentence(now),
        };
        view! {
            <p class="flex flex-wrap items-center gap-x-3">
                <StatusBadge status=detail.row.status test=true/>
                <span>{said} ". " <a href=href>"The test's delivery"</a></span>
            </p>
            {remedy}
        }
    });
    view! { <div class="grid gap-2" role="status">{proved} {tested} {none}</div> }
}
