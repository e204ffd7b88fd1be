//! The attempts of a delivery: one line each, with request and response of the selected one.

use domain::{
    attempt::Attempt,
    delivery::{ATTEMPTS_SHOWN, DeliveryDetail},
    id::DeliveryId,
};
use leptos::prelude::*;

use super::curl;
use crate::html::IntoHtml;
use crate::{
    components::{
        code_block::{CodeBlock, FoldedCode},
        render_context::RenderContext,
        status_badge::StatusIcon,
        time_text::{TimeForm, TimeText},
        timing::{self, TimingBar},
    },
    links,
};

/// The selected attempt: the one in the URL, or the latest.
#[must_use]
pub fn selected<'a>(attempts: &'a [Attempt], named: &str) -> Option<&'a Attempt> {
    let number: Option<u32> = named.parse().ok();
    attempts.iter().find(|attempt| Some(attempt.number) == number).or(attempts.last())
}

/// The result of an attempt: `503`, `Connection refused`.
fn result(attempt: &Attempt) -> String {
    match (attempt.status_code, &attempt.failure) {
        (Some(code), _) => code.to_string(),
        (None, Some(failure)) => crate::components::cause::name(failure.cause).to_owned(),
        (None, None) => "No response".to_owned(),
    }
}

/// The list of attempts, with request and response of the selected one.
#[component]
pub fn Attempts(
    /// The delivery.
    detail: DeliveryDetail,
    /// Number of the selected attempt from the URL; empty for the latest.
    named: String,
    /// The account and the reader's clock.
    view: RenderContext,
) -> impl IntoView {
    let Some(shown) = selected(&detail.attempts, &named).cloned() else {
        return view! { <p class="text-ink-2">"No attempts yet."</p> }.into_html();
    };
    let number = shown.number;
    let items = detail.attempts.iter().rev().map(|attempt| {
        view! { <AttemptLine attempt=attempt.clone() selected=attempt.number == number id=detail.row.id.clone() view=view.clone()/> }
    });
    let window = view! { <Window detail=detail.clone() view=view.clone()/> };
    view! {
        <div class="grid items-start gap-4 lg:grid-cols-[22rem_minmax(0,1fr)]">
            <div class="grid gap-2">
                <ol class="border-t border-line">{items.collect_view()}</ol>
                {window}
            </div>
            <Evidence attempt=shown detail=detail.clone() view=view/>
        </div>
    }
    .into_html()
}

/// Which attempts are listed, and links to those before and after them. Nothing if all are.
#[component]
fn Window(detail: DeliveryDetail, view: RenderContext) -> impl IntoView {
    let (Some(first), Some(last)) = (detail.attempts.first(), detail.attempts.last()) else {
        return ().into_html();
    };
    let (first, last, all) = (first.number, last.number, detail.row.attempts);
    if first <= 1 && last >= all {
        return ().into_html();
    }
    // The page shows as many attempts after the one in its URL as before it.
    let half = ATTEMPTS_SHOWN / 2;
    let delivery = links::delivery(&view.acct, detail.row.id.as_str());
    let link = |number: u32, text: &'static str| {
        view! { <a class="inline-flex items-center min-h-6" href=format!("{delivery}/attempts/{number}#attempts")>{text}</a> }
    };
    let newer = (last < all).then(|| link((last + half).min(all), "← Newer"));
    let older = (first > 1).then(|| link(first.saturating_sub(half + 1).max(1), "Older →"));
    view! {
        <nav class="flex flex-wrap items-center justify-between gap-3 text-table" aria-label="Attempts">
            <span class="text-ink-2">{format!("Attempts {first} to {last} of {all}")}</span>
            <span class="flex gap-3">{newer}{older}</span>
        </nav>
    }
    .into_html()
}

/// One line: number, result, duration, time.
#[component]
fn AttemptLine(attempt: Attempt, selected: bool, id: DeliveryId, view: RenderContext) -> impl IntoView {
    let (status, ink) = if attempt.failure.is_none() {
        (domain::delivery::Status::Delivered, "text-delivered")
    } else {
        (domain::delivery::Status::Failed, "text-failed")
    };
    let href = format!("{}/attempts/{}#attempts", links::delivery(&view.acct, id.as_str()), attempt.number);
    view! {
        <li>
            <a
                href=href
                aria-current=selected.then_some("true")
                class="grid grid-cols-[2rem_minmax(0,1fr)_auto_auto] items-center gap-x-2 min-h-9 border-b border-line border-l-4 border-l-transparent px-2 py-1 text-table leading-row no-underline hover:bg-sunk aria-[current]:border-l-ink aria-[current]:bg-sunk"
            >
                <span class="text-ink-3">{format!("#{}", attempt.number)}</span>
                <span class=format!("inline-flex items-center gap-1.5 min-w-0 {ink}")>
                    <StatusIcon status=status class="size-3 shrink-0"/>
                    <span>{result(&attempt)}</span>
                </span>
                <span class="text-ink-2">{timing::duration_text(attempt.duration_ms)}</span>
                <TimeText at=attempt.started_at form=TimeForm::Clock view=view/>
            </a>
        </li>
    }
}

/// What is kept about an attempt: the response first, because it usually shows the reason.
#[component]
fn Evidence(attempt: Attempt, detail: DeliveryDetail, view: RenderContext) -> impl IntoView {
    let cause =
        attempt.failure.as_ref().map(|failure| view! { <p class="text-failed">{failure.sentence(view.now)} "."</p> });
    view! {
        <div class="grid gap-4 min-w-0">
            <div class="grid gap-1">
                <h3 class="font-bold">{format!("Attempt {}", attempt.number)}</h3>
                <p class="text-table text-ink-2"><TimeText at=attempt.started_at form=TimeForm::Full view=view/></p>
                {cause}
            </div>
            <TimingBar attempt=attempt.clone()/>
            <Response attempt=attempt.clone()/>
            <Request attempt=attempt detail=detail/>
        </div>
    }
    .into_html()
}

#[component]
fn Response(attempt: Attempt) -> impl IntoView {
    let Some(code) = attempt.status_code else {
        return view! { <h4 class=SUBHEADING>"Response"</h4><p class="text-table text-ink-2">"No response was received."</p> }
            .into_html();
    };
    let is_kept = !(attempt.response_cut && attempt.response_head.is_empty() && attempt.response_body.is_empty());
    let truncated = (attempt.response_cut && is_kept)
        .then(|| view! { <p class="text-meta text-ink-3">"Truncated: this is only the beginning of the body."</p> });
    let body = if !is_kept {
        view! { <p class="text-table text-ink-2">"Not kept: past its retention, or this account stored more than it may."</p> }.into_html()
    } else if attempt.response_body.is_empty() {
        view! { <p class="text-table text-ink-2">"Empty body"</p> }.into_html()
    } else {
        view! { <CodeBlock text=attempt.response_body what="response body"/> }.into_html()
    };
    view! {
        <div class="grid gap-2">
            <h4 class=SUBHEADING>{format!("Response: {code}")}</h4>
            {body}
            {truncated}
            {(!attempt.response_head.is_empty()).then(|| view! {
                <FoldedCode title="Response headers" text=attempt.response_head id="response-headers"/>
            })}
        </div>
    }
    .into_html()
}

#[component]
fn Request(attempt: Attempt, detail: DeliveryDetail) -> impl IntoView {
    let head = curl::request_head(&detail.row, &attempt);
    let body = curl::masked_body(&detail).map(|body| {
        view! {
            <FoldedCode title="Request body (auth token masked)" text=body id="request-body"/>
        }
    });
    view! {
        <div class="grid gap-2">
            <h4 class=SUBHEADING>"Request"</h4>
            <p class="text-table wrap-anywhere">"POST " {attempt.url}</p>
            <FoldedCode title="Request headers" text=head id="request-headers" open=true/>
            {body}
        </div>
    }
    .into_html()
}

const SUBHEADING: &str = "text-table font-bold";
