//! The account's latest jobs.

use domain::recover::{JobAction, RecoveryJob};
use leptos::prelude::*;

use super::{job::title, span};
use crate::html::IntoHtml;
use crate::{
    api::recover::load_jobs,
    components::{
        button::LinkButton, empty_state::EmptyState, heading::Heading, render_context::RenderContext, sidebar::Part,
        time_text::AgoText,
    },
    links,
    pages::account_page,
};

/// `/a/:acct/jobs`
#[component]
pub fn JobsPage() -> impl IntoView {
    account_page(Part::Endpoints, async |route, frame| {
        let jobs = load_jobs(route.acct).await?;
        let view = RenderContext::from(&frame);
        let content = if jobs.is_empty() {
            let href = view.path("endpoints");
            view! {
                <EmptyState title="No jobs yet" words="A job resends or retries many events at once.">
                    <LinkButton href=href>"View endpoints"</LinkButton>
                </EmptyState>
            }
            .into_html()
        } else {
            view! { <JobRows jobs=jobs view=view.clone()/> }.into_html()
        };
        Ok(view! { <Heading title="Jobs" lead=view.clock()/> {content} }.into_html())
    })
}

/// Jobs, newest first.
#[component]
pub fn JobRows(
    /// The jobs.
    jobs: Vec<RecoveryJob>,
    /// The account and the reader's clock.
    view: RenderContext,
) -> impl IntoView {
    let rows = jobs.into_iter().map(|job| {
        let href = links::job(&view.acct, job.id.as_str());
        let again = (job.results.failed > 0).then(|| format!(" · {} failed again", job.results.failed));
        let scope = scope(&job, &view);
        let at = job.created_at;
        view! {
            <li class="relative flex flex-wrap justify-between gap-x-4 gap-y-0.5 border-b border-line px-3 py-2.5 hover:bg-sunk">
                <div class="min-w-0">
                    <a class="font-semibold no-underline wrap-break-word after:absolute after:inset-0" href=href>{title(&job)}</a>
                    <p class="text-table text-ink-2">{scope} {again}</p>
                </div>
                <span class="text-table text-ink-2"><AgoText at=at view=view.clone()/></span>
            </li>
        }
    });
    view! { <ul class="border-t border-line">{rows.collect_view()}</ul> }.into_html()
}

/// What a job does, and to what: `Recover CRM · 23 Nov 13:00–14:10`.
fn scope(job: &RecoveryJob, view: &RenderContext) -> String {
    let verb = match job.action {
        JobAction::Recover => "Recover",
        JobAction::Retry => "Retry",
        JobAction::Resend => "Resend",
    };
    match (&job.endpoint_id, job.missed()) {
        (Some(_), Some(wanted)) => format!("{verb} {} · {}", job.endpoint_name, span(wanted, &view.zone)),
        (Some(_), None) => format!("{verb} {}", job.endpoint_name),
        (None, _) => format!("{verb} selected deliveries"),
    }
}
