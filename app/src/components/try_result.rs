//! What became of a test: delivered, with the request as it was sent; failed, with the cause; or still on its way.

use domain::attempt::Attempt;
use domain::body::{body, pretty};
use domain::delivery::{DeliveryDetail, Status};
use domain::id::EventId;
use leptos::prelude::*;

use super::code_block::{CodeBlock, FoldedCode};
use super::status_badge::StatusBadge;
use super::render_context::RenderContext;
use crate::links;

/// Stands in the request's text where the auth token was.
const HIDDEN: &str = "••••••••";

/// The outcome of a test.
#[component]
pub fn TestResult(
    /// The delivery of the test.
    detail: DeliveryDetail,
    /// Whose account and clock.
    view: RenderContext,
) -> impl IntoView {
    let status = detail.row.status;
    let href = links::delivery(&view.acct, detail.row.id.as_str());
    let class = format!("grid gap-3 border-l-4 bg-surface p-4 md:p-6 {}", edge(status));
    view! {
        <section class=class aria-labelledby="result">
            <div role="status">
                <h2 class="flex flex-wrap items-center gap-x-3 text-large font-bold" id="result">
                <StatusBadge status=status test=true/>
                <span>{headline(&detail, view.now)}</span>
            </h2>
            </div>
            {remedy(&detail)}
            <Evidence detail=detail/>
            <p><a href=href>"Everything about this delivery"</a></p>
        </section>
    }
}

/// The colour of the edge: the status says it once more, in the word beside its lamp.
const fn edge(status: Status) -> &'static str {
    match status {
        Status::Delivered => "border-delivered-fill",
        Status::Retrying | Status::Sending => "border-retrying-fill",
        Status::Failed => "border-failed-fill",
        _ => "border-held-fill",
    }
}

/// One sentence: what happened.
fn headline(detail: &DeliveryDetail, now: domain::UnixMs) -> String {
    let row = &detail.row;
    match row.status {
        Status::Delivered => format!("{} arrived: {}.", row.kind, row.sentence(now)),
        Status::Queued | Status::Sending => format!("{} is on its way to {}.", row.kind, row.endpoint_host),
        _ => format!("{}.", row.sentence(now)),
    }
}

/// What to do about a failure, and how to check.
fn remedy(detail: &DeliveryDetail) -> Option<impl IntoView + use<>> {
    let failure = detail.row.failure.clone().filter(|_| detail.row.status != Status::Delivered)?;
    let help = links::cause(failure.cause.code());
    Some(view! {
        <p class="max-w-column">{failure.remedy()} " " <a href=help>"More about this cause"</a></p>
        {failure.command().map(|command| view! { <CodeBlock text=command what="command"/> })}
    })
}

/// The request as it was sent and the answer to it.
#[component]
fn Evidence(detail: DeliveryDetail) -> impl IntoView {
    let sent = detail.attempts.last().map(|attempt| request(&detail, attempt));
    let answer = detail.attempts.last().and_then(answer);
    view! {
        {sent.map(|text| view! { <FoldedCode id="sent" title="Request as we sent it" text=text open=true/> })}
        {answer.map(|text| view! { <FoldedCode id="answer" title="Answer of your server" text=text/> })}
    }
}

/// The request in the form of HTTP/1.1, body indented, auth token hidden.
fn request(detail: &DeliveryDetail, attempt: &Attempt) -> String {
    let row = &detail.row;
    let event: &EventId = &row.event_id;
    let text = detail.payload.as_deref().map(|payload| pretty(&body(payload, detail.event_timestamp, HIDDEN)));
    format!(
        "POST {}\ncontent-type: application/json\nwebhook-id: {event}\nwebhook-timestamp: {}\nwebhook-signature: {}\n\
         offhook-event: {}\noffhook-delivery: {}\noffhook-attempt: {}\n\n{}",
        attempt.url,
        attempt.started_at.unix_seconds(),
        attempt.signature,
        row.kind,
        row.id,
        attempt.number,
        text.unwrap_or_default()
    )
}

fn answer(attempt: &Attempt) -> Option<String> {
    let code = attempt.status_code?;
    let cut = if attempt.response_cut { "\n(longer than what we keep)" } else { "" };
    Some(format!("{code}\n{}\n\n{}{cut}", attempt.response_head, attempt.response_body))
}
