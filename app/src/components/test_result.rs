//! The result of a test: delivered, with the request; failed, with the cause; or pending.

use domain::attempt::Attempt;
use domain::body::pretty;
use domain::delivery::{DeliveryDetail, Status};
use domain::id::EventId;
use leptos::prelude::*;

use super::code_block::{CodeBlock, FoldedCode};
use super::render_context::RenderContext;
use super::status_badge::StatusBadge;
use crate::links;

/// Replaces the auth token in the request.
const HIDDEN: &str = "••••••••";

/// The result of a test.
#[component]
pub fn TestResult(
    /// The test's delivery.
    detail: DeliveryDetail,
    /// The account and the reader's clock.
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
            <p><a href=href>"Delivery details"</a></p>
        </section>
    }
}

/// The border colour. The badge names the status as well.
const fn edge(status: Status) -> &'static str {
    match status {
        Status::Delivered => "border-delivered-fill",
        Status::Retrying | Status::Sending => "border-retrying-fill",
        Status::Failed => "border-failed-fill",
        _ => "border-held-fill",
    }
}

/// What happened, in one sentence.
fn headline(detail: &DeliveryDetail, now: domain::UnixMs) -> String {
    let row = &detail.row;
    match row.status {
        Status::Delivered => format!("{}: {}.", row.kind, row.sentence(now)),
        Status::Queued | Status::Sending => format!("Sending {} to {}…", row.kind, row.endpoint_host),
        _ => format!("{}.", row.sentence(now)),
    }
}

/// How to fix a failure, with a command to check.
fn remedy(detail: &DeliveryDetail) -> Option<impl IntoView + use<>> {
    let failure = detail.row.failure.clone().filter(|_| detail.row.status != Status::Delivered)?;
    let help = links::cause(failure.cause.code());
    Some(view! {
        <p class="max-w-column">{failure.remedy()} " " <a href=help>"Learn more about this cause"</a></p>
        {failure.command().map(|command| view! { <CodeBlock text=command what="command"/> })}
    })
}

/// The request and the response.
#[component]
fn Evidence(detail: DeliveryDetail) -> impl IntoView {
    let sent = detail.attempts.last().map(|attempt| request(&detail, attempt));
    let response = detail.attempts.last().and_then(response);
    view! {
        {sent.map(|text| view! { <FoldedCode id="sent" title="Request" text=text open=true/> })}
        {response.map(|text| view! { <FoldedCode id="response" title="Your server's response" text=text/> })}
    }
}

/// The request in HTTP/1.1 format, with the body indented and the auth token hidden.
fn request(detail: &DeliveryDetail, attempt: &Attempt) -> String {
    let row = &detail.row;
    let event: &EventId = &row.event_id;
    let text = detail.body(HIDDEN).map(|body| pretty(&body));
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

fn response(attempt: &Attempt) -> Option<String> {
    let code = attempt.status_code?;
    let cut = match (attempt.response_cut, attempt.response_head.is_empty() && attempt.response_body.is_empty()) {
        (true, true) => "(not kept)",
        (true, false) => "\n(truncated)",
        (false, _) => "",
    };
    Some(format!("{code}\n{}\n\n{}{cut}", attempt.response_head, attempt.response_body))
}
